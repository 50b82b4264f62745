/* SPDX-License-Identifier: GPL-2.0-or-later */
/* error - see error.h */
#include "nat/error.h"

#include "nat/csum.h"
#include "nat/hot.h"
#include "nat/ident.h"
#include "nat/life.h"
#include "nat/rewrite.h"

enum { ICMP_HEADER = 8 };	/* type, code, checksum, and four octets before the quote */

/* What becomes of an error: the new ends of the quote and the new outer addresses. */
struct plan {
	struct nat_flow *flow;
	struct nat_ends quote;
	struct nat_addr src, dst;
};

/*
 * It quotes an answer as its receiver saw it, h -> c: something on the way to
 * the initiator failed, the guest must hear of it. The reporter's address
 * stays visible (R54), unless it is one that the guest must not see.
 */
static enum nat_reason plan_to_guest(const struct nat_pkt *p, struct plan *pl)
{
	const struct nat_flow *f = pl->flow;

	if (p->hook != NAT_PRE && p->hook != NAT_OUT)
		return NAT_WHY_DONE;
	if (!nat_addr_eq(&pl->dst, &f->orig.dst))
		return NAT_WHY_ERROR_MISFIT;		/* R53 */
	pl->quote = f->reply;
	pl->dst = f->reply.src;
	if (p->hook == NAT_OUT && nat_addr_eq(&pl->src, &f->orig.src))
		pl->src = f->reply.dst;
	return NAT_WHY_ERROR;
}

/*
 * A REJECT in this host's FORWARD rules, about a packet of a forward that
 * passes them: whoever puts such rules back one by one, as libvirtd does when
 * it starts, for some ms has one that rejects before the one that accepts what
 * goes on. The packet is sent again; a client who hears of it gives up. What
 * the guest says comes from its address, what others behind this host say by a
 * device.
 */
static bool is_of_own_rules(const struct nat *n, const struct nat_pkt *p, const struct plan *pl)
{
	const uint8_t *icmp = p->data + p->view.l4;
	bool refuses = p->view.tuple.family == NAT_IPV4 ? icmp[0] == 3 && icmp[1] == 3 : icmp[0] == 1 && icmp[1] == 4;

	return refuses && p->hook == NAT_POST && !p->indev && !nat_addr_eq(&pl->src, &pl->flow->reply.src) &&
	       !life_respects(n, pl->flow);
}

/*
 * It quotes a packet of the initiator as the guest's side saw it, s -> g: it
 * goes to the initiator and comes, to his eyes, from the address he called
 * (R55, RFC 5508 REQ-5c), whoever behind it reported.
 */
static enum nat_reason plan_to_initiator(const struct nat *n, const struct nat_pkt *p, struct plan *pl)
{
	const struct nat_flow *f = pl->flow;
	bool local = f->flags & FLOW_LOCAL, hairpin = f->flags & FLOW_HAIRPIN;

	if (!nat_addr_eq(&pl->dst, &f->reply.dst) && !nat_addr_eq(&pl->dst, &f->orig.src))
		return NAT_WHY_ERROR_MISFIT;
	if (p->hook == NAT_FWD || p->hook == NAT_OUT || (p->hook == NAT_PRE && !hairpin) || (local && p->hook != NAT_IN))
		return NAT_WHY_LATER;		/* only a hairpin's must be turned to the initiator before routing */
	if (!local && p->hook == NAT_IN)
		return NAT_WHY_NO_FLOW;
	if (is_of_own_rules(n, p, pl))
		return NAT_WHY_ERROR_OF_RULES;
	pl->quote = f->orig;
	pl->dst = f->orig.src;
	if (p->hook != NAT_PRE)
		pl->src = f->orig.dst;
	return NAT_WHY_ERROR;
}

/* A hairpin's error whose quote was put right at PREROUTING: only its source is left to do, after routing. */
static enum nat_reason plan_second_half(const struct nat_pkt *p, enum flow_key key, struct plan *pl)
{
	const struct nat_flow *f = pl->flow;

	if (p->hook != NAT_POST || !(f->flags & FLOW_HAIRPIN))
		return NAT_WHY_DONE;
	switch (key) {
	case FLOW_ORIG:
		pl->src = f->orig.dst;
		break;
	case FLOW_REPLY:
		if (!nat_addr_eq(&pl->src, &f->orig.src))
			return NAT_WHY_DONE;
		pl->src = f->reply.dst;
		break;
	case FLOW_MID:
		pl->quote = f->reply;	/* made by this host about an answer between the hooks: the guest knows s */
		break;
	case FLOW_KEYS:
		break;
	}
	return NAT_WHY_ERROR;
}

/*
 * A masqueraded guest's flow: what the outside says of its packets, x -> r, is
 * for the guest (R54); what the inside says of the answers, r -> i, comes from
 * the outside address, whoever reported it (R24, R55).
 */
static enum nat_reason plan_out(const struct nat_pkt *p, enum flow_key key, struct plan *pl)
{
	const struct nat_flow *f = pl->flow;

	if (key == FLOW_REPLY) {
		if (p->hook != NAT_PRE && p->hook != NAT_OUT)
			return NAT_WHY_DONE;
		if (!nat_addr_eq(&pl->dst, &f->reply.dst))
			return NAT_WHY_ERROR_MISFIT;
		pl->quote = f->orig;
		pl->dst = f->orig.src;
		return NAT_WHY_ERROR;
	}
	if (p->hook != NAT_POST)
		return NAT_WHY_LATER;
	if (!nat_addr_eq(&pl->dst, &f->reply.src))
		return NAT_WHY_ERROR_MISFIT;
	pl->quote = f->reply;
	pl->src = f->reply.dst;
	return NAT_WHY_ERROR;
}

/*
 * FORWARD, and the guest's network lets nothing in or out: the error is whole,
 * or will be after routing, and passes the host's rules as packets of its flow
 * do. To the guest about its answers, to the initiator about his packets.
 */
static enum nat_reason plan_enclosed(const struct nat *n, enum flow_key key, bool ahead, const struct plan *pl)
{
	const struct nat_flow *f = pl->flow;
	bool to_guest = ahead && key == FLOW_REPLY, to_initiator = ahead == (key == FLOW_ORIG);

	if ((!to_guest && !to_initiator) || !nat_addr_eq(&pl->dst, to_guest ? &f->reply.src : &f->orig.src))
		return NAT_WHY_ERROR_MISFIT;
	return life_respects(n, f) ? NAT_WHY_RESPECTED : NAT_WHY_STOPPED;
}

static bool is_enclosed(const struct nat *n, const struct nat_flow *f)
{
	const struct map_row *row = nat_row(n, f);

	return row && row->flags & MAP_ENCLOSED;
}

/* Which flow is it about, and what must become of it? */
static enum nat_reason plan_make(struct nat *n, struct nat_pkt *p, const struct nat_tuple *q, nat_tick now,
				 struct plan *pl)
{
	struct nat_ends inverse = nat_ends_inverse(&q->ends);
	enum flow_key key;
	bool ahead = false;

	pl->flow = flow_find(&n->flows, &inverse, q->proto, q->family, &key);
	if (!pl->flow) {
		pl->flow = flow_find(&n->flows, &q->ends, q->proto, q->family, &key);
		ahead = true;
	}
	if (!pl->flow || policy_expired(n, pl->flow, now))
		return NAT_WHY_ERROR_NO_FLOW;
	if (nat_forward(n, pl->flow) == NAT_NONE)
		return NAT_WHY_FORWARD_ENDED;	/* swapped under it: the flow's own next packet decides */
	p->flow = flow_index(&n->flows, pl->flow);
	p->forward = nat_forward(n, pl->flow);
	pl->quote = q->ends;
	pl->src = p->view.tuple.ends.src;
	pl->dst = p->view.tuple.ends.dst;
	if (p->hook == NAT_FWD && is_enclosed(n, pl->flow))
		return plan_enclosed(n, key, ahead, pl);
	if (ahead)
		return plan_second_half(p, key, pl);
	if (pl->flow->flags & FLOW_OUT)
		return plan_out(p, key, pl);
	return key == FLOW_ORIG ? plan_to_guest(p, pl) : plan_to_initiator(n, p, pl);
}

/* R15, RFC 5508 REQ-3: the error's checksum and the quoted IPv4 header's must be right, the quoted L4's need not. */
static bool sums_good(const struct nat_pkt *p, const uint8_t *quote, const struct pkt_view *q)
{
	if (q->tuple.family == NAT_IPV4 && csum_fold(csum_add(0, quote, q->l4)) != 0xffff)
		return false;
	return p->csum_partial || rewrite_icmp_good(p->data, &p->view);
}

RARE enum nat_reason error_translate(struct nat *n, struct nat_pkt *p, nat_tick now)
{
	struct pkt_view *v = &p->view, q;
	uint32_t at = v->l4 + ICMP_HEADER;
	struct nat_ends outer = v->tuple.ends;
	enum nat_reason why;
	bool is_renamed;
	struct plan pl;

	if (p->truncated || pkt_parse_ip(p->data + at, v->end - at, true, &q) != NAT_WHY_UNDECIDED || !q.has_flow ||
	    q.tuple.family != v->tuple.family)
		return NAT_WHY_ERROR_NO_FLOW;	/* R58: a quoted error is not followed either */
	p->before = q.tuple.ends;
	p->ends_proto = q.tuple.proto;
	why = plan_make(n, p, &q.tuple, now, &pl);
	if (why != NAT_WHY_ERROR)
		return why;
	if (!sums_good(p, p->data + at, &q))
		return NAT_WHY_ERROR_CSUM;

	is_renamed = p->hook != NAT_IN && !nat_addr_eq(&outer.src, &pl.src);
	outer.src = pl.src;
	outer.dst = pl.dst;
	if (!nat_addr_eq(&q.tuple.ends.src, &pl.quote.src))
		ident_restore(n, p->data + at, &q);
	rewrite_ends(p->data + at, &q, &pl.quote, true);
	rewrite_ends(p->data, v, &outer, false);
	rewrite_icmp_csum(p->data, v);
	if (is_renamed)
		ident_give(n, p);
	p->after = pl.quote;
	p->changed = true;
	return NAT_WHY_ERROR;
}
