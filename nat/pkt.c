/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pkt - see pkt.h */
#include "nat/pkt.h"

#include "nat/hot.h"
#include "nat/wire.h"

enum {
	V4_MIN = 20,
	V6_LEN = 40,
	CHAIN_MAX = 16,		/* IPv6 extension headers walked at most (R72) */
	L4_QUOTED_MIN = 8,	/* RFC 792, RFC 1122 3.2.2 */
};

/* RFC 792, RFC 950; what a type is to a NAT. IPv6: RFC 4443. */
enum icmp_kind {
	ICMP_OTHER,
	ICMP_REQUEST,		/* its identifier is a source port */
	ICMP_ANSWER,		/* its identifier is a destination port */
	ICMP_ERROR,		/* it quotes a packet */
};

/* R51: queries; not 15 to 18, information and address mask, which RFC 6918 took back. R52: errors. Redirects (5) are for the link they were sent on: left alone (R59). */
static enum icmp_kind icmp4_kind(uint8_t type, uint8_t *query)
{
	switch (type) {
	case 8:			/* echo */
	case 13:		/* timestamp */
		*query = type;
		return ICMP_REQUEST;
	case 0:
		*query = 8;
		return ICMP_ANSWER;
	case 14:
		*query = 13;
		return ICMP_ANSWER;
	case 3:			/* destination unreachable */
	case 4:			/* source quench */
	case 11:		/* time exceeded */
	case 12:		/* parameter problem */
		return ICMP_ERROR;
	default:
		return ICMP_OTHER;
	}
}

static enum icmp_kind icmp6_kind(uint8_t type, uint8_t *query)
{
	switch (type) {
	case 128:
		*query = 128;
		return ICMP_REQUEST;
	case 129:
		*query = 128;
		return ICMP_ANSWER;
	case 1:			/* destination unreachable */
	case 2:			/* packet too big */
	case 3:			/* time exceeded */
	case 4:			/* parameter problem */
		return ICMP_ERROR;
	default:
		/* 100-127 are errors too (RFC 4443 2.1), but private or reserved: nobody quotes in them. */
		return ICMP_OTHER;
	}
}

static enum nat_reason parse_icmp(const uint8_t *h, uint32_t avail, struct pkt_view *v)
{
	uint8_t query = 0;
	enum icmp_kind kind;

	if (avail < 8)
		return NAT_WHY_L4_SHORT;
	kind = v->tuple.proto == NAT_PROTO_ICMP ? icmp4_kind(h[0], &query) : icmp6_kind(h[0], &query);
	switch (kind) {
	case ICMP_REQUEST:
		v->tuple.ends.sport = wire_getbe16(h + 4);
		v->tuple.ends.dport = wire_port(query);
		v->has_ports = v->has_flow = v->icmp_request = true;
		return NAT_WHY_UNDECIDED;
	case ICMP_ANSWER:
		v->tuple.ends.sport = wire_port(query);
		v->tuple.ends.dport = wire_getbe16(h + 4);
		v->has_ports = v->has_flow = v->icmp_answer = true;
		return NAT_WHY_UNDECIDED;
	case ICMP_ERROR:
		v->is_error = true;
		return NAT_WHY_UNDECIDED;
	case ICMP_OTHER:
		break;
	}
	return NAT_WHY_OTHER_PROTO;
}

/*
 * A protocol without ports is known by its addresses (R26). None of these:
 * ICMP of the other family; AH, which covers the addresses (R73); IGMP, which
 * is for the link; and what IPv6 has between headers (R72).
 */
static enum nat_reason parse_other(uint32_t avail, bool quoted, struct pkt_view *v)
{
	if (!nat_proto_is_whole(v->tuple.proto))
		return NAT_WHY_OTHER_PROTO;
	if (!avail && !quoted)
		return NAT_WHY_L4_SHORT;
	v->has_flow = true;
	return NAT_WHY_UNDECIDED;
}

/* A segment that is all there must be consistent; a quoted one has its ports and no more to offer. */
static enum nat_reason parse_l4(const uint8_t *data, bool quoted, struct pkt_view *v)
{
	const uint8_t *h = data + v->l4;
	uint32_t avail = v->end - v->l4;

	switch (v->tuple.proto) {
	case NAT_PROTO_TCP:
		if (avail < (quoted ? L4_QUOTED_MIN : 20u))
			return NAT_WHY_L4_SHORT;
		if (!quoted && ((h[12] >> 4) < 5 || (h[12] >> 4) * 4u > avail))
			return NAT_WHY_TCP_OFFSET;
		break;
	case NAT_PROTO_UDP:
		if (avail < 8)
			return NAT_WHY_L4_SHORT;
		if (!quoted && !v->is_fragment && (wire_get16(h + 4) < 8 || wire_get16(h + 4) > avail))
			return NAT_WHY_UDP_LENGTH;
		break;
	case NAT_PROTO_SCTP:
	case NAT_PROTO_DCCP:
		if (avail < (quoted ? L4_QUOTED_MIN : 12u))
			return NAT_WHY_L4_SHORT;
		break;
	case NAT_PROTO_UDPLITE:
		if (avail < 8)
			return NAT_WHY_L4_SHORT;
		break;
	case NAT_PROTO_ICMP:
		return v->tuple.family == NAT_IPV4 ? parse_icmp(h, avail, v) : NAT_WHY_OTHER_PROTO;
	case NAT_PROTO_ICMPV6:
		return v->tuple.family == NAT_IPV6 ? parse_icmp(h, avail, v) : NAT_WHY_OTHER_PROTO;
	default:
		return parse_other(avail, quoted, v);
	}
	memcpy(&v->tuple.ends.sport, h, 4);	/* both ports, in one piece: see nat_addr_v4() */
	v->has_ports = v->has_flow = true;
	return NAT_WHY_UNDECIDED;
}

/*
 * A piece of a datagram that begins at @start. No sender makes one that is
 * empty, that ends between units of 8 octets and is not the last (RFC 8200
 * 4.5), or that ends behind the longest datagram. TCP never continues at
 * octet 8: that would write over the flags of the first piece (RFC 3128).
 */
static enum nat_reason take_fragment(struct pkt_view *v, uint32_t start, uint32_t at, bool more, bool quoted)
{
	uint32_t octets = v->end - start;

	v->is_fragment = true;
	v->is_later = at;
	v->more_fragments = more;
	v->frag_at = (uint16_t)at;
	v->frag_octets = (uint16_t)octets;
	if (quoted)
		return at ? NAT_WHY_ERROR_NO_FLOW : NAT_WHY_UNDECIDED;	/* only the first has ports (R56) */
	if (!octets || at + octets > 65535 || (more && octets % 8))
		return NAT_WHY_FRAGMENT_BAD;
	if (v->tuple.proto == NAT_PROTO_TCP && at == 8)
		return NAT_WHY_FRAGMENT_TINY;
	return NAT_WHY_UNDECIDED;
}

/* RFC 791 3.1 */
static enum nat_reason parse_v4(const uint8_t *d, uint32_t len, bool quoted, struct pkt_view *v)
{
	uint32_t ihl = (d[0] & 0x0fu) * 4, total;
	uint16_t frag;

	if (len < V4_MIN || ihl < V4_MIN || ihl > len)
		return NAT_WHY_IP_SHORT;
	total = wire_get16(d + 2);
	v->tuple.family = NAT_IPV4;
	v->tuple.proto = d[9];
	v->tuple.ends.src = nat_addr_v4(d + 12);
	v->tuple.ends.dst = nat_addr_v4(d + 16);
	v->l4 = ihl;
	if (quoted && !total)
		total = len;				/* BIG TCP: Linux writes 0 when it does not fit (R7) */
	if (total < ihl || (!quoted && total > len))
		return NAT_WHY_IP_LENGTH;
	v->whole_end = total;
	v->end = total < len ? total : len;
	frag = wire_get16(d + 6);
	if (frag & 0x3fff) {				/* MF, or an offset */
		enum nat_reason why;

		v->frag_id = wire_get16(d + 4);
		why = take_fragment(v, ihl, (frag & 0x1fffu) * 8, frag & 0x2000, quoted);
		if (why != NAT_WHY_UNDECIDED || v->is_later)
			return why;
	}
	return parse_l4(d, quoted, v);
}

/*
 * One extension header: RFC 8200 4.1; its length is in units of 8 octets, the
 * first not counted. Returns its length in octets, or 0 and *@why.
 */
static uint32_t parse_ext(const uint8_t *h, uint32_t avail, uint8_t type, bool quoted, struct pkt_view *v,
			  enum nat_reason *why)
{
	uint32_t octets;

	*why = NAT_WHY_IPV6_CHAIN;
	if (avail < 8)
		return 0;
	octets = type == NAT_PROTO_FRAGMENT ? 8 : (h[1] + 1u) * 8;
	if (octets > avail)
		return 0;
	if (type == NAT_PROTO_ROUTING && h[3]) {
		/* Segments left: the destination is not the last one (R73, RFC 5095 for type 0). */
		*why = h[2] == 0 ? NAT_WHY_ROUTING_TYPE_0 : NAT_WHY_ROUTED_HEADER;
		return 0;
	}
	if (type == NAT_PROTO_FRAGMENT && (wire_get16(h + 2) & 0xfff9)) {	/* offset or M; neither: atomic, RFC 6946 (R69) */
		v->tuple.proto = h[0];
		v->frag_id = wire_get32(h + 4);
		v->frag_header = (uint16_t)v->l4;
		*why = take_fragment(v, v->l4 + 8, wire_get16(h + 2) & 0xfff8, wire_get16(h + 2) & 1, quoted);
		if (*why != NAT_WHY_UNDECIDED || v->is_later) {
			v->l4 += 8;
			return 0;
		}
	}
	return octets;
}

/* RFC 8200 3 and 4 */
static enum nat_reason parse_v6(const uint8_t *d, uint32_t len, bool quoted, struct pkt_view *v)
{
	enum nat_reason why;
	uint32_t at = V6_LEN, end, octets;
	uint8_t next;

	if (len < V6_LEN)
		return NAT_WHY_IP_SHORT;
	end = V6_LEN + (uint32_t)wire_get16(d + 4);
	if (quoted && end == V6_LEN)
		end = len;				/* 0: RFC 2675, BIG TCP (R7) */
	next = d[6];
	v->tuple.family = NAT_IPV6;
	v->tuple.ends.src = nat_addr_v6(d + 8);
	v->tuple.ends.dst = nat_addr_v6(d + 24);
	v->l4 = at;
	if (!quoted && end > len)
		return NAT_WHY_IP_LENGTH;
	v->whole_end = end;
	v->end = end < len ? end : len;

	for (unsigned i = 0;; i++) {
		v->tuple.proto = next;
		v->l4 = at;
		if (next != NAT_PROTO_HOPOPTS && next != NAT_PROTO_ROUTING && next != NAT_PROTO_FRAGMENT &&
		    next != NAT_PROTO_DSTOPTS && next != NAT_PROTO_MOBILITY)
			return parse_l4(d, quoted, v);	/* AH, ESP and no-next end here: not translated */
		if (i == CHAIN_MAX)
			return NAT_WHY_IPV6_CHAIN;
		octets = parse_ext(d + at, v->end - at, next, quoted, v, &why);
		if (!octets)
			return why;
		next = d[at];
		at += octets;
	}
}

RARE enum nat_reason pkt_parse_ip(const uint8_t *data, uint32_t len, bool quoted, struct pkt_view *v)
{
	memset(v, 0, sizeof(*v));
	if (len < 1)
		return NAT_WHY_IP_SHORT;
	switch (data[0] >> 4) {
	case 4:
		return parse_v4(data, len, quoted, v);
	case 6:
		return parse_v6(data, len, quoted, v);
	}
	return NAT_WHY_IP_VERSION;
}

/*
 * What nearly every packet is: TCP or UDP, whole, without options or extension
 * headers, of no address that might be of a link or a group. Finds just what
 * pkt_parse_ip() would find; false: ask that one.
 */
HOT static bool parse_plain(const uint8_t *d, uint32_t len, struct pkt_view *v)
{
	uint32_t l4, end, octets;
	const uint8_t *h;
	uint8_t proto;

	if (len < V4_MIN + L4_QUOTED_MIN)
		return false;
	memset(v, 0, sizeof(*v));
	if (d[0] == 0x45) {
		if ((wire_getbe16(d + 6) & wire_port(0x3fff)) || d[12] == 169 || d[16] == 169 || d[16] >= 224)
			return false;
		l4 = V4_MIN;
		end = wire_get16(d + 2);
		proto = d[9];
		v->tuple.family = NAT_IPV4;
		v->tuple.ends.src = nat_addr_v4(d + 12);
		v->tuple.ends.dst = nat_addr_v4(d + 16);
	} else if (d[0] >> 4 == 6 && len >= V6_LEN) {
		if (d[8] == 0xfe || d[24] >= 0xfe)
			return false;
		l4 = V6_LEN;
		end = V6_LEN + (uint32_t)wire_get16(d + 4);
		proto = d[6];
		v->tuple.family = NAT_IPV6;
		v->tuple.ends.src = nat_addr_v6(d + 8);
		v->tuple.ends.dst = nat_addr_v6(d + 24);
	} else {
		return false;
	}
	h = d + l4;
	if (end > len || end < l4 + 8)
		return false;
	if (proto == NAT_PROTO_TCP) {
		if (end < l4 + 20)
			return false;
		octets = h[12] >> 4;
		if (octets < 5 || octets * 4 > end - l4)
			return false;
	} else {
		octets = wire_get16(h + 4);
		if (proto != NAT_PROTO_UDP || octets < 8 || octets > end - l4)
			return false;
	}
	v->tuple.proto = proto;
	v->l4 = l4;
	v->end = v->whole_end = end;
	memcpy(&v->tuple.ends.sport, h, 4);	/* as in parse_l4() */
	v->has_ports = v->has_flow = true;
	return true;
}

/* All that is not plain. */
RARE static enum nat_reason parse_rare(struct nat_pkt *p)
{
	struct pkt_view *v = &p->view;
	enum nat_reason why = pkt_parse_ip(p->data, p->len, p->truncated, v);
	enum nat_family family = v->tuple.family;

	p->before = v->tuple.ends;
	p->ends_proto = v->tuple.proto;
	if (p->truncated && p->whole && v->whole_end == p->len)
		v->whole_end = p->whole;	/* BIG TCP: its length field is 0, and what is here was taken for all */
	if (why != NAT_WHY_UNDECIDED)
		return why;
	if (v->tuple.proto == NAT_PROTO_TCP && v->end - v->l4 >= 14)
		p->tcp_flags = p->data[v->l4 + 13];
	if (nat_addr_is_linklocal(&p->before.dst, family) || nat_addr_is_linklocal(&p->before.src, family) ||
	    nat_addr_is_multicast(&p->before.dst, family))
		return NAT_WHY_LOCAL_SCOPE;
	return NAT_WHY_UNDECIDED;
}

enum nat_reason pkt_parse(struct nat_pkt *p)
{
	const struct pkt_view *v = &p->view;

	p->tcp_flags = 0;
	p->plain = !p->truncated && parse_plain(p->data, p->len, &p->view);
	if (!p->plain)
		return parse_rare(p);
	p->before = v->tuple.ends;
	p->ends_proto = v->tuple.proto;
	if (v->tuple.proto == NAT_PROTO_TCP)
		p->tcp_flags = p->data[v->l4 + 13];
	return NAT_WHY_UNDECIDED;
}
