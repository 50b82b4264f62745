/* SPDX-License-Identifier: GPL-2.0-or-later */
/* world - see world.h; take.c has the kinds of values, this file what they are called */
#include "virt/world.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "conf/ip.h"
#include "virt/take.h"
#include "virt/protocol.h"

static const char *const nic_types[] = {
#define X(id, text) text,
	VIRT_NIC_LIST(X)
#undef X
	NULL
};

static const char *const modes[] = {
#define X(id, text) text,
	VIRT_MODE_LIST(X)
#undef X
	NULL
};

static const char *const states[] = {
#define X(id, text) text,
	VIRT_STATE_LIST(X)
#undef X
	NULL
};

static const char *const protos[] = { "tcp", "udp", NULL };
static const char *const levels[] = { "error", "warn", "info", "debug", NULL };

/* What the watcher may call a source; NULL: FILE is not its to say. */
static const char *const sources[] = { "", "dhcp-host", "lease", "neighbour", "agent", NULL };

static void read_address(struct take *t, void *out)
{
	struct virt_address *a = out;
	char text[CONF_IP_TEXT];
	enum nat_family family = NAT_IPV4;

	take_text(t, "address", text, sizeof(text));
	if (take_good(t) && !conf_ip_parse(text, strlen(text), &a->addr, &family))
		take_fault(t, "address", "is not an IP address");
	a->family = (uint8_t)family;
	a->source = (uint8_t)take_word(t, "source", sources);
	if (take_good(t) && a->source == VIRT_SOURCE_FILE)
		take_fault(t, "source", "is empty");
}

static void read_nic(struct take *t, void *out)
{
	struct virt_nic *n = out;

	take_text(t, "mac", n->mac, sizeof(n->mac));
	n->type = (enum virt_nic_type)take_word(t, "type", nic_types);
	n->network = take_string(t, "network", true);
	take_text_null(t, "bridge", n->bridge, sizeof(n->bridge));
	take_text_null(t, "target", n->target, sizeof(n->target));
	n->up = take_bool(t, "up");
	n->addr = take_list(t, "addresses", VIRT_NIC_ADDRESSES, sizeof(*n->addr), read_address, &n->n_addr);
}

static void read_range(struct take *t, void *out)
{
	struct virt_range *r = out;

	r->start = (uint16_t)take_number(t, "start", 1, 65535, -1);
	r->end = (uint16_t)take_number(t, "end", r->start, 65535, r->start);
	r->to = (uint16_t)take_number(t, "to", 1, 65535 - (r->end - r->start), r->start);
	r->exclude = take_bool(t, "exclude");
}

static void read_published(struct take *t, void *out)
{
	struct virt_published *p = out;
	char text[CONF_IP_TEXT];
	enum nat_family family = NAT_IPV4;

	p->proto = take_word(t, "proto", protos) ? IPPROTO_UDP : IPPROTO_TCP;
	take_text_null(t, "address", text, sizeof(text));
	if (take_good(t) && text[0]) {
		if (!conf_ip_parse(text, strlen(text), &p->listen, &family))
			take_fault(t, "address", "is not an IP address");
		p->family = (uint8_t)family;
	}
	take_text_null(t, "dev", p->dev, sizeof(p->dev));
	p->range = take_list(t, "ranges", VIRT_RANGES, sizeof(*p->range), read_range, &p->n_ranges);
}

static void read_warning(struct take *t, void *out)
{
	char *text = take_self(t);

	memcpy(out, &text, sizeof(text));
}

static void read_guest(struct take *t, void *out)
{
	struct virt_guest *g = out;

	g->uri = take_string(t, "uri", false);
	take_text(t, "uuid", g->uuid, sizeof(g->uuid));
	g->name = take_string(t, "name", false);
	g->state = (enum virt_state)take_word(t, "state", states);
	g->generation = (uint32_t)take_number(t, "generation", 0, UINT32_MAX, -1);
	g->nic = take_list(t, "nics", VIRT_NICS, sizeof(*g->nic), read_nic, &g->n_nics);
	g->published = take_list(t, "forwards", VIRT_FORWARDS, sizeof(*g->published), read_published, &g->n_published);
	g->warning = take_list(t, "warnings", VIRT_WARNINGS, sizeof(*g->warning), read_warning, &g->n_warnings);
}

static void read_prefix(struct take *t, void *out)
{
	char *text = take_self(t);

	if (text && !conf_prefix_parse(text, strlen(text), out))
		take_fault(t, "", "is not an address with a prefix");
	free(text);
}

static void read_network(struct take *t, void *out)
{
	struct virt_network *n = out;

	n->uri = take_string(t, "uri", false);
	n->name = take_string(t, "name", false);
	n->active = take_bool(t, "active");
	n->mode = (enum virt_mode)take_word(t, "mode", modes);
	take_text_null(t, "bridge", n->bridge, sizeof(n->bridge));
	n->addr = take_list(t, "addresses", VIRT_NETWORK_ADDRESSES, sizeof(*n->addr), read_prefix, &n->n_addr);
}

static void read_connection(struct take *t, void *out)
{
	struct virt_connection *c = out;

	c->uri = take_string(t, "uri", false);
	c->up = take_bool(t, "up");
	c->why = take_string(t, "why", true);
}

static int guest_order(const void *x, const void *y)
{
	const struct virt_guest *a = x, *b = y;
	int d = strcmp(a->name, b->name);

	if (!d)
		d = strcmp(a->uri, b->uri);
	return d ? d : strcmp(a->uuid, b->uuid);
}

static void read_world(struct take *t, struct virt_message *m)
{
	struct virt_world *w = calloc(1, sizeof(*w));

	if (!w) {
		take_fault(t, "", "no memory");
		return;
	}
	m->world = w;
	w->connection = take_list(t, "connections", VIRT_CONNECTIONS, sizeof(*w->connection), read_connection,
				  &w->n_connections);
	w->network = take_list(t, "networks", VIRT_NETWORKS, sizeof(*w->network), read_network, &w->n_networks);
	w->guest = take_list(t, "guests", VIRT_GUESTS, sizeof(*w->guest), read_guest, &w->n_guests);
	if (!take_good(t))
		return;
	if (w->n_guests)
		qsort(w->guest, w->n_guests, sizeof(*w->guest), guest_order);
	for (unsigned i = 1; i < w->n_guests; i++)
		if (!guest_order(&w->guest[i - 1], &w->guest[i]))
			take_fault(t, "guests", "has one twice");
}

int virt_message_read(const char *line, size_t octets, struct virt_message *m, char fault[VIRT_FAULT_OCTETS])
{
	static const char *const types[] = { "hello", "heartbeat", "log", "world", NULL };
	struct virt_message new = { .type = VIRT_HELLO };
	struct take t;

	if (take_open(&t, line, octets, fault, VIRT_FAULT_OCTETS) < 0)
		return -1;
	new.type = (enum virt_message_type)take_word(&t, "type", types);
	if (take_good(&t)) {
		switch (new.type) {
		case VIRT_HELLO:
			new.version = (int)take_number(&t, "version", 1, 1000, -1);
			break;
		case VIRT_HEARTBEAT:
			break;
		case VIRT_LOG:
			new.level = (enum virt_level)take_word(&t, "level", levels);
			new.text = take_string(&t, "text", false);
			break;
		case VIRT_WORLD:
			read_world(&t, &new);
			break;
		}
	}
	take_close(&t);
	if (!take_good(&t)) {
		virt_world_free(new.world);
		free(new.text);
		return -1;
	}
	*m = new;
	return 0;
}

/* ---- what was known before ---- */

static bool says_of(const struct virt_world *w, const char *uri)
{
	for (unsigned i = 0; i < w->n_guests; i++)
		if (!strcmp(w->guest[i].uri, uri))
			return true;
	for (unsigned i = 0; i < w->n_networks; i++)
		if (!strcmp(w->network[i].uri, uri))
			return true;
	return false;
}

static void keep_guests(struct virt_world *w, struct virt_world *old, const char *uri)
{
	struct virt_guest *room = reallocarray(w->guest, (size_t)w->n_guests + old->n_guests + 1, sizeof(*room));

	if (!room)
		return;
	w->guest = room;
	for (unsigned i = 0; i < old->n_guests;) {
		if (strcmp(old->guest[i].uri, uri) != 0) {
			i++;
			continue;
		}
		w->guest[w->n_guests++] = old->guest[i];
		old->guest[i] = old->guest[--old->n_guests];
	}
	if (w->n_guests)
		qsort(w->guest, w->n_guests, sizeof(*w->guest), guest_order);
}

static void keep_networks(struct virt_world *w, struct virt_world *old, const char *uri)
{
	struct virt_network *room = reallocarray(w->network, (size_t)w->n_networks + old->n_networks + 1, sizeof(*room));

	if (!room)
		return;
	w->network = room;
	for (unsigned i = 0; i < old->n_networks;) {
		if (strcmp(old->network[i].uri, uri) != 0) {
			i++;
			continue;
		}
		w->network[w->n_networks++] = old->network[i];
		old->network[i] = old->network[--old->n_networks];
	}
}

unsigned virt_world_keep(struct virt_world *w, struct virt_world *old)
{
	unsigned said = w->n_guests;

	for (unsigned i = 0; old && i < w->n_connections; i++) {
		const struct virt_connection *c = &w->connection[i];

		if (c->up || says_of(w, c->uri))
			continue;
		keep_guests(w, old, c->uri);
		keep_networks(w, old, c->uri);
	}
	return w->n_guests - said;
}
