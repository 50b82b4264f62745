/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet - IP packets for tests, and a naive judge of checksums.
 *
 * Written without a line of nat/csum.c, nat/pkt.c or nat/rewrite.c, so that
 * what they do can be compared with it. Addresses are letters, the same for
 * both families, so one test row serves IPv4 and IPv6:
 *
 *     C D   clients            R  a router on the way to them
 *     H K   this host's        L  its loopback             B  its address on the bridge
 *     G F   guests             X  a router behind the host
 */
#ifndef TESTS_PACKET_H
#define TESTS_PACKET_H

#include <stdio.h>
#include <stdlib.h>

#include "nat/pkt.h"
#include "nat/wire.h"

enum { PACKET_ROOM = 66000 };

static inline struct nat_addr letter_addr(char c, enum nat_family family)
{
	static const struct { char c; uint8_t v4[4], v6[16]; } known[] = {
		{ 'C', { 198, 51, 100, 7 }, { 0x20, 1, 0xd, 0xb8, 0, 0xc, [15] = 7 } },
		{ 'D', { 198, 51, 100, 8 }, { 0x20, 1, 0xd, 0xb8, 0, 0xc, [15] = 8 } },
		{ 'R', { 192, 0, 2, 254 }, { 0x20, 1, 0xd, 0xb8, 0xff, 0xfe, [15] = 0xfe } },
		{ 'H', { 203, 0, 113, 1 }, { 0x20, 1, 0xd, 0xb8, 0, 1, [15] = 1 } },
		{ 'K', { 203, 0, 113, 2 }, { 0x20, 1, 0xd, 0xb8, 0, 1, [15] = 2 } },
		{ 'L', { 127, 0, 0, 1 }, { [15] = 1 } },
		{ 'B', { 192, 168, 122, 1 }, { 0xfd, 0, 1, 0x22, [15] = 1 } },
		{ 'G', { 192, 168, 122, 50 }, { 0xfd, 0, 1, 0x22, [15] = 0x50 } },
		{ 'F', { 192, 168, 122, 51 }, { 0xfd, 0, 1, 0x22, [15] = 0x51 } },
		{ 'X', { 192, 168, 122, 254 }, { 0xfd, 0, 1, 0x22, [15] = 0xfe } },
		{ 'M', { 224, 0, 0, 251 }, { 0xff, 2, [15] = 0xfb } },
		{ 'l', { 169, 254, 1, 1 }, { 0xfe, 0x80, [15] = 9 } },
	};

	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].c == c)
			return family == NAT_IPV4 ? nat_addr_v4(known[i].v4) : nat_addr_v6(known[i].v6);
	fprintf(stderr, "no such address: %c\n", c);
	abort();
}

/* What is to be built; zero is a good value of most. */
struct packet {
	enum nat_family family;
	uint8_t proto;
	struct nat_ends ends;		/* ICMP queries: identifier and type, as in nat/tuple.h */
	uint8_t tcp_flags;
	uint32_t seq, ack;
	uint32_t options;		/* IPv4: octets of options, 0-40; IPv6: number of extension headers */
	uint32_t tcp_options;		/* octets, 0-40 */
	uint32_t payload;		/* octets */
	uint8_t salt;			/* varies payload, TTL, TOS, identification and flow label */
	bool no_csum;			/* UDP: checksum 0 */
	bool bad_csum;			/* the L4 checksum is off by one */
	bool partial;			/* the L4 checksum is the pseudo-header's sum only */
	uint8_t icmp_type, icmp_code;	/* of an error; type 0: it is none */
	uint32_t icmp_rest;		/* the four octets before the quote: MTU, pointer */
	const struct packet *quote;	/* what an error quotes */
	uint32_t quote_octets;		/* how much of it; 0: all */
	bool bad_quote_ip;		/* the quoted IPv4 header's checksum is wrong */
};

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

static inline uint32_t packet_l4_header(const struct packet *p)
{
	return p->proto == NAT_PROTO_TCP ? 20 + p->tcp_options : 8;
}

/* IPv6 extension headers of several kinds and lengths, each with padding that must not change. */
static inline uint32_t packet_exts(uint8_t *d, uint32_t n, uint8_t last)
{
	static const struct { uint8_t type; uint32_t octets; } exts[] = {
		{ NAT_PROTO_HOPOPTS, 8 }, { NAT_PROTO_DSTOPTS, 24 }, { NAT_PROTO_ROUTING, 8 },
		{ NAT_PROTO_FRAGMENT, 8 }, { NAT_PROTO_MOBILITY, 16 }, { NAT_PROTO_DSTOPTS, 8 },
	};
	uint8_t *next = d + 6;
	uint32_t at = 40;

	*next = last;
	for (uint32_t i = 0; i < n; i++) {
		uint8_t type = exts[i % 6].type;
		uint32_t octets = exts[i % 6].octets;

		memset(d + at, 0, octets);
		*next = type;
		next = d + at;
		if (type != NAT_PROTO_FRAGMENT)		/* the fragment header: atomic, offset 0, M 0 */
			d[at + 1] = (uint8_t)(octets / 8 - 1);
		if (type == NAT_PROTO_ROUTING)
			d[at + 2] = 4;			/* segment routing, none left */
		*next = last;
		at += octets;
	}
	return at;
}

static inline uint32_t packet_ip(const struct packet *p, uint8_t *d, uint32_t l4_octets)
{
	uint32_t at;

	if (p->family == NAT_IPV6) {
		memset(d, 0, 40);
		d[0] = 0x60 | (p->salt & 15);
		wire_put16(d + 2, (uint16_t)(p->salt * 257));
		d[7] = (uint8_t)(64 - p->salt % 8);
		memcpy(d + 8, p->ends.src.octet, 16);
		memcpy(d + 24, p->ends.dst.octet, 16);
		at = packet_exts(d, p->options, p->proto);
		wire_put16(d + 4, (uint16_t)(at - 40 + l4_octets));
		return at;
	}
	at = 20 + p->options;
	memset(d, 1, at);		/* options: no-operation */
	d[0] = (uint8_t)(0x40 | at / 4);
	d[1] = (uint8_t)(p->salt * 4);
	wire_put16(d + 2, (uint16_t)(at + l4_octets));
	wire_put16(d + 4, (uint16_t)(p->salt * 771 + 1));
	wire_put16(d + 6, p->salt % 2 ? 0x4000 : 0);
	d[8] = (uint8_t)(64 - p->salt % 8);
	d[9] = p->proto;
	memcpy(d + 12, p->ends.src.octet + 12, 4);
	memcpy(d + 16, p->ends.dst.octet + 12, 4);
	wire_put16(d + 10, 0);
	wire_put16(d + 10, (uint16_t)~naive_sum(0, d, at));
	return at;
}

static inline uint32_t packet_csum_at(uint8_t proto)
{
	return proto == NAT_PROTO_TCP ? 16 : proto == NAT_PROTO_UDP ? 6 : 2;
}

/* Write the checksum of the transport header at @l4, whose octets are all in place. */
static inline void packet_csum(const struct packet *p, uint8_t *d, uint32_t l4, uint32_t octets)
{
	uint32_t s = p->proto == NAT_PROTO_ICMP ? 0 : naive_pseudo(p->family, d, p->proto, octets);
	uint8_t *field = d + l4 + packet_csum_at(p->proto);
	uint16_t sum;

	wire_put16(field, 0);
	if (p->proto == NAT_PROTO_UDP && p->no_csum)
		return;
	if (p->partial && p->proto != NAT_PROTO_ICMP) {
		wire_put16(field, naive_sum(s, d, 0));
		return;
	}
	sum = (uint16_t)~naive_sum(s, d + l4, octets);
	if (p->proto == NAT_PROTO_UDP && !sum)
		sum = 0xffff;
	if (p->bad_csum)
		sum ^= 0x0100;
	wire_put16(field, sum);
}

static inline bool packet_is_answer(const struct packet *p)
{
	return p->ends.sport == wire_port(8) || p->ends.sport == wire_port(13) || p->ends.sport == wire_port(128);
}

static inline uint8_t packet_answer_type(uint8_t query)
{
	return query == 8 ? 0 : (uint8_t)(query + 1);
}

/* The transport header without its checksum. An ICMP query: its identifier is where nat/tuple.h has it. */
static inline void packet_l4(const struct packet *p, uint8_t *h, uint32_t octets)
{
	uint32_t head = packet_l4_header(p);

	memset(h, 0, head);
	switch (p->proto) {
	case NAT_PROTO_TCP:
		memset(h + 20, 1, p->tcp_options);
		wire_put16(h + 4, (uint16_t)(p->seq >> 16));
		wire_put16(h + 6, (uint16_t)p->seq);
		wire_put16(h + 8, (uint16_t)(p->ack >> 16));
		wire_put16(h + 10, (uint16_t)p->ack);
		h[12] = (uint8_t)(head / 4 << 4);
		h[13] = p->tcp_flags;
		wire_put16(h + 14, 0xfaf0);
		break;
	case NAT_PROTO_UDP:
		wire_put16(h + 4, (uint16_t)octets);
		break;
	case NAT_PROTO_ICMP:
	case NAT_PROTO_ICMPV6:
		if (p->icmp_type) {
			h[0] = p->icmp_type;
			h[1] = p->icmp_code;
			wire_put16(h + 4, (uint16_t)(p->icmp_rest >> 16));
			wire_put16(h + 6, (uint16_t)p->icmp_rest);
			return;
		}
		h[0] = packet_is_answer(p) ? packet_answer_type((uint8_t)wire_host(p->ends.sport))
					   : (uint8_t)wire_host(p->ends.dport);
		wire_putbe16(h + 4, packet_is_answer(p) ? p->ends.dport : p->ends.sport);
		wire_put16(h + 6, 3);
		return;
	default:
		return;
	}
	wire_putbe16(h, p->ends.sport);
	wire_putbe16(h + 2, p->ends.dport);
}

/* packet_build - write the packet to @d, PACKET_ROOM octets; returns its length */
static inline uint32_t packet_build(const struct packet *p, uint8_t *d)
{
	uint32_t head = packet_l4_header(p), body = p->payload, at;
	uint8_t *quote = NULL;

	if (p->quote) {
		quote = malloc(PACKET_ROOM);
		if (!quote)
			abort();
		body = packet_build(p->quote, quote);
		if (p->bad_quote_ip)
			quote[10] ^= 0x10;
		if (p->quote_octets && p->quote_octets < body)
			body = p->quote_octets;
	}
	at = packet_ip(p, d, head + body);
	packet_l4(p, d + at, head + body);
	if (quote)
		memcpy(d + at + head, quote, body);
	else
		for (uint32_t i = 0; i < body; i++)
			d[at + head + i] = (uint8_t)(i * 31 + p->salt * 7 + 1);
	packet_csum(p, d, at, head + body);
	free(quote);
	return at + head + body;
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
	if (n < 8)
		return false;
	if (proto == NAT_PROTO_UDP) {
		if (!wire_getbe16(d + l4 + 6))
			return true;
		n = wire_get16(d + l4 + 4);
		if (n < 8 || n > end - l4)
			return false;
	}
	return naive_sum(proto == NAT_PROTO_ICMP ? 0 : naive_pseudo(family, d, proto, n), d + l4, n) == 0xffff;
}

#endif
