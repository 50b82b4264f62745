/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * naive - a judge of checksums that shares not a line with nat/csum.c, nat/pkt.c or nat/rewrite.c.
 */
#ifndef TESTS_NAIVE_H
#define TESTS_NAIVE_H

#include "nat/addr.h"
#include "nat/tuple.h"
#include "nat/wire.h"

/* RFC 1071 as a child would write it: high octet, low octet, carry at the end. */
static inline uint16_t naive_sum(uint32_t s, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		s += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)s;
}

static inline uint32_t naive_pseudo(enum nat_family family, const uint8_t *ip, uint8_t proto, uint32_t len)
{
	uint32_t s = family == NAT_IPV4 ? naive_sum(0, ip + 12, 8) : naive_sum(0, ip + 8, 32);

	return s + (len >> 16) + (len & 0xffff) + proto;
}

/* Where its checksum is in a transport header; 0: it has none. */
static inline uint32_t packet_csum_at(uint8_t proto)
{
	switch (proto) {
	case NAT_PROTO_TCP:
		return 16;
	case NAT_PROTO_UDP:
	case NAT_PROTO_UDPLITE:
	case NAT_PROTO_DCCP:
		return 6;
	case NAT_PROTO_SCTP:
		return 8;
	case NAT_PROTO_ICMP:
	case NAT_PROTO_ICMPV6:
		return 2;
	}
	return 0;
}

/* CRC32c bit by bit over a message whose own four octets of it, at 8, count as zero (RFC 9260 appendix A). */
static inline uint32_t naive_crc32c(const uint8_t *p, size_t n)
{
	uint32_t c = 0xffffffffu;

	for (size_t i = 0; i < n; i++) {
		c ^= i >= 8 && i < 12 ? 0 : p[i];
		for (unsigned bit = 0; bit < 8; bit++)
			c = c & 1 ? c >> 1 ^ 0x82f63b78u : c >> 1;
	}
	return ~c;
}

/* How much of @n octets the checksum of UDP-Lite or DCCP covers. */
static inline uint32_t naive_covered(const uint8_t *h, uint8_t proto, uint32_t n)
{
	if (proto == NAT_PROTO_UDPLITE)
		return wire_get16(h + 4) ? wire_get16(h + 4) : n;
	if (proto == NAT_PROTO_DCCP && (h[5] & 15))
		return h[4] * 4u + ((h[5] & 15u) - 1) * 4;
	return n;
}

/* Where the transport header is, by the shortest walk that can be right; 0: not found. */
static inline uint32_t naive_l4(const uint8_t *d, uint32_t len, uint8_t *proto, uint32_t *end)
{
	uint32_t at = 40;

	if (len >= 20 && d[0] >> 4 == 4) {
		*proto = d[9];
		*end = wire_get16(d + 2);
		return (d[0] & 15u) * 4;
	}
	if (len < 40)
		return 0;
	*proto = d[6];
	*end = 40u + wire_get16(d + 4);
	while (*proto == 0 || *proto == 43 || *proto == 44 || *proto == 60 || *proto == 135) {
		uint32_t octets;

		if (at + 8 > len)
			return 0;
		octets = *proto == 44 ? 8 : (d[at + 1] + 1u) * 8;
		*proto = d[at];
		at += octets;
	}
	return at;
}

/* naive_good - are all checksums of the packet right? UDP without one is. */
static inline bool naive_good(const uint8_t *d, uint32_t len)
{
	enum nat_family family = d[0] >> 4 == 4 ? NAT_IPV4 : NAT_IPV6;
	uint8_t proto;
	uint32_t end, l4 = naive_l4(d, len, &proto, &end), n;

	if (!l4 || end > len || l4 >= end)
		return false;
	if (family == NAT_IPV4 && naive_sum(0, d, l4) != 0xffff)
		return false;
	n = end - l4;
	if (!packet_csum_at(proto))
		return true;
	if (n < 8 || (proto == NAT_PROTO_SCTP && n < 12))
		return false;
	if (proto == NAT_PROTO_SCTP) {
		uint32_t c = naive_crc32c(d + l4, n);

		return d[l4 + 8] == (c & 255) && d[l4 + 9] == (c >> 8 & 255) && d[l4 + 10] == (c >> 16 & 255) && d[l4 + 11] == c >> 24;
	}
	if (naive_covered(d + l4, proto, n) > n)
		return false;
	if (proto == NAT_PROTO_UDP) {
		if (!wire_getbe16(d + l4 + 6))
			return true;
		n = wire_get16(d + l4 + 4);
		if (n < 8 || n > end - l4)
			return false;
	}
	return naive_sum(proto == NAT_PROTO_ICMP ? 0 : naive_pseudo(family, d, proto, n), d + l4, naive_covered(d + l4, proto, n)) == 0xffff;
}

#endif
