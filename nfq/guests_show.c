/* SPDX-License-Identifier: GPL-2.0-or-later */
/* guests_show - see guests_show.h */
#include "nfq/guests_show.h"

#include <arpa/inet.h>

#include "nfq/ctl/json.h"

static size_t way_words(char *buf, size_t octets, const struct virt_way *w, enum nat_family family)
{
	char addr[INET6_ADDRSTRLEN];
	bool known = !nat_addr_is_any(&w->to);
	size_t n = (size_t)snprintf(buf, octets, "IPv%d %s", (int)family, virt_why_text(w->why));

	if (!known || n >= octets)
		return n;
	inet_ntop(family == NAT_IPV4 ? AF_INET : AF_INET6, nat_addr_wire(&w->to, family), addr, sizeof(addr));
	return n + (size_t)snprintf(buf + n, octets - n, "%s%s (%s)", virt_why_is_active(w->why) ? " at " : ": ", addr,
				    virt_source_name(w->source));
}

void guests_words(char *buf, size_t octets, const struct virt_entry *e)
{
	const struct virt_way *v4 = &e->way[VIRT_IPV4], *v6 = &e->way[VIRT_IPV6];
	size_t n = (size_t)snprintf(buf, octets, "forward %s", e->name);

	if (n < octets && e->guest)
		n += (size_t)snprintf(buf + n, octets - n, "%s: guest %s", e->forward == NAT_NONE ? " (metadata)" : "", e->guest);
	if (n < octets && e->block_lo)
		n += (size_t)snprintf(buf + n, octets - n, ", ports %u-%u", e->block_lo, e->block_hi);
	if (n < octets)
		n += (size_t)snprintf(buf + n, octets - n, "%s ", e->guest ? "," : ":");
	if (n < octets && v4->why == v6->why && !virt_why_is_active(v4->why) && nat_addr_is_any(&v4->to)) {
		n += (size_t)snprintf(buf + n, octets - n, "%s", virt_why_text(v4->why));
	} else if (n < octets) {
		n += way_words(buf + n, octets - n, v4, NAT_IPV4);
		if (n < octets)
			n += (size_t)snprintf(buf + n, octets - n, ", ");
		if (n < octets)
			n += way_words(buf + n, octets - n, v6, NAT_IPV6);
	}
	if (n < octets && e->clashes)
		n += (size_t)snprintf(buf + n, octets - n, ", %u left out: forwarded already", e->clashes);
	if (n < octets && e->refused_ports)
		snprintf(buf + n, octets - n, ", %u left out: outside metadata-ports", e->refused_ports);
}

void guests_each(const struct guests *g, void (*line)(void *ctx, const char *text), void *ctx)
{
	char text[GUESTS_LINE_OCTETS];

	for (unsigned i = 0; i < g->status.n; i++) {
		guests_words(text, sizeof(text), &g->status.entry[i]);
		line(ctx, text);
	}
	for (unsigned i = 0; g->world && i < g->world->n_guests; i++)
		for (unsigned k = 0; k < g->world->guest[i].n_warnings; k++) {
			snprintf(text, sizeof(text), "guest %s: %s", g->world->guest[i].name, g->world->guest[i].warning[k]);
			line(ctx, text);
		}
}

static json_t *way_json(const struct virt_way *w, enum nat_family family)
{
	json_t *o = json_pack("{s:b, s:s}", "active", virt_why_is_active(w->why), "reason", virt_why_name(w->why));

	if (!nat_addr_is_any(&w->to)) {
		json_object_set_new(o, "address", ctl_json_addr(&w->to, (uint8_t)family));
		json_object_set_new(o, "source", json_string(virt_source_name(w->source)));
	}
	return o;
}

static json_t *entry_json(const struct virt_entry *e)
{
	char words[GUESTS_LINE_OCTETS];
	json_t *o;

	guests_words(words, sizeof(words), e);
	o = json_pack("{s:o, s:b, s:o, s:o, s:o}", "forward", ctl_json_text(e->name), "metadata", e->forward == NAT_NONE,
		      "ipv4", way_json(&e->way[VIRT_IPV4], NAT_IPV4), "ipv6", way_json(&e->way[VIRT_IPV6], NAT_IPV6), "words",
		      ctl_json_text(words));
	if (e->guest) {
		json_object_set_new(o, "guest", ctl_json_text(e->guest));
		json_object_set_new(o, "uri", ctl_json_text(e->uri));
		json_object_set_new(o, "uuid", ctl_json_text(e->uuid));
	}
	if (e->block_lo) {
		json_object_set_new(o, "block", json_integer(e->block_lo));
		json_object_set_new(o, "block_end", json_integer(e->block_hi));
	}
	if (e->clashes)
		json_object_set_new(o, "clashes", json_integer(e->clashes));
	if (e->refused_ports)
		json_object_set_new(o, "refused_ports", json_integer(e->refused_ports));
	return o;
}

json_t *guests_json(void *ctx)
{
	const struct guests *g = ctx;
	json_t *list;

	if (!g->watcher.order)
		return NULL;
	list = json_array();
	for (unsigned i = 0; i < g->status.n; i++)
		json_array_append_new(list, entry_json(&g->status.entry[i]));
	return list;
}

const char *guests_name(void *ctx, const struct nat_addr *a, uint8_t family)
{
	const struct guests *g = ctx;
	unsigned way = family == NAT_IPV4 ? VIRT_IPV4 : VIRT_IPV6;

	for (unsigned i = 0; i < g->status.n; i++) {
		const struct virt_entry *e = &g->status.entry[i];

		if (e->guest && virt_why_is_active(e->way[way].why) && nat_addr_eq(&e->way[way].to, a))
			return e->guest;
	}
	return "";
}
