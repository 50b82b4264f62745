/* SPDX-License-Identifier: GPL-2.0-or-later */
/* frag - see frag.h */
#include "nat/frag.h"

#include "nat/hot.h"
#include "nat/ident.h"
#include "nat/nat.h"
#include "nat/rewrite.h"

void frag_init(struct frag *table, uint32_t sets)
{
	memset(table, 0, (size_t)sets * FRAG_WAYS * sizeof(*table));
}

static bool is_over(const struct frag *e, nat_tick now)
{
	return !(e->flags & FRAG_USED) || now - e->since >= nat_tick_span(NAT_SEC(frag_life_s(e->family)));
}

/* R65. RFC 8200 4.5: the next header of later fragments says nothing, so IPv6 does not compare it. */
static bool is_same(const struct frag *e, const struct nat_pkt *p)
{
	const struct nat_tuple *t = &p->view.tuple;

	return e->id == p->view.frag_id && e->hook == p->hook && e->indev == p->indev && e->family == t->family &&
	       (t->family == NAT_IPV6 || e->proto == t->proto) && nat_addr_eq(&e->src, &t->ends.src) &&
	       nat_addr_eq(&e->dst, &t->ends.dst);
}

static struct frag *set_of(struct nat *n, const struct nat_pkt *p)
{
	const struct nat_ends *e = &p->view.tuple.ends;
	uint64_t w[5];

	memcpy(w, e->src.octet, 16);
	memcpy(w + 2, e->dst.octet, 16);
	w[4] = (uint64_t)p->view.frag_id << 32 | (uint64_t)p->hook << 16 | (p->indev & 0xffff);
	return n->frag + (siphash_words(&n->block->flows.key, w, 5) & (n->block->frag_sets - 1)) * FRAG_WAYS;
}

/* The datagram of a fragment, a new one if need be. */
static struct frag *find(struct nat *n, const struct nat_pkt *p, nat_tick now)
{
	const struct nat_tuple *t = &p->view.tuple;
	struct frag *set = set_of(n, p), *e = set;

	for (unsigned i = 0; i < FRAG_WAYS; i++) {
		if (!is_over(&set[i], now) && is_same(&set[i], p))
			return &set[i];
		/* room for a new one: what is over, else the oldest */
		if (!is_over(e, now) && (is_over(&set[i], now) || now - set[i].since > now - e->since))
			e = &set[i];
	}
	*e = (struct frag){
		.src = t->ends.src, .dst = t->ends.dst, .number = ++n->block->datagrams, .id = p->view.frag_id,
		.indev = p->indev, .flow = NAT_NONE, .since = now, .proto = t->proto, .family = t->family,
		.hook = p->hook, .flags = FRAG_USED,
	};
	return e;
}

/* Note how long the datagram is; false: two pieces do not agree about that. */
static bool note_total(struct frag *e, const struct pkt_view *v)
{
	uint32_t end = (uint32_t)v->frag_at + v->frag_octets;

	if (v->more_fragments)
		return !e->total || end < e->total;
	if (e->total && e->total != end)
		return false;
	e->total = end;
	return true;
}

/* A piece has passed; the datagram is forgotten with its last, so that its identification may be used again (R28). */
static void note_seen(struct frag *e, const struct pkt_view *v)
{
	e->seen += v->frag_octets;
	if (e->total && e->seen >= e->total)
		e->flags = 0;
}

static enum nat_reason broken(struct frag *e)
{
	e->flags |= FRAG_BROKEN;
	return NAT_WHY_FRAGMENT_OVERLAP;
}

/* What is said of the others, after this was said of the first. */
static uint8_t why_of_others(enum nat_reason why)
{
	return (uint8_t)(why == NAT_WHY_OPENED || why == NAT_WHY_PICKED_UP ? NAT_WHY_TRANSLATED : why);
}

static void note_first(struct frag *e, const struct nat_pkt *p, enum nat_reason why)
{
	e->flags = FRAG_USED | FRAG_FIRST | (p->changed ? FRAG_CHANGED : 0);
	e->why = why_of_others(why);
	e->end = p->view.frag_octets;
	e->sport = p->before.sport;
	e->dport = p->before.dport;
	e->flow = p->flow;
	e->dir = p->dir;
	if (p->changed) {
		e->to_src = p->after.src;
		e->to_dst = p->after.dst;
		e->to_id = p->view.frag_id;
	}
}

/* R28: all pieces are called as the first was. */
static void call_it(const struct frag *e, struct nat_pkt *p)
{
	if (e->to_id != p->view.frag_id)
		ident_write(p->data, &p->view, e->to_id);
}

/* Its CRC cannot be updated before the length of the message is known. */
static enum nat_reason wait_for_last(struct frag *e)
{
	if (e->held == FRAG_HELD_MAX)
		return NAT_WHY_FRAGMENT_LIMIT;
	e->held++;
	e->flags |= FRAG_FIRST_HELD;
	return NAT_WHY_FRAGMENT_HELD;
}

static enum nat_reason first(struct nat *n, struct nat_pkt *p, nat_tick now, struct frag *e, enum nat_reason parsed,
			     frag_decide_fn decide)
{
	const struct pkt_view *v = &p->view;
	bool again = e->flags & FRAG_FIRST;
	enum nat_reason why = parsed;

	if (!note_total(e, v) || (again && (e->sport != p->before.sport || e->dport != p->before.dport ||
					    e->end != v->frag_octets)))
		return broken(e);	/* R68: a second first fragment must not lead the others elsewhere */
	if (p->view.tuple.proto == NAT_PROTO_SCTP && parsed == NAT_WHY_UNDECIDED) {
		if (!e->total)
			return wait_for_last(e);
		p->view.whole_end = v->end - v->frag_octets + e->total;
	}
	/* R67: RFC 1858, RFC 7112: headers must be in the first piece */
	if (parsed == NAT_WHY_L4_SHORT || parsed == NAT_WHY_TCP_OFFSET || parsed == NAT_WHY_IPV6_CHAIN)
		why = NAT_WHY_FRAGMENT_TINY;
	else if (parsed == NAT_WHY_UNDECIDED)
		why = v->is_error ? NAT_WHY_ERROR_NO_FLOW : decide(n, p, now);
	if (again) {
		if (p->changed && (e->flags & FRAG_CHANGED))
			call_it(e, p);
		return why;
	}
	note_first(e, p, why);
	p->release = e->held;
	note_seen(e, v);
	return why;
}

/* The flow of the first fragment, if it still is that flow. */
static struct nat_flow *flow_of(struct nat *n, const struct frag *e)
{
	struct nat_flow *f = e->flow < flow_slots(&n->flows) ? &n->flows.flow[e->flow] : NULL;

	if (!f || f->idle == IDLE_FREE || f->family != e->family || f->proto != e->proto)
		return NULL;
	return nat_addr_eq(e->dir == NAT_ORIG ? &f->orig.src : &f->reply.src, &e->src) ? f : NULL;
}

static void count(struct nat *n, struct nat_pkt *p, const struct frag *e)
{
	struct nat_flow *f = flow_of(n, e);
	bool at_first = p->hook == NAT_PRE || p->hook == NAT_OUT;

	if (!f || nat_forward(n, f) == NAT_NONE)
		return;
	p->flow = e->flow;
	p->forward = nat_forward(n, f);
	if (p->hook == NAT_FWD || at_first != ((e->dir == NAT_ORIG) != !!(f->flags & FLOW_OUT)))
		return;			/* counted at another hook */
	f->packets[e->dir]++;
	f->octets[e->dir] += p->view.end;
}

static enum nat_reason later(struct nat *n, struct nat_pkt *p, struct frag *e)
{
	struct pkt_view *v = &p->view;

	if (e->flags & FRAG_BROKEN || !note_total(e, v))
		return broken(e);
	if (!(e->flags & FRAG_FIRST)) {
		if (e->held == FRAG_HELD_MAX)
			return NAT_WHY_FRAGMENT_LIMIT;
		e->held++;
		p->release = (e->flags & FRAG_FIRST_HELD) && e->total;
		return NAT_WHY_FRAGMENT_HELD;
	}
	if (v->frag_at < e->end)
		return broken(e);
	p->dir = e->dir;
	count(n, p, e);
	if (e->flags & FRAG_CHANGED) {
		struct nat_ends to = { .src = e->to_src, .dst = e->to_dst };

		rewrite_ends(p->data, v, &to, false);
		call_it(e, p);
		p->after = to;
		p->changed = true;
	}
	note_seen(e, v);
	return e->why;
}

RARE enum nat_reason frag_packet(struct nat *n, struct nat_pkt *p, nat_tick now, enum nat_reason parsed, frag_decide_fn decide)
{
	struct frag *e;

	if (p->truncated)
		return NAT_WHY_TRUNCATED;
	if (parsed == NAT_WHY_LOCAL_SCOPE || (parsed != NAT_WHY_UNDECIDED && p->view.is_later))
		return parsed;
	e = find(n, p, now);
	p->datagram = e->number;
	if (p->view.is_later)
		return later(n, p, e);
	return e->flags & FRAG_BROKEN ? NAT_WHY_FRAGMENT_OVERLAP : first(n, p, now, e, parsed, decide);
}

const char *frag_check(const struct frag *table, uint32_t sets)
{
	for (uint32_t i = 0; i < sets * FRAG_WAYS; i++) {
		const struct frag *e = &table[i];

		if (!(e->flags & FRAG_USED))
			continue;
		if (e->held > FRAG_HELD_MAX || e->why >= NAT_REASONS || e->dir >= NAT_DIRS || e->hook >= NAT_HOOKS ||
		    (e->family != NAT_IPV4 && e->family != NAT_IPV6) || !e->number)
			return "F1: a datagram in pieces has an impossible note";
	}
	return NULL;
}
