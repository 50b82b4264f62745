/* SPDX-License-Identifier: GPL-2.0-or-later */
/* inverse - see inverse.h */
#include "nat/inverse.h"

#include "nat/life.h"
#include "nat/tcp.h"
#include "nat/wire.h"

static uint64_t own_tag(const struct nat *n, const struct nat_tuple *t)
{
	return nat_tuple_hash(&n->flows.head->key, &t->ends, t->proto, t->family) | 1;
}

static uint64_t *own_slot(const struct nat *n, uint64_t tag)
{
	return &n->inverse->own[tag >> 20 & (INVERSE_OWN - 1)];
}

static bool may_search(struct nat *n, nat_tick now)
{
	struct inverse *v = n->inverse;

	if (v->tick != now) {
		v->tick = now;
		v->searched = 0;
	}
	return v->searched++ < INVERSE_PER_TICK;
}

/* The outside port that @r leads to the guest's @port, or 0. */
static uint32_t port_back(const struct map_row *r, uint32_t port)
{
	return port >= r->to_lo && port - r->to_lo <= (uint32_t)(r->hi - r->lo) ? r->lo + (port - r->to_lo) : 0;
}

/* Could the answer have come in by this row? Not by one for all that is left: whatever its guest sends would fit. */
static bool led_in(const struct map *m, const struct map_row *r, const struct nat_pkt *p)
{
	const struct nat_tuple *t = &p->view.tuple;

	return r->action == MAP_FORWARD && r->family == t->family && r->proto == t->proto &&
	       !(r->flags & (MAP_REST | MAP_HOST_SOURCE)) && nat_addr_eq(&r->to, &t->ends.src) &&
	       port_back(r, wire_host(t->ends.sport)) && (!r->dev || r->dev == p->outdev) && r->oif != p->outdev &&
	       map_allows(m, r, &t->ends.dst);
}

/* The one address that this host has on the interface; false: none, several, or not known. */
static bool address_of(const struct nat *n, uint32_t ifindex, uint8_t family, struct nat_addr *addr)
{
	const struct policy_head *h = n->policies.area[n->block->active];

	for (uint32_t i = 0; i < h->n_links; i++)
		if (ifindex && h->link[i].ifindex == ifindex) {
			*addr = h->link[i].addr[family == NAT_IPV6];
			return h->link[i].n_addr[family == NAT_IPV6] == 1;
		}
	return false;
}

/* Where the client must have called; NO_FLOW: nowhere of ours; UNPLACED: it cannot be told. */
static enum nat_reason place(const struct nat *n, const struct nat_pkt *p, struct nat_ends *orig, uint32_t *row)
{
	const struct map *m = &n->map[n->block->active];
	const struct nat_tuple *t = &p->view.tuple;
	enum nat_reason why = NAT_WHY_NO_FLOW;

	for (uint32_t i = 0; i < m->head->n_rows; i++) {
		const struct map_row *r = &m->row[i];
		struct nat_ends e = nat_ends_inverse(&t->ends);

		if (!led_in(m, r, p))
			continue;
		e.dport = wire_port((uint16_t)port_back(r, wire_host(t->ends.sport)));
		e.dst = r->listen;
		if (nat_addr_is_any(&e.dst) && !address_of(n, p->outdev, t->family, &e.dst))
			return NAT_WHY_UNPLACED;
		if (map_find(m, &e, t->proto, t->family, p->outdev) != i)
			continue;		/* a more special row leads that elsewhere (R27) */
		if (why == NAT_WHY_UNDECIDED)
			return NAT_WHY_UNPLACED;
		*orig = e;
		*row = i;
		why = NAT_WHY_UNDECIDED;
	}
	return why;
}

enum nat_reason inverse_open(struct nat *n, const struct nat_pkt *p, nat_tick now, struct nat_flow **out)
{
	const struct nat_tuple *t = &p->view.tuple;
	struct nat_flow f = { .reply = t->ends, .proto = t->proto, .family = t->family, .tcp = TCP_PICKED_UP, .idle = IDLE_TCP_PICKED_UP };
	enum tcp_event ev = tcp_event_of(p->tcp_flags);
	enum nat_reason why;
	uint32_t row;
	uint64_t tag;

	if (t->proto != NAT_PROTO_TCP || now >= n->block->lost_until || !n->map[n->block->active].head->n_rows)
		return NAT_WHY_NO_FLOW;
	tag = own_tag(n, t);
	if (ev == TCP_EV_SYN || ev == TCP_EV_SYNACK)
		*own_slot(n, tag) = tag;
	if ((ev != TCP_EV_ACK && ev != TCP_EV_FIN) || *own_slot(n, tag) == tag)
		return NAT_WHY_NO_FLOW;
	if (!may_search(n, now))
		return NAT_WHY_UNPLACED;
	why = place(n, p, &f.orig, &row);
	if (why != NAT_WHY_UNDECIDED)
		return why;
	/* A port of ours: what the client's own was is not known (R23). */
	if (wire_host(t->ends.dport) >= n->block->source_lo && wire_host(t->ends.dport) <= n->block->source_hi)
		return NAT_WHY_UNPLACED;
	if (p->truncated)
		return NAT_WHY_TRUNCATED;
	why = policy_admits(n, n->map[n->block->active].row[row].policy, &f.orig.src, f.family, now);
	if (why != NAT_WHY_UNDECIDED)
		return why;
	if (!life_make_room(n, now))
		return NAT_WHY_TABLE_FULL;
	f.row = row & 0xffffff;
	return life_begin(n, &f, now, out) ? NAT_WHY_UNDECIDED : NAT_WHY_UNPLACED;
}
