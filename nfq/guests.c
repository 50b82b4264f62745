/* SPDX-License-Identifier: GPL-2.0-or-later */
/* guests - see guests.h */
#include "nfq/guests.h"

#include <netinet/in.h>
#include <errno.h>
#include <ifaddrs.h>
#include <stdlib.h>
#include <string.h>

#include "nfq/added.h"
#include "nfq/blocks_file.h"
#include "nfq/ctl/world.h"
#include "nfq/fields.h"
#include "nfq/guests_show.h"
#include "nfq/log.h"

/* ---- this host ---- */

static unsigned mask_bits(const uint8_t *mask, size_t octets)
{
	unsigned bits = 0;

	for (size_t i = 0; i < octets; i++)
		bits += (unsigned)__builtin_popcount(mask[i]);
	return bits;
}

static bool prefix_of(const struct ifaddrs *ifa, struct nat_prefix *p)
{
	struct sockaddr_in6 a6, m6;
	struct sockaddr_in a4, m4;

	if (!ifa->ifa_addr || !ifa->ifa_netmask)
		return false;
	if (ifa->ifa_addr->sa_family == AF_INET) {
		memcpy(&a4, ifa->ifa_addr, sizeof(a4));
		memcpy(&m4, ifa->ifa_netmask, sizeof(m4));
		*p = (struct nat_prefix){ nat_addr_v4((const uint8_t *)&a4.sin_addr), NAT_IPV4,
					  (uint8_t)mask_bits((const uint8_t *)&m4.sin_addr, 4) };
		return true;
	}
	if (ifa->ifa_addr->sa_family != AF_INET6)
		return false;
	memcpy(&a6, ifa->ifa_addr, sizeof(a6));
	memcpy(&m6, ifa->ifa_netmask, sizeof(m6));
	*p = (struct nat_prefix){ nat_addr_v6(a6.sin6_addr.s6_addr), NAT_IPV6, (uint8_t)mask_bits(m6.sin6_addr.s6_addr, 16) };
	return true;
}

/* Addresses of this host, to be freed; none if the kernel cannot be asked. */
static struct nat_prefix *host_addresses(unsigned *n)
{
	struct ifaddrs *list = NULL;
	struct nat_prefix *host;
	unsigned room = 0;

	*n = 0;
	if (getifaddrs(&list) < 0)
		return NULL;
	for (const struct ifaddrs *i = list; i; i = i->ifa_next)
		room++;
	host = calloc(room + 1, sizeof(*host));
	for (const struct ifaddrs *i = list; host && i; i = i->ifa_next)
		*n += prefix_of(i, &host[*n]);
	freeifaddrs(list);
	return host;
}

/* Something somebody should look at? */
static bool is_alarming(const struct virt_entry *e)
{
	for (unsigned f = 0; f < VIRT_FAMILIES; f++)
		if (e->way[f].why >= VIRT_WHY_ADDRESS_FOREIGN && e->way[f].why <= VIRT_WHY_CLASH)
			return true;
	return e->clashes || e->refused_ports;
}

/* The entry of the same forward and guest in another status. */
static const struct virt_entry *counterpart(const struct virt_status *s, const struct virt_entry *e)
{
	const struct virt_entry *o = s->n ? bsearch(e, s->entry, s->n, sizeof(*e), virt_entry_order) : NULL;

	return o && !strcmp(o->uuid, e->uuid) ? o : NULL;
}

/* One line for each forward whose answer is another than before. */
static void log_changes(const struct virt_status *before, const struct virt_status *now)
{
	char was[GUESTS_LINE_OCTETS], is[GUESTS_LINE_OCTETS];

	for (unsigned i = 0; i < now->n; i++) {
		const struct virt_entry *old = counterpart(before, &now->entry[i]);

		guests_words(is, sizeof(is), &now->entry[i]);
		if (old)
			guests_words(was, sizeof(was), old);
		if (old && !strcmp(was, is))
			continue;
		fields_guest(&now->entry[i]);
		if (is_alarming(&now->entry[i]))
			log_warn("%s", is);
		else
			log_info("%s", is);
	}
	for (unsigned i = 0; i < before->n; i++)
		if (!counterpart(now, &before->entry[i]) && before->entry[i].guest) {
			log_field("FORWARD", "%s", before->entry[i].name);
			log_field("GUEST_NAME", "%s", before->entry[i].guest);
			log_info("forward %s: guest %s is gone", before->entry[i].name, before->entry[i].guest);
		}
}

/* ---- the source ---- */

/* How libvirt is watched: as the file says, else as forwards that were added need it. */
static const struct conf_libvirt *watched(const struct conf *file)
{
	const struct conf_libvirt *added = file->libvirt.on ? NULL : added_libvirt();

	return added ? added : &file->libvirt;
}

/* The file with those of the added forwards that follow a guest behind its own; its list to be freed. */
static int with_added(const struct conf *file, struct conf *both)
{
	const struct conf_forward *added[ADDED_MAX];
	unsigned n = added_guests(added);

	*both = *file;
	both->forwards = calloc((size_t)file->n_forwards + n + 1, sizeof(*both->forwards));
	if (!both->forwards)
		return -ENOMEM;
	if (file->n_forwards)
		memcpy(both->forwards, file->forwards, file->n_forwards * sizeof(*both->forwards));
	for (unsigned i = 0; i < n; i++)
		both->forwards[both->n_forwards++] = *added[i];
	return 0;
}

static int contribute(void *ctx, const struct conf *file, struct conf_claims *claims, struct conf_dynamic *out)
{
	struct guests *g = ctx;
	struct virt_status status;
	struct conf both;
	struct virt_input in = { .file = &both, .world = g->world, .before = &g->status, .now = state_clock(),
				 .started = g->started };
	struct nat_prefix *host;
	int err;

	ev_timer_stop(g->watcher.loop, &g->wake);
	if (!watched(file)->on) {
		virt_status_free(&g->status);
		return 0;
	}
	err = with_added(file, &both);
	if (err)
		return err;
	in.host = host = host_addresses(&in.n_host);
	err = virt_resolve(&in, &g->blocks, claims, out, &status);
	free(host);
	free(both.forwards);
	if (err)
		return err;
	log_changes(&g->status, &status);
	virt_status_free(&g->status);
	g->status = status;
	if (g->blocks.changed)
		blocks_file_write(&g->blocks);
	if (status.wake) {
		ev_timer_set(&g->wake, (double)(status.wake - in.now) / 1e9 + 0.01, 0.);
		ev_timer_start(g->watcher.loop, &g->wake);
	}
	return 0;
}

/* After a take-over: have all connections answered? Before, flows of guests must not end because nobody knows them. */
static bool settled(void *ctx)
{
	const struct guests *g = ctx;
	bool all = g->world;

	for (unsigned i = 0; g->world && i < g->world->n_connections; i++)
		all &= g->world->connection[i].up;
	return all || !watched(g->live->file)->on;
}

static void on_wake(struct ev_loop *loop, ev_timer *t, int events)
{
	struct guests *g = t->data;

	(void)loop;
	(void)events;
	live_refresh(g->live);
}

static const struct virt_guest *find(const struct virt_world *w, const struct virt_guest *like)
{
	for (unsigned i = 0; w && i < w->n_guests; i++)
		if (!strcmp(w->guest[i].uuid, like->uuid) && !strcmp(w->guest[i].uri, like->uri))
			return &w->guest[i];
	return NULL;
}

static bool warned_before(const struct virt_guest *old, const char *text)
{
	for (unsigned i = 0; old && i < old->n_warnings; i++)
		if (!strcmp(old->warning[i], text))
			return true;
	return false;
}

static const char *connection_why(const struct virt_world *w, const char *uri)
{
	for (unsigned i = 0; w && i < w->n_connections; i++)
		if (!strcmp(w->connection[i].uri, uri))
			return w->connection[i].up ? NULL : w->connection[i].why ? w->connection[i].why : "";
	return w ? "" : "?";		/* not asked for before */
}

static void log_connections(const struct virt_world *old, const struct virt_world *new)
{
	for (unsigned i = 0; i < new->n_connections; i++) {
		const struct virt_connection *c = &new->connection[i];
		const char *was = connection_why(old, c->uri);

		if (c->up && was)
			log_info("libvirt: %s answers", c->uri);
		else if (!c->up && (!was || !strcmp(was, "?")))
			log_warn("libvirt: %s does not answer: %s; forwards stay as they are", c->uri, c->why ? c->why : "");
	}
}

/* The watcher says how things are now. */
static void hear(void *ctx, struct virt_world *world)
{
	struct guests *g = ctx;
	nat_ns now = state_clock();
	unsigned kept;

	log_connections(g->world, world);
	for (unsigned i = 0; i < world->n_guests; i++) {
		struct virt_guest *new = &world->guest[i];
		const struct virt_guest *old = find(g->world, new);

		new->since = old && old->state == new->state && old->generation >= new->generation ? old->since : now;
		new->life = old && old->life > new->generation ? old->life : new->generation;
		for (unsigned k = 0; k < new->n_warnings; k++)
			if (!warned_before(old, new->warning[k])) {
				log_field("GUEST_NAME", "%s", new->name);
				log_field("REASON", "%s", new->warning[k]);
				log_warn("guest %s: %s", new->name, new->warning[k]);
			}
	}
	kept = virt_world_keep(world, g->world);
	if (kept)
		log_info("libvirt is away, and its watcher is new: %u guests stay as they were", kept);
	virt_world_free(g->world);
	g->world = world;
	live_refresh(g->live);
}

void guests_open(struct guests *g, struct ev_loop *loop, struct live *live)
{
	*g = (struct guests){ .live = live, .started = state_clock() };
	g->watcher.loop = loop;
	g->watcher.hear = hear;
	g->watcher.ctx = g;
	virt_child_init(&g->watcher);
	ev_init(&g->wake, on_wake);
	g->wake.data = g;
	blocks_file_read(&g->blocks);
	ctl_status_add("guests", guests_json, g);
	live->source[LIVE_GUESTS] = (struct live_source){ .contribute = contribute, .settled = settled, .ctx = g };
}

void guests_configure(struct guests *g, const struct conf *file)
{
	const struct conf_libvirt *l = watched(file);

	if (!g->watcher.order && l->on)
		g->started = state_clock();
	virt_child_configure(&g->watcher, l);
	if (l->on)
		return;
	virt_world_free(g->world);	/* it will not be kept true */
	g->world = NULL;
}

void guests_close(struct guests *g)
{
	virt_child_stop(&g->watcher);
	ev_timer_stop(g->watcher.loop, &g->wake);
	virt_world_free(g->world);
	virt_status_free(&g->status);
	virt_blocks_free(&g->blocks);
}
