/* SPDX-License-Identifier: GPL-2.0-or-later */
/* address - see address.h */
#include "virt/address.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf/ip.h"

static const uint8_t family_of[VIRT_FAMILIES] = { [VIRT_IPV4] = NAT_IPV4, [VIRT_IPV6] = NAT_IPV6 };

/* ---- whose is an address? ---- */

static int owner_order(const void *x, const void *y)
{
	const struct virt_owner *a = x, *b = y;
	int d = a->family - b->family;

	if (!d)
		d = memcmp(&a->addr, &b->addr, sizeof(a->addr));
	if (!d)
		d = a->source - b->source;
	if (!d)
		d = b->running - a->running;
	return d ? d : b->before - a->before;
}

static bool had_before(const struct virt_status *before, const struct virt_guest *g, unsigned family,
		       const struct nat_addr *addr)
{
	for (unsigned i = 0; before && i < before->n; i++) {
		const struct virt_entry *e = &before->entry[i];

		if (virt_why_is_active(e->way[family].why) && nat_addr_eq(&e->way[family].to, addr) &&
		    !strcmp(e->uuid, g->uuid))
			return true;
	}
	return false;
}

static void add(struct virt_owners *o, const struct virt_input *in, const struct virt_guest *g,
		const struct nat_addr *addr, uint8_t family, uint8_t source)
{
	unsigned f = family == NAT_IPV4 ? VIRT_IPV4 : VIRT_IPV6;

	o->owner[o->n++] = (struct virt_owner){ .addr = *addr, .family = family, .source = source, .guest = g,
						.running = g->state != VIRT_STATE_OFF,
						.before = had_before(in->before, g, f, addr) };
}

/* What the file says of a guest: nobody else may say otherwise. */
static void add_from_file(struct virt_owners *o, const struct virt_input *in, const struct virt_guest *g)
{
	for (unsigned i = 0; i < in->file->n_forwards; i++) {
		const struct conf_guest *c = in->file->forwards[i].guest;

		if (!c || c->is_glob || strcmp(c->name, g->name) != 0)
			continue;
		if (c->has4)
			add(o, in, g, &c->to4, NAT_IPV4, VIRT_SOURCE_FILE);
		if (c->has6)
			add(o, in, g, &c->to6, NAT_IPV6, VIRT_SOURCE_FILE);
	}
}

int virt_owners_make(const struct virt_input *in, struct virt_owners *o)
{
	const struct virt_world *w = in->world;
	size_t n = 0, named = 0;

	*o = (struct virt_owners){ 0 };
	for (unsigned i = 0; i < in->file->n_forwards; i++)
		named += in->file->forwards[i].guest ? 2 : 0;
	for (unsigned i = 0; i < w->n_guests; i++)
		for (unsigned k = 0; k < w->guest[i].n_nics; k++)
			n += w->guest[i].nic[k].n_addr;
	o->owner = calloc(n + named * w->n_guests + 1, sizeof(*o->owner));
	if (!o->owner)
		return -ENOMEM;
	for (unsigned i = 0; i < w->n_guests; i++) {
		const struct virt_guest *g = &w->guest[i];

		add_from_file(o, in, g);
		for (unsigned k = 0; k < g->n_nics; k++)
			for (unsigned a = 0; a < g->nic[k].n_addr; a++)
				add(o, in, g, &g->nic[k].addr[a].addr, g->nic[k].addr[a].family, g->nic[k].addr[a].source);
	}
	qsort(o->owner, o->n, sizeof(*o->owner), owner_order);
	return 0;
}

void virt_owners_free(struct virt_owners *o)
{
	free(o->owner);
	*o = (struct virt_owners){ 0 };
}

/* The first of those who claim an address. */
static const struct virt_owner *owners_of(const struct virt_owners *o, const struct nat_addr *addr, uint8_t family)
{
	unsigned lo = 0, hi = o->n;

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;
		const struct virt_owner *m = &o->owner[mid];

		if (m->family < family || (m->family == family && memcmp(&m->addr, addr, sizeof(*addr)) < 0))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < o->n && o->owner[lo].family == family && nat_addr_eq(&o->owner[lo].addr, addr) ? &o->owner[lo] : NULL;
}

/*
 * Does it belong to somebody else? To whom the best source gives it; of equals
 * to him who is there, or who had it before. If that leaves two, to neither.
 */
static bool is_anothers(const struct virt_owners *o, const struct virt_guest *g, const struct nat_addr *addr,
			uint8_t family)
{
	const struct virt_owner *first = owners_of(o, addr, family), *end = o->owner + o->n;

	if (!first)
		return false;
	if (first->guest != g)
		return true;
	for (const struct virt_owner *x = first + 1; x < end && !owner_order(first, x); x++)
		if (x->guest != g)
			return true;
	return false;
}

/* ---- is it one to forward to? ---- */

static bool is_hosts(const struct virt_input *in, const struct nat_addr *addr, uint8_t family)
{
	for (unsigned i = 0; i < in->n_host; i++)
		if (in->host[i].family == family && nat_addr_eq(&in->host[i].addr, addr))
			return true;
	for (unsigned i = 0; i < in->world->n_networks; i++)
		for (unsigned a = 0; a < in->world->network[i].n_addr; a++)
			if (in->world->network[i].addr[a].family == family &&
			    nat_addr_eq(&in->world->network[i].addr[a].addr, addr))
				return true;
	return false;
}

static bool any_has(const struct nat_prefix *p, unsigned n, const struct nat_addr *addr, uint8_t family)
{
	for (unsigned i = 0; i < n; i++)
		if (nat_prefix_has(&p[i], addr, family))
			return true;
	return false;
}

/* Where an interface is plugged in. */
struct place {
	enum virt_why why;		/* ACTIVE: a place that can be reached */
	const struct virt_network *net;	/* NULL: the LAN of a bridge or device */
};

/* On its network; NULL: the LAN, where any network of this host will do. */
static bool is_at_home(const struct virt_input *in, const struct place *p, const struct nat_addr *addr, uint8_t family)
{
	return p->net ? any_has(p->net->addr, p->net->n_addr, addr, family)
		      : any_has(in->host, in->n_host, addr, family);
}

static enum virt_why judge(const struct virt_input *in, const struct virt_owners *o, const struct virt_guest *g,
			   const struct place *p, const struct nat_addr *addr, uint8_t family, enum virt_source source)
{
	if (conf_ip_kind(addr, family) != CONF_IP_UNICAST)
		return VIRT_WHY_ADDRESS_BAD;
	if (is_hosts(in, addr, family))
		return VIRT_WHY_ADDRESS_HOST;
	if (source == VIRT_SOURCE_FILE)
		return VIRT_WHY_ACTIVE;		/* the admin knows */
	if (is_anothers(o, g, addr, family))
		return VIRT_WHY_ADDRESS_OTHER;
	return is_at_home(in, p, addr, family) ? VIRT_WHY_ACTIVE : VIRT_WHY_ADDRESS_FOREIGN;
}

/* ---- which network? ---- */

static const struct virt_network *network_named(const struct virt_input *in, const char *uri, const char *name)
{
	for (unsigned i = 0; i < in->world->n_networks; i++)
		if (!strcmp(in->world->network[i].name, name) && !strcmp(in->world->network[i].uri, uri))
			return &in->world->network[i];
	/* lxc:///system and qemu:///system have one set of networks, and a watcher may tell it once. */
	for (unsigned i = 0; i < in->world->n_networks; i++)
		if (!strcmp(in->world->network[i].name, name))
			return &in->world->network[i];
	return NULL;
}

static const struct virt_network *network_on(const struct virt_input *in, const char *bridge)
{
	for (unsigned i = 0; *bridge && i < in->world->n_networks; i++)
		if (in->world->network[i].active && in->world->network[i].mode != VIRT_MODE_BRIDGE &&
		    !strcmp(in->world->network[i].bridge, bridge))
			return &in->world->network[i];
	return NULL;
}

static struct place in_network(const struct virt_network *net, bool isolated, bool host_source)
{
	const struct place lan = { host_source ? VIRT_WHY_ACTIVE : VIRT_WHY_NEEDS_HOST, NULL };

	if (!net)
		return (struct place){ VIRT_WHY_NETWORK_UNKNOWN, NULL };
	if (!net->active)
		return (struct place){ VIRT_WHY_NETWORK_OFF, net };
	switch (net->mode) {
	case VIRT_MODE_NAT:
	case VIRT_MODE_ROUTE:
	case VIRT_MODE_OPEN:
		return (struct place){ VIRT_WHY_ACTIVE, net };
	case VIRT_MODE_ISOLATED:
		return (struct place){ isolated ? VIRT_WHY_ACTIVE : VIRT_WHY_ISOLATED, net };
	case VIRT_MODE_BRIDGE:
	case VIRT_MODE_MACVTAP:
	case VIRT_MODE_HOSTDEV:
		return lan;
	case VIRT_MODE_OTHER:
	case VIRT_MODES:
		break;
	}
	return (struct place){ VIRT_WHY_UNREACHABLE_NIC, net };
}

/* DESIGN's table: every mode of network and kind of interface has an answer. */
static struct place place_of(const struct virt_input *in, const struct virt_guest *g, const struct virt_nic *nic,
			     const struct conf_forward *f)
{
	bool isolated = f && f->guest->isolated, host_source = f && f->host_source;
	const struct virt_network *net;

	switch (nic->type) {
	case VIRT_NIC_NETWORK:
		net = nic->network ? network_named(in, g->uri, nic->network) : NULL;
		return in_network(net, isolated, host_source);
	case VIRT_NIC_BRIDGE:
		net = network_on(in, nic->bridge);
		if (net)
			return in_network(net, isolated, host_source);
		break;
	case VIRT_NIC_DIRECT:
	case VIRT_NIC_HOSTDEV:
		break;
	case VIRT_NIC_USER:
	case VIRT_NIC_OTHER:
	case VIRT_NIC_TYPES:
		return (struct place){ VIRT_WHY_UNREACHABLE_NIC, NULL };
	}
	return (struct place){ host_source ? VIRT_WHY_ACTIVE : VIRT_WHY_NEEDS_HOST, NULL };
}

static bool is_in(const struct virt_nic *nic, const char *network)
{
	return !network || (nic->network && !strcmp(nic->network, network));
}

/* ---- the way to the guest ---- */

/* RFC 4291 appendix A: the interface identifier that a MAC gives. Such an address stays; others may be for a day. */
static bool is_eui64(const struct virt_nic *nic, const struct nat_addr *a)
{
	unsigned m[6];

	/* NOLINTNEXTLINE(cert-err34-c): two digits cannot be too many */
	if (sscanf(nic->mac, "%2x:%2x:%2x:%2x:%2x:%2x", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5]) != 6)
		return false;
	return a->octet[8] == (m[0] ^ 2) && a->octet[9] == m[1] && a->octet[10] == m[2] && a->octet[11] == 0xff &&
	       a->octet[12] == 0xfe && a->octet[13] == m[3] && a->octet[14] == m[4] && a->octet[15] == m[5];
}

/* How much an address of this interface is to be liked; more is better. */
static unsigned liking(const struct virt_input *in, const struct virt_guest *g, const struct virt_nic *nic,
		       const struct virt_address *a, unsigned family)
{
	return (VIRT_SOURCES - a->source) * 4u + (had_before(in->before, g, family, &a->addr) ? 2u : 0u) +
	       (family == VIRT_IPV6 && is_eui64(nic, &a->addr) ? 1u : 0u);
}

static bool is_enclosed(const struct place *p)
{
	return p->net && p->net->mode == VIRT_MODE_ISOLATED;
}

static struct virt_way way_by_nic(const struct virt_input *in, const struct virt_owners *o, const struct virt_guest *g,
				  const struct virt_nic *nic, const struct place *p, unsigned family)
{
	struct virt_way best = { .why = VIRT_WHY_NO_ADDRESS };
	unsigned liked = 0;

	if (p->why != VIRT_WHY_ACTIVE)
		return (struct virt_way){ .why = p->why };
	if (!nic->up)
		return (struct virt_way){ .why = VIRT_WHY_NIC_DOWN };
	for (unsigned i = 0; i < nic->n_addr; i++) {
		const struct virt_address *a = &nic->addr[i];
		struct virt_way w = { .to = a->addr, .source = a->source };
		unsigned like = liking(in, g, nic, a, family);

		if (a->family != family_of[family])
			continue;
		w.enclosed = is_enclosed(p);
		w.why = judge(in, o, g, p, &a->addr, a->family, a->source);
		if (w.why > best.why || (w.why == best.why && like > liked)) {
			best = w;
			liked = like;
		}
	}
	return best;
}

/* An address in the file: only where the guest is plugged in is still to be looked at, if anywhere. */
static struct virt_way way_by_file(const struct virt_input *in, const struct virt_owners *o, const struct virt_guest *g,
				   const struct conf_forward *f, unsigned family)
{
	struct virt_way w = { .why = VIRT_WHY_ACTIVE, .to = family == VIRT_IPV4 ? f->guest->to4 : f->guest->to6,
			      .source = VIRT_SOURCE_FILE };
	enum virt_why best = g->n_nics ? VIRT_WHY_OTHER_NETWORK : VIRT_WHY_ACTIVE;
	struct place any = { VIRT_WHY_ACTIVE, NULL };

	for (unsigned i = 0; i < g->n_nics; i++) {
		struct place p = place_of(in, g, &g->nic[i], f);

		if (!is_in(&g->nic[i], f->guest->network))
			continue;
		if (p.why == VIRT_WHY_ACTIVE && !g->nic[i].up)
			p.why = VIRT_WHY_NIC_DOWN;
		if (p.why > best) {
			best = p.why;
			w.enclosed = is_enclosed(&p);
		}
	}
	w.why = best;
	if (best == VIRT_WHY_ACTIVE)
		w.why = judge(in, o, g, &any, &w.to, family_of[family], VIRT_SOURCE_FILE);
	return w;
}

struct virt_way virt_way_of(const struct virt_input *in, const struct virt_owners *o, const struct virt_guest *g,
			    const struct conf_forward *f, unsigned family)
{
	const char *network = f ? f->guest->network : NULL;
	struct virt_way best = { .why = g->n_nics ? VIRT_WHY_OTHER_NETWORK : VIRT_WHY_NO_NIC };

	if (g->state == VIRT_STATE_OFF)
		return (struct virt_way){ .why = VIRT_WHY_OFF };
	if (f && (family == VIRT_IPV4 ? f->guest->has4 : f->guest->has6)) {
		best = way_by_file(in, o, g, f, family);
	} else {
		for (unsigned i = 0; i < g->n_nics; i++) {
			struct place p = place_of(in, g, &g->nic[i], f);
			struct virt_way w = way_by_nic(in, o, g, &g->nic[i], &p, family);

			if (is_in(&g->nic[i], network) && w.why > best.why)
				best = w;
		}
	}
	if (best.why == VIRT_WHY_ACTIVE && g->state == VIRT_STATE_PAUSED)
		best.why = VIRT_WHY_SUSPENDED;
	return best;
}
