/* SPDX-License-Identifier: GPL-2.0-or-later */
/* masq - see masq.h */
#include "nat/masq.h"

#include "nat/hot.h"
#include "nat/life.h"
#include "nat/tcp.h"

static const struct out *active_out(const struct nat *n)
{
	return &n->out[n->block->active];
}

static bool is_tcp_udp(uint8_t proto)
{
	return proto == NAT_PROTO_TCP || proto == NAT_PROTO_UDP;
}

/* R20: unpredictable without the key. */
static uint64_t roll(struct nat *n)
{
	uint64_t count = n->block->rolls++;

	return siphash_words(&n->block->flows.key, &count, 1);
}

/* The inside endpoint whose own mapping is the flow's source: none if the remote opened it. */
static bool source_ends(const struct nat_flow *f, struct pool_end *inside, struct pool_end *outside)
{
	if (!(f->flags & (FLOW_OUT | FLOW_HAIRPIN)) || !pool_has(f->proto))
		return false;
	*inside = (struct pool_end){ f->orig.src, f->orig.sport, f->proto, f->family };
	*outside = (struct pool_end){ f->reply.dst, f->reply.dport, f->proto, f->family };
	return true;
}

/* The inside endpoint whose mapping the flow leads to: none if the guest opened it. */
static bool target_ends(const struct nat_flow *f, struct pool_end *inside, struct pool_end *outside)
{
	if ((f->flags & FLOW_OUT) || !pool_has(f->proto))
		return false;
	*inside = (struct pool_end){ f->reply.src, f->reply.sport, f->proto, f->family };
	*outside = (struct pool_end){ f->orig.dst, f->orig.dport, f->proto, f->family };
	return true;
}

void masq_release(struct nat *n, const struct nat_flow *f)
{
	struct pool_end in, out;
	uint32_t i;

	if (source_ends(f, &in, &out)) {
		i = pool_find(&n->pool, &out);
		pool_peer_del(&n->pool, i, &f->orig.dst);
		pool_put(&n->pool, i, n->block->now);
	}
	if (target_ends(f, &in, &out))
		pool_put(&n->pool, pool_find(&n->pool, &out), n->block->now);
}

/* The mapping of an inside endpoint, with one more flow, to @remote. */
static enum nat_reason take_source(struct nat *n, const struct out_rule *rule, const struct pool_end *inside,
				   const struct nat_addr *remote, nat_tick now, uint32_t *index)
{
	switch (pool_get(&n->pool, active_out(n), rule, inside, roll(n), now, index)) {
	case POOL_OK:
		break;
	case POOL_NO_ADDR:
		return NAT_WHY_NO_OUTSIDE_ADDR;
	case POOL_NO_PORT:
		return NAT_WHY_NO_OUTSIDE_PORT;
	case POOL_LIMIT:
		return NAT_WHY_MAPPING_LIMIT;
	case POOL_FULL:
		return NAT_WHY_MAPPINGS_FULL;
	}
	if (pool_peer_add(&n->pool, *index, remote))
		return NAT_WHY_UNDECIDED;
	pool_put(&n->pool, *index, now);
	return NAT_WHY_MAPPINGS_FULL;
}

/* May a TCP flow of this rule begin with this segment (R31)? */
static bool may_begin(const struct out_rule *rule, const struct nat_flow *f)
{
	return f->proto != NAT_PROTO_TCP || f->tcp == TCP_SYN_SENT || (rule->flags & OUT_PICK_UP);
}

/* What the remote sees as source. A protocol without ports has one inside host per remote (R26): the flow table sees to it. */
static enum nat_reason source_of(struct nat *n, const struct out_rule *rule, struct nat_flow *f, nat_tick now)
{
	const struct pool_end inside = { f->orig.src, f->orig.sport, f->proto, f->family };
	const struct nat_mapping *m;
	enum nat_reason why;
	uint32_t index;

	f->reply = flow_back(f);
	if (!pool_has(f->proto)) {
		if (!rule->n_addr)
			return NAT_WHY_NO_OUTSIDE_ADDR;
		f->reply.dst = active_out(n)->addr[rule->addr];
		return NAT_WHY_UNDECIDED;
	}
	why = take_source(n, rule, &inside, &f->orig.dst, now, &index);
	if (why != NAT_WHY_UNDECIDED)
		return why;
	m = &n->pool.mapping[index];
	f->reply.dst = m->outside;
	f->reply.dport = m->oport;
	return NAT_WHY_UNDECIDED;
}

RARE enum nat_reason masq_open(struct nat *n, const struct nat_pkt *p, nat_tick now, struct nat_flow **out)
{
	const struct nat_tuple *t = &p->view.tuple;
	const struct out *o = active_out(n);
	struct nat_flow f = { .orig = t->ends, .proto = t->proto, .family = t->family, .flags = FLOW_MASQ | FLOW_OUT };
	const struct out_rule *rule;
	enum nat_reason why;
	uint32_t i;

	if (!o->head->n_rules || !n->pool.head)
		return NAT_WHY_NO_FLOW;
	i = out_find(o, &t->ends.src, &t->ends.dst, t->family, p->outdev);
	if (i == NAT_NONE || o->rule[i].kind != OUT_MASQUERADE)
		return NAT_WHY_NO_FLOW;
	rule = &o->rule[i];
	if (p->truncated)
		return NAT_WHY_TRUNCATED;
	why = life_first_state(p, &f);
	if (why == NAT_WHY_NO_FORWARD)
		return NAT_WHY_PRIVATE_SOURCE;
	if (why != NAT_WHY_UNDECIDED)
		return why;
	if (!may_begin(rule, &f))
		return NAT_WHY_TCP_NO_FLOW;
	if (!life_make_room(n, now))
		return NAT_WHY_TABLE_FULL;
	why = source_of(n, rule, &f, now);
	if (why != NAT_WHY_UNDECIDED)
		return why;
	f.row = i & 0xffffff;
	if (life_begin(n, &f, now, out))
		return NAT_WHY_UNDECIDED;
	masq_release(n, &f);
	return NAT_WHY_NO_OUTSIDE_PORT;
}

/* R29: does the filter of @rule let @src, as the mapping's owner knows it, in? */
static bool lets_in(const struct nat *n, const struct out_rule *rule, uint32_t mapping, const struct nat_addr *src)
{
	switch ((enum out_filter)rule->filter) {
	case OUT_FILTER_ENDPOINT:
		return true;
	case OUT_FILTER_ADDRESS:
		return pool_peer_has(&n->pool, mapping, src);
	case OUT_FILTER_BOTH:
	case OUT_FILTERS:
		break;
	}
	return false;
}

/* R75: the remote is a guest itself; the other one sees it as everybody outside does. */
static enum nat_reason hairpin(struct nat *n, const struct out_rule *own, struct nat_flow *f, nat_tick now)
{
	const struct pool_end inside = { f->orig.src, f->orig.sport, f->proto, f->family };
	enum nat_reason why;
	uint32_t index;

	why = take_source(n, own, &inside, &f->orig.dst, now, &index);
	if (why != NAT_WHY_UNDECIDED)
		return why;
	f->flags |= FLOW_HAIRPIN;
	f->reply.dst = n->pool.mapping[index].outside;
	f->reply.dport = n->pool.mapping[index].oport;
	return NAT_WHY_UNDECIDED;
}

/* Let go what a flow that is not opened after all has taken of its source. */
static enum nat_reason not_invited(struct nat *n, const struct nat_flow *f, enum nat_reason why)
{
	struct nat_flow source = *f;

	source.flags |= FLOW_OUT;
	if (f->flags & FLOW_HAIRPIN)
		masq_release(n, &source);
	return why;
}

/* The masquerade under which @m may be called by @f now, or NULL. */
static const struct out_rule *inviting_rule(const struct nat *n, const struct nat_mapping *m, const struct nat_pkt *p,
					    uint32_t own, uint32_t *index)
{
	const struct out *o = active_out(n);

	*index = out_keeps(o, &m->inside, &m->outside, &p->view.tuple.ends.src, m->family);
	if (*index == NAT_NONE || (own == NAT_NONE && !out_dev_fits(&o->rule[*index], p->indev)))
		return NULL;
	return &o->rule[*index];
}

RARE enum nat_reason masq_invite(struct nat *n, const struct nat_pkt *p, nat_tick now, struct nat_flow **out)
{
	const struct nat_tuple *t = &p->view.tuple;
	const struct pool_end called = { t->ends.dst, t->ends.dport, t->proto, t->family };
	struct nat_flow f = { .orig = t->ends, .proto = t->proto, .family = t->family, .flags = FLOW_MASQ };
	const struct out *o = active_out(n);
	const struct out_rule *rule;
	enum nat_reason why;
	uint32_t mapping, own, row;

	if (!n->pool.head || p->hook != NAT_PRE || !is_tcp_udp(t->proto))
		return NAT_WHY_NO_FORWARD;
	mapping = pool_find(&n->pool, &called);
	if (mapping == NAT_NONE || !n->pool.mapping[mapping].refs)
		return NAT_WHY_NO_FORWARD;
	own = out_inside(o, &t->ends.src, t->family);
	rule = inviting_rule(n, &n->pool.mapping[mapping], p, own, &row);
	if (!rule)
		return NAT_WHY_NO_FORWARD;
	if (rule->filter == OUT_FILTER_BOTH || p->truncated || life_first_state(p, &f) != NAT_WHY_UNDECIDED ||
	    !may_begin(rule, &f))
		return NAT_WHY_FILTERED;
	if (own == NAT_NONE && !lets_in(n, rule, mapping, &t->ends.src))
		return NAT_WHY_FILTERED;
	if (!life_make_room(n, now))
		return NAT_WHY_TABLE_FULL;
	if (pool_find(&n->pool, &called) != mapping || !n->pool.mapping[mapping].refs)
		return NAT_WHY_FILTERED;	/* its last flow made room */
	f.reply = flow_back(&f);
	f.reply.src = n->pool.mapping[mapping].inside;
	f.reply.sport = n->pool.mapping[mapping].iport;
	why = own == NAT_NONE ? NAT_WHY_UNDECIDED : hairpin(n, &o->rule[own], &f, now);
	if (why != NAT_WHY_UNDECIDED)
		return why;
	if (own != NAT_NONE && !lets_in(n, rule, mapping, &f.reply.dst))
		return not_invited(n, &f, NAT_WHY_FILTERED);
	f.row = row & 0xffffff;
	if (!life_begin(n, &f, now, out))
		return not_invited(n, &f, NAT_WHY_NO_SOURCE_PORT);
	pool_hold(&n->pool, mapping);
	return NAT_WHY_UNDECIDED;
}

RARE enum nat_reason masq_refuses(const struct nat *n, const struct nat_pkt *p)
{
	const struct nat_tuple *t = &p->view.tuple;
	const struct out *o = active_out(n);

	for (uint32_t i = 0; i < o->head->n_rules; i++) {
		const struct out_rule *r = &o->rule[i];
		const struct nat_prefix inside = { r->inside, r->family, r->bits };

		if (r->kind != OUT_MASQUERADE || !r->oif || r->oif != p->indev)
			continue;
		if (nat_prefix_has(&inside, &t->ends.src, t->family))
			return NAT_WHY_SPOOFED;
		if (nat_prefix_has(&inside, &t->ends.dst, t->family) && !out_excepts(o, r, &t->ends.src))
			return NAT_WHY_HIDDEN;
	}
	return NAT_WHY_UNDECIDED;
}

bool masq_leaks(const struct nat *n, const struct nat_pkt *p)
{
	const struct nat_tuple *t = &p->view.tuple;
	const struct out *o = active_out(n);
	uint32_t i = out_find(o, &t->ends.src, &t->ends.dst, t->family, p->outdev);

	return i != NAT_NONE && o->rule[i].kind == OUT_MASQUERADE;
}

bool masq_leaves_right(const struct nat *n, const struct nat_flow *f, const struct nat_pkt *p)
{
	return !(f->flags & FLOW_OUT) || p->hook != NAT_POST || out_dev_fits(&active_out(n)->rule[f->row], p->outdev);
}

RARE uint32_t masq_keeps(const struct nat *n, const struct nat_flow *f)
{
	const struct out *o = active_out(n);

	if (f->flags & FLOW_OUT)
		return out_keeps(o, &f->orig.src, &f->reply.dst, &f->orig.dst, f->family);
	if ((f->flags & FLOW_HAIRPIN) && out_keeps(o, &f->orig.src, &f->reply.dst, &f->orig.dst, f->family) == NAT_NONE)
		return NAT_NONE;
	return out_keeps(o, &f->reply.src, &f->orig.dst, &f->orig.src, f->family);
}

/* Enter what one flow says it has; false: it clashes with another, and nothing of it stays. */
static bool rebuild_flow(struct nat *n, const struct nat_flow *f)
{
	struct pool_end in, out;
	uint32_t source = NAT_NONE;

	if (source_ends(f, &in, &out)) {
		if (!pool_restore(&n->pool, &in, &out))
			return false;
		source = pool_find(&n->pool, &out);
		if (!pool_peer_add(&n->pool, source, &f->orig.dst)) {
			pool_put(&n->pool, source, n->block->now);
			return false;
		}
	}
	if (!target_ends(f, &in, &out) || pool_restore(&n->pool, &in, &out))
		return true;
	if (source != NAT_NONE) {
		pool_peer_del(&n->pool, source, &f->orig.dst);
		pool_put(&n->pool, source, n->block->now);
	}
	return false;
}

uint32_t masq_rebuild(struct nat *n)
{
	uint32_t lost = 0;

	if (n->pool.head)
		pool_clear(&n->pool);
	for (uint32_t i = 0; i < flow_slots(&n->flows); i++) {
		struct nat_flow *f = &n->flows.flow[i];

		if (f->idle == IDLE_FREE || !(f->flags & FLOW_MASQ))
			continue;
		if (n->pool.head && rebuild_flow(n, f))
			continue;
		flow_del(&n->flows, i);
		n->block->ended++;
		lost++;
	}
	return lost;
}

const char *masq_check(const struct nat *n)
{
	uint64_t held = 0, refs = 0, peers = 0, sent = 0;

	for (uint32_t i = 0; i < flow_slots(&n->flows); i++) {
		const struct nat_flow *f = &n->flows.flow[i];
		struct pool_end in, out;
		uint32_t at;

		if (f->idle == IDLE_FREE || !(f->flags & FLOW_MASQ))
			continue;
		if (!n->pool.head)
			return "a masqueraded flow without a pool";
		if (source_ends(f, &in, &out)) {
			at = pool_find(&n->pool, &out);
			if (at == NAT_NONE || !nat_addr_eq(&n->pool.mapping[at].inside, &in.addr) ||
			    n->pool.mapping[at].iport != in.port || !pool_peer_has(&n->pool, at, &f->orig.dst))
				return "a flow's source has no mapping or no peer";
			held++;
			sent++;
		}
		if (target_ends(f, &in, &out)) {
			at = pool_find(&n->pool, &out);
			if (at == NAT_NONE || !nat_addr_eq(&n->pool.mapping[at].inside, &in.addr) ||
			    n->pool.mapping[at].iport != in.port)
				return "a flow leads to no mapping";
			held++;
		}
	}
	for (uint32_t i = 0; n->pool.head && i < n->pool.head->mappings.fresh; i++)
		refs += n->pool.mapping[i].used ? n->pool.mapping[i].refs : 0;
	for (uint32_t i = 0; n->pool.head && i < n->pool.head->peers.fresh; i++)
		peers += n->pool.peer[i].refs;
	return held == refs && sent == peers ? NULL : "mappings or peers count flows that are not there";
}
