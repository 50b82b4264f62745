/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rewrite - see rewrite.h */
#include "nat/rewrite.h"

#include "nat/crc32c.h"
#include "nat/csum.h"
#include "nat/hot.h"
#include "nat/wire.h"

enum {
	V4_CSUM = 10, V4_SRC = 12, V4_DST = 16,		/* RFC 791 */
	V6_SRC = 8, V6_DST = 24,			/* RFC 8200 */
};

enum { SCTP_CSUM = 8 };		/* RFC 9260 3.1: four octets, lowest first */

/* Where the Internet checksum of a transport header is; 0: it has none. */
HOT static uint32_t csum_offset(uint8_t proto)
{
	switch (proto) {
	case NAT_PROTO_TCP:
		return 16;
	case NAT_PROTO_UDP:
	case NAT_PROTO_UDPLITE:
	case NAT_PROTO_DCCP:
		return 6;
	case NAT_PROTO_ICMP:
	case NAT_PROTO_ICMPV6:
		return 2;
	default:
		return 0;
	}
}

/* RFC 768, RFC 3828 3.1: a sum of zero would mean that there is none. */
static bool zero_means_none(uint8_t proto)
{
	return proto == NAT_PROTO_UDP || proto == NAT_PROTO_UDPLITE;
}

HOT static void write_addrs(uint8_t *data, const struct pkt_view *v, const struct nat_ends *to, csum_sum diff)
{
	enum nat_family family = v->tuple.family;

	if (family == NAT_IPV6) {
		memcpy(data + V6_SRC, to->src.octet, 16);
		memcpy(data + V6_DST, to->dst.octet, 16);
		return;
	}
	memcpy(data + V4_SRC, nat_addr_wire(&to->src, family), 4);
	memcpy(data + V4_DST, nat_addr_wire(&to->dst, family), 4);
	wire_putbe16(data + V4_CSUM, csum_update(wire_getbe16(data + V4_CSUM), diff));
}

/* Ports, or the one identifier of an ICMP query: a request's source, an answer's destination. */
HOT static csum_sum write_ports(uint8_t *h, const struct pkt_view *v, const struct nat_ends *to)
{
	const struct nat_ends *is = &v->tuple.ends;
	uint16_t old, new;

	if (!v->has_ports)
		return 0;
	if (nat_proto_has_ports(v->tuple.proto)) {
		wire_putbe16(h, to->sport);
		wire_putbe16(h + 2, to->dport);
		return csum_diff16(is->sport, to->sport) + csum_diff16(is->dport, to->dport);
	}
	old = v->icmp_answer ? is->dport : is->sport;
	new = v->icmp_answer ? to->dport : to->sport;
	wire_putbe16(h + 4, new);
	return csum_diff16(old, new);
}

/*
 * R16, R84: the CRC covers the ports and no address. Zero stands for "none"
 * (RFC 9653) and is left. Only the length of the message must be known, not
 * the message: of a quote its IP header tells it.
 */
RARE static void update_crc(uint8_t *h, const struct pkt_view *v, const struct nat_ends *was)
{
	static const uint8_t none[4];
	uint8_t d[4];
	uint32_t c;

	if (v->end - v->l4 < SCTP_CSUM + 4 || v->whole_end < v->end || !memcmp(h + SCTP_CSUM, none, 4))
		return;
	wire_putbe16(d, (uint16_t)(wire_getbe16(h) ^ was->sport));
	wire_putbe16(d + 2, (uint16_t)(wire_getbe16(h + 2) ^ was->dport));
	c = crc32c_difference(d, sizeof(d), v->whole_end - v->l4 - 4);
	for (unsigned i = 0; i < 4; i++)
		h[SCTP_CSUM + i] ^= (uint8_t)(c >> 8 * i);
}

void rewrite_ends(uint8_t *data, struct pkt_view *v, const struct nat_ends *to, bool l4_csum)
{
	enum nat_family family = v->tuple.family;
	uint8_t proto = v->tuple.proto, *h = data + v->l4;
	uint32_t field = csum_offset(proto);
	csum_sum addrs = csum_diff_addr(&v->tuple.ends.src, &to->src, family) +
			 csum_diff_addr(&v->tuple.ends.dst, &to->dst, family);
	csum_sum diff;
	uint16_t old, new;

	write_addrs(data, v, to, addrs);
	diff = write_ports(h, v, to) + (proto == NAT_PROTO_ICMP ? 0 : addrs);
	if (proto == NAT_PROTO_SCTP && l4_csum)
		update_crc(h, v, &v->tuple.ends);
	v->tuple.ends = *to;
	if (!l4_csum || !field || !v->has_ports || v->end - v->l4 < field + 2)
		return;
	old = wire_getbe16(h + field);
	if (zero_means_none(proto) && !old)
		return;			/* illegal over IPv6 and of UDP-Lite, but not ours to mend (R14) */
	new = csum_update(old, diff);
	if (zero_means_none(proto) && !new)
		new = 0xffff;
	wire_putbe16(h + field, new);
}

/* Zero of UDP means that there is no sum; what is none stays none (R14). */
HOT static void update_plain(uint8_t *field, bool udp, csum_sum diff)
{
	uint16_t old = wire_getbe16(field), new = csum_update(old, diff);

	if (udp && !old)
		return;
	wire_putbe16(field, udp && !new ? 0xffff : new);
}

/*
 * An aggregate of TCP that leaves through POSTROUTING is summed anew by
 * tcp4_gso_segment() or tcp6_gso_segment(), whatever the field holds:
 * net/ipv4/tcp_offload.c, "if (skb->ip_summed != CHECKSUM_PARTIAL)".
 * At the other hooks conntrack or the host's own TCP looks at it first.
 */
HOT static bool is_summed_anew(const struct nat_pkt *p)
{
	return p->gso && p->view.tuple.proto == NAT_PROTO_TCP && p->hook == NAT_POST;
}

bool rewrite_plain(struct nat_pkt *p, bool source, const struct nat_addr *to, uint32_t ports)
{
	bool udp = p->view.tuple.proto == NAT_PROTO_UDP, v4 = p->view.tuple.family == NAT_IPV4;
	struct nat_ends *is = &p->view.tuple.ends;
	struct nat_addr *end = source ? &is->src : &is->dst;
	uint8_t *d = p->data, *h = d + p->view.l4;
	uint32_t was;
	csum_sum diff;

	memcpy(&was, &is->sport, 4);
	if (was == ports && nat_addr_eq(end, to))
		return false;
	diff = csum_diff_addr(end, to, p->view.tuple.family);
	if (v4) {
		memcpy(d + (source ? V4_SRC : V4_DST), to->octet + 12, 4);
		wire_putbe16(d + V4_CSUM, csum_update(wire_getbe16(d + V4_CSUM), diff));
	} else {
		memcpy(d + (source ? V6_SRC : V6_DST), to->octet, 16);
	}
	memcpy(h, &ports, 4);
	if (!p->csum_partial)
		update_plain(h + (udp ? 6 : 16), udp, diff + csum_diff32(was, ports));
	*end = *to;
	memcpy(&is->sport, &ports, 4);
	p->after = *is;
	p->changed = true;
	p->csum_full = p->csum_partial && !is_summed_anew(p);
	return true;
}

void rewrite_packet(struct nat_pkt *p, const struct nat_ends *to)
{
	/* A fragment's is always finished: nobody could compute it later. */
	bool unfinished = p->csum_partial && p->view.tuple.proto != NAT_PROTO_ICMP && !p->view.is_fragment;

	rewrite_ends(p->data, &p->view, to, !unfinished);
	p->after = *to;
	p->changed = true;
	p->csum_full = unfinished && !is_summed_anew(p);
}

/* How much of a message its checksum covers: RFC 3828 3.1, RFC 4340 9.2; all of it if that makes no sense. */
static uint32_t covered(const uint8_t *h, uint8_t proto, uint32_t len)
{
	uint32_t n = 0;

	if (proto == NAT_PROTO_UDPLITE)
		n = wire_get16(h + 4);
	else if (proto == NAT_PROTO_DCCP && (h[5] & 15))
		n = h[4] * 4u + ((h[5] & 15u) - 1) * 4;
	return n < 8 || n > len ? len : n;
}

static csum_sum message_sum(const uint8_t *data, const struct pkt_view *v)
{
	const struct nat_ends *e = &v->tuple.ends;
	const uint8_t *h = data + v->l4;
	uint32_t len = v->end - v->l4;
	csum_sum s = 0;

	if (v->tuple.proto == NAT_PROTO_UDP)
		len = wire_get16(h + 4);	/* octets after the datagram are not its own */
	if (v->tuple.proto != NAT_PROTO_ICMP)
		s = csum_pseudo(&e->src, &e->dst, v->tuple.family, v->tuple.proto, len);
	return csum_add(s, h, covered(h, v->tuple.proto, len));
}

void rewrite_icmp_csum(uint8_t *data, const struct pkt_view *v)
{
	uint8_t *field = data + v->l4 + 2;

	wire_putbe16(field, 0);
	wire_putbe16(field, (uint16_t)~csum_fold(message_sum(data, v)));
}

bool rewrite_icmp_good(const uint8_t *data, const struct pkt_view *v)
{
	return csum_fold(message_sum(data, v)) == 0xffff;
}

static void write_crc(uint8_t *data, const struct pkt_view *v)
{
	uint8_t *field = data + v->l4 + SCTP_CSUM;
	uint32_t c;

	memset(field, 0, 4);
	c = ~crc32c_add(CRC32C_BEGIN, data + v->l4, v->end - v->l4);
	for (unsigned i = 0; i < 4; i++)
		field[i] = (uint8_t)(c >> 8 * i);
}

void rewrite_full_csum(uint8_t *data, const struct pkt_view *v)
{
	uint8_t *field = data + v->l4 + csum_offset(v->tuple.proto);
	uint16_t sum;

	if (v->tuple.proto == NAT_PROTO_SCTP) {
		write_crc(data, v);
		return;
	}
	if (!csum_offset(v->tuple.proto))
		return;
	wire_putbe16(field, 0);
	sum = (uint16_t)~csum_fold(message_sum(data, v));
	if (zero_means_none(v->tuple.proto) && !sum)
		sum = 0xffff;
	wire_putbe16(field, sum);
}
