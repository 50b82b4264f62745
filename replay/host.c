/* SPDX-License-Identifier: GPL-2.0-or-later */
/* host - see host.h */
#include "replay/host.h"

#include <errno.h>
#include <string.h>

#include "conf/ip.h"

enum {
	DEV_INSIDE = 1,
	DEV_OUTSIDE = 2,
	DEV_NAMED = 3,			/* DEV_NAMED + i: of the configuration's row i, the first that names it */
	DEV_OUT = 1 << 20,		/* DEV_OUT + i: of its outs[i], the same; there are fewer rows than this */

	NET_BITS_V4 = 24,		/* of a guest's network */
	NET_BITS_V6 = 64,
};

static const struct conf *conf;

void host_open(const struct conf *c)
{
	conf = c;
}

static unsigned device_index(const char *name)
{
	for (unsigned i = 0; i < conf->n_rows; i++)
		if (!strcmp(conf->rows[i].dev, name))
			return DEV_NAMED + i;
	for (unsigned i = 0; i < conf->n_outs; i++)
		if (!strcmp(conf->outs[i].out, name))
			return DEV_OUT + i;
	return 0;
}

char *host_device_name(unsigned ifindex, char *buf)
{
	const char *name = "?";

	if (ifindex == DEV_INSIDE)
		name = "inside";
	else if (ifindex == DEV_OUTSIDE)
		name = "outside";
	else if (ifindex >= DEV_NAMED && ifindex - DEV_NAMED < conf->n_rows)
		name = conf->rows[ifindex - DEV_NAMED].dev;
	else if (ifindex >= DEV_OUT && ifindex - DEV_OUT < conf->n_outs)
		name = conf->outs[ifindex - DEV_OUT].out;
	snprintf(buf, IF_NAMESIZE, "%s", name);
	return buf;
}

static struct nat_prefix network_of(const struct nat_addr *guest, uint8_t family)
{
	struct nat_prefix net = { .addr = *guest, .family = family,
				  .bits = family == NAT_IPV4 ? NET_BITS_V4 : NET_BITS_V6 };

	return conf_prefix_trim(&net);
}

static int route_inside(const struct nat_addr *to, enum nat_family family, struct route *r)
{
	struct nat_prefix net = network_of(to, (uint8_t)family);

	*r = (struct route){ .oif = DEV_INSIDE, .near = net.addr, .bits = net.bits };
	r->near.octet[15] |= 1;
	return 0;
}

/* What a masquerade without `to:` goes out by: a documentation address (RFC 5737, RFC 3849), as a capture does not tell. */
static int outside_address(const char *device, enum nat_family family, struct nat_addr *a)
{
	static const uint8_t four[4] = { 192, 0, 2, 1 }, six[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };

	(void)device;
	*a = family == NAT_IPV4 ? nat_addr_v4(four) : nat_addr_v6(six);
	return 0;
}

/* Ports of a masquerade: those that are written, else all above 1023 but the kernel's default ephemeral range. */
static void outside_ranges_default(const struct conf_out *o, struct out_range range[OUT_RANGES])
{
	memset(range, 0, OUT_RANGES * sizeof(*range));
	range[0] = o->lo ? (struct out_range){ o->lo, o->hi } : (struct out_range){ 1024, 32767 };
	if (!o->lo)
		range[1] = (struct out_range){ 61000, 65535 };
}

const struct table_host *host_answers(void)
{
	static const struct table_host answers = {
		.route = route_inside,
		.device = device_index,
		.address = outside_address,
		.ranges = outside_ranges_default
	}; /* masquerades go out by what they are told: `to:` */

	return &answers;
}

/* From a guest, or from another machine in a guest's network: those are not outside. */
static bool is_inside(const struct nat_addr *a, uint8_t family)
{
	for (unsigned i = 0; i < conf->n_rows; i++) {
		struct nat_prefix net = network_of(&conf->rows[i].to, conf->rows[i].family);

		if (nat_prefix_has(&net, a, family))
			return true;
	}
	for (unsigned i = 0; i < conf->n_outs; i++)
		if (nat_prefix_has(&conf->outs[i].inside, a, family))
			return true;
	return false;
}

/* The device by which a guest's packet leaves: the one that what is said of its source asks for. */
static uint32_t device_out(const struct nat_addr *src, uint8_t family)
{
	for (unsigned i = 0; i < conf->n_outs; i++)
		if (conf->outs[i].out[0] && nat_prefix_has(&conf->outs[i].inside, src, family))
			return device_index(conf->outs[i].out);
	return DEV_OUTSIDE;
}

static bool is_guest(const struct nat_addr *a, uint8_t family)
{
	for (unsigned i = 0; i < conf->n_rows; i++)
		if (conf->rows[i].family == family && nat_addr_eq(&conf->rows[i].to, a))
			return true;
	return false;
}

static bool is_listen(const struct nat_addr *a, uint8_t family)
{
	for (unsigned i = 0; i < conf->n_rows; i++)
		if (conf->rows[i].family == family && nat_addr_eq(&conf->rows[i].listen, a))
			return true;
	return false;
}

static bool is_listener(const struct nat *n, const struct nat_tuple *t, uint32_t indev)
{
	return map_find(&n->map[n->block->active], &t->ends, t->proto, t->family, indev) != NAT_NONE;
}

/* Is it an address by which this masquerade goes out? */
static bool goes_out_by(const struct conf_out *o, const struct nat_addr *a)
{
	struct nat_addr own;

	if (o->kind != CONF_MASQUERADE || !o->out[0])
		return false;
	for (unsigned i = 0; i < o->n_to; i++)
		if (nat_addr_eq(&o->to[i], a))
			return true;
	outside_address(o->out, (enum nat_family)o->inside.family, &own);
	return !o->n_to && nat_addr_eq(&own, a);
}

/* A capture does not say where a packet came in: a device that a forward asks for is taken to be the one. */
static uint32_t outside_device(const struct nat *n, const struct nat_tuple *t)
{
	const struct map *m = &n->map[n->block->active];

	for (unsigned i = 0; i < conf->n_rows; i++) {
		uint32_t dev, row;

		if (!conf->rows[i].dev[0] || (dev = device_index(conf->rows[i].dev)) != DEV_NAMED + i)
			continue;
		row = map_find(m, &t->ends, t->proto, t->family, dev);
		if (row != NAT_NONE && m->row[row].dev == dev)
			return dev;
	}
	for (unsigned i = 0; i < conf->n_outs; i++)
		if (conf->outs[i].inside.family == t->family && goes_out_by(&conf->outs[i], &t->ends.dst))
			return device_index(conf->outs[i].out);
	return DEV_OUTSIDE;
}

static void place(struct nat_pkt *p, enum nat_hook hook, uint32_t indev, uint32_t outdev)
{
	p->hook = (uint8_t)hook;
	p->indev = indev;
	p->outdev = outdev;
}

/* A packet of a known flow, as it comes or as it goes. False: of none. */
static bool place_in_flow(const struct nat *n, const struct nat_tuple *t, struct nat_pkt *p)
{
	struct nat_ends inverse = nat_ends_inverse(&t->ends);
	const struct nat_flow *f;
	enum flow_key key;

	f = flow_find(&n->flows, &t->ends, t->proto, t->family, &key);
	if (f && f->flags & FLOW_OUT) {		/* a guest's own: as it comes from it, or as it is answered */
		if (key == FLOW_ORIG)
			place(p, NAT_POST, 0, device_out(&t->ends.src, t->family));
		else
			place(p, NAT_PRE, device_out(&f->orig.src, t->family), 0);
		return true;
	}
	if (f && key == FLOW_ORIG) {
		if (f->flags & FLOW_LOCAL)
			place(p, NAT_OUT, 0, DEV_INSIDE);
		else
			place(p, NAT_PRE, f->flags & FLOW_HAIRPIN ? DEV_INSIDE : outside_device(n, t), 0);
		return true;
	}
	if (f) {
		if (f->flags & FLOW_LOCAL)
			place(p, NAT_IN, DEV_INSIDE, 0);
		else if (f->flags & FLOW_HAIRPIN && key == FLOW_REPLY)
			place(p, NAT_PRE, DEV_INSIDE, 0);
		else
			place(p, NAT_POST, 0, DEV_OUTSIDE);
		return true;
	}
	f = flow_find(&n->flows, &inverse, t->proto, t->family, &key);
	if (!f)
		return false;
	if ((key == FLOW_ORIG) != !!(f->flags & FLOW_OUT))
		place(p, NAT_POST, 0, f->flags & FLOW_OUT ? device_out(&f->orig.src, t->family) : DEV_OUTSIDE);
	else
		place(p, NAT_FWD, DEV_OUTSIDE, DEV_INSIDE);
	return true;
}

/* Did the packet that this error quotes reach the inside? Then the error comes from there. */
static bool quotes_inside(const struct nat_pkt *p, const struct pkt_view *v)
{
	uint32_t at = v->l4 + 8;
	struct pkt_view q;

	return v->is_error && at < v->end &&
	       pkt_parse_ip(p->data + at, v->end - at, true, &q) == NAT_WHY_UNDECIDED &&
	       is_inside(&q.tuple.ends.dst, q.tuple.family);
}

void host_place(const struct nat *n, struct nat_pkt *p)
{
	struct pkt_view v;
	const struct nat_tuple *t = &v.tuple;
	bool good = pkt_parse_ip(p->data, p->len, p->truncated, &v) == NAT_WHY_UNDECIDED;
	bool inside = t->family && is_inside(&t->ends.src, t->family);

	if (good && !v.is_error && place_in_flow(n, t, p))
		return;
	if (!good || v.is_error) {
		inside = inside || (good && quotes_inside(p, &v));
		place(p, inside ? NAT_POST : NAT_PRE, inside ? 0 : DEV_OUTSIDE,
		      inside ? device_out(&t->ends.src, t->family) : 0);
	} else if (inside && is_listener(n, t, DEV_INSIDE)) {
		place(p, NAT_PRE, DEV_INSIDE, 0);
	} else if (inside) {
		place(p, NAT_POST, 0, device_out(&t->ends.src, t->family));
	} else if (is_guest(&t->ends.dst, t->family)) {
		place(p, NAT_FWD, DEV_OUTSIDE, DEV_INSIDE);
	} else if ((nat_addr_is_loopback(&t->ends.src, t->family) || is_listen(&t->ends.src, t->family)) &&
		   is_listener(n, t, 0)) {
		place(p, NAT_OUT, 0, DEV_INSIDE);
	} else {
		place(p, NAT_PRE, outside_device(n, t), 0);
	}
}

bool host_next_hook(const struct nat *n, struct nat_pkt *p)
{
	if (p->hook != NAT_PRE || p->flow == NAT_NONE || !p->changed || p->view.is_error ||
	    nat_reason_verdict(p->reason) == NAT_DROP || !(n->flows.flow[p->flow].flags & FLOW_HAIRPIN))
		return false;
	if (p->dir == NAT_ORIG)
		place(p, NAT_FWD, DEV_INSIDE, DEV_INSIDE);
	else
		place(p, NAT_POST, 0, DEV_INSIDE);
	return true;
}
