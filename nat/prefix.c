/* SPDX-License-Identifier: GPL-2.0-or-later */
/* prefix - see prefix.h */
#include "nat/prefix.h"

#include "nat/csum.h"
#include "nat/rewrite.h"
#include "nat/wire.h"

enum { ICMP_HEADER = 8 };

/* The prefix bits of @to, the rest of @from. */
static struct nat_addr splice(const struct nat_addr *to, const struct nat_addr *from, unsigned bits, unsigned skip)
{
	struct nat_addr a = *from;
	unsigned whole = bits / 8, rest = bits % 8;

	memcpy(a.octet + skip, to->octet + skip, whole);
	if (rest) {
		uint8_t mask = (uint8_t)(0xff00u >> rest);
		uint8_t *o = &a.octet[skip + whole];

		*o = (uint8_t)((to->octet[skip + whole] & mask) | (*o & ~mask));
	}
	return a;
}

/* The one's-complement sum of the words of a prefix, whose host bits are zero. */
static csum_sum prefix_sum(const struct nat_addr *prefix)
{
	return csum_add_plain(0, prefix->octet, 16);
}

/*
 * RFC 6296 3.4, 3.5: the word that takes up the difference. /48 and shorter:
 * the subnet's, bits 48-63; longer: the first of the interface identifier
 * that is not 0xffff. Returns where it is; 16: there is none.
 */
static size_t adjusted_word(const struct nat_addr *a, unsigned bits)
{
	size_t at = bits <= 48 ? 6 : 8, end = bits <= 48 ? 8 : 16;

	while (at < end && wire_get16(a->octet + at) == 0xffff)
		at += 2;
	return at < end ? at : 16;
}

static bool exchange(const struct out_rule *r, const struct nat_addr *from, const struct nat_addr *to,
		     const struct nat_addr *a, struct nat_addr *b)
{
	unsigned skip = r->family == NAT_IPV4 ? 12 : 0;
	size_t word;
	csum_sum sum;
	uint16_t new;

	*b = splice(to, a, r->bits, skip);
	if (r->kind != OUT_NPTV6)
		return true;
	word = adjusted_word(a, r->bits);
	if (word == 16)
		return false;
	sum = (csum_sum)wire_getbe16(a->octet + word) + prefix_sum(from) + (uint16_t)~csum_fold(prefix_sum(to));
	new = csum_fold(sum);
	wire_putbe16(b->octet + word, new == 0xffff ? 0 : new);
	return true;
}

bool prefix_out(const struct out_rule *r, const struct nat_addr *inside, struct nat_addr *outside)
{
	return exchange(r, &r->inside, &r->outside, inside, outside);
}

bool prefix_in(const struct out_rule *r, const struct nat_addr *outside, struct nat_addr *inside)
{
	return exchange(r, &r->outside, &r->inside, outside, inside);
}

static bool covers(const struct nat_addr *prefix, const struct out_rule *r, const struct nat_addr *a, uint8_t family)
{
	const struct nat_prefix p = { *prefix, r->family, r->bits };

	return nat_prefix_has(&p, a, family);
}

/* The rule for a packet that leaves (its source is inside) or arrives (its destination is outside), or NULL. */
static const struct out_rule *rule_for(const struct out *o, const struct nat_pkt *p, bool leaves)
{
	const struct nat_tuple *t = &p->view.tuple;

	for (uint32_t i = 0; i < o->head->n_rules; i++) {
		const struct out_rule *r = &o->rule[i];

		if (r->kind == OUT_MASQUERADE || !out_dev_fits(r, leaves ? p->outdev : p->indev))
			continue;
		if (leaves ? covers(&r->inside, r, &t->ends.src, t->family) : covers(&r->outside, r, &t->ends.dst, t->family))
			return r;
	}
	return NULL;
}

/*
 * An error's quote shows the other side's packet: its destination as it
 * leaves, its source as it arrives. For logs, before and after are the quote's.
 */
static bool translate_quote(const struct out_rule *r, struct nat_pkt *p, bool leaves)
{
	uint32_t at = p->view.l4 + ICMP_HEADER;
	struct pkt_view q;
	struct nat_ends ends;
	enum nat_reason why;

	if (at > p->view.end)
		return true;
	why = pkt_parse_ip(p->data + at, p->view.end - at, true, &q);
	if (q.tuple.family != r->family || (why != NAT_WHY_UNDECIDED && why != NAT_WHY_OTHER_PROTO))
		return true;		/* nothing in it that could be told */
	ends = q.tuple.ends;
	if (leaves && covers(&r->inside, r, &ends.dst, r->family) && !prefix_out(r, &q.tuple.ends.dst, &ends.dst))
		return false;
	if (!leaves && covers(&r->outside, r, &ends.src, r->family) && !prefix_in(r, &q.tuple.ends.src, &ends.src))
		return false;
	p->before = q.tuple.ends;
	p->ends_proto = q.tuple.proto;
	rewrite_ends(p->data + at, &q, &ends, q.has_ports && r->kind != OUT_NPTV6);
	p->after = ends;
	return true;
}

/* Is there an L4 checksum over the addresses, and is it here? */
static bool has_l4_sum(const struct nat_pkt *p)
{
	const struct pkt_view *v = &p->view;
	uint8_t proto = v->tuple.proto;

	if (v->is_later)
		return false;		/* it is in the first piece */
	return v->has_ports || v->is_error || (proto == NAT_PROTO_ICMPV6 && v->end - v->l4 >= 4);
}

static enum nat_reason translate(const struct out_rule *r, struct nat_pkt *p, bool leaves)
{
	struct nat_ends to = p->view.tuple.ends;
	bool sum = has_l4_sum(p), neutral = r->kind == OUT_NPTV6;

	if (!(leaves ? prefix_out(r, &p->view.tuple.ends.src, &to.src) : prefix_in(r, &p->view.tuple.ends.dst, &to.dst)))
		return NAT_WHY_PREFIX_UNMAPPABLE;
	if (p->truncated)
		return NAT_WHY_TRUNCATED;
	if (p->view.is_error && !neutral && !p->csum_partial && !rewrite_icmp_good(p->data, &p->view))
		return NAT_WHY_ERROR_CSUM;	/* R15 */
	p->after = to;
	if (p->view.is_error && !translate_quote(r, p, leaves))
		return NAT_WHY_PREFIX_UNMAPPABLE;
	if (sum && !p->view.is_error) {
		rewrite_packet(p, &to);
		return NAT_WHY_PREFIX;
	}
	rewrite_ends(p->data, &p->view, &to, false);
	if (p->view.is_error && (!neutral || p->csum_partial))
		rewrite_icmp_csum(p->data, &p->view);
	p->changed = true;
	return NAT_WHY_PREFIX;
}

enum nat_reason prefix_translate(struct nat *n, struct nat_pkt *p, enum nat_reason why)
{
	const struct out *o = &n->out[n->block->active];
	bool leaves = p->hook == NAT_POST;
	const struct out_rule *r;

	if (p->hook != NAT_POST && p->hook != NAT_PRE)
		return why;
	r = rule_for(o, p, leaves);
	if (!r || out_excepts(o, r, leaves ? &p->view.tuple.ends.dst : &p->view.tuple.ends.src))
		return why;
	return translate(r, p, leaves);
}
