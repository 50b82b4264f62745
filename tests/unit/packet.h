/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packet - IP packets for tests.
 *
 * Written without a line of nat/csum.c, nat/pkt.c or nat/rewrite.c, so that
 * what they do can be compared with it. Addresses are those of letters.h.
 */
#ifndef TESTS_PACKET_H
#define TESTS_PACKET_H

#include <stdlib.h>

#include "nat/pkt.h"
#include "tests/unit/letters.h"
#include "tests/unit/naive.h"

enum { PACKET_ROOM = 66000 };

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
	uint8_t ttl;			/* 0: by salt */
	bool no_csum;			/* UDP: checksum 0 */
	bool bad_csum;			/* the L4 checksum is off by one */
	bool partial;			/* the L4 checksum is the pseudo-header's sum only */
	uint8_t icmp_type, icmp_code;	/* of an error; type 0: it is none */
	uint8_t chunk;			/* SCTP: type of the one chunk, 0 DATA; DCCP: packet type */
	uint32_t icmp_rest;		/* the four octets before the quote: MTU, pointer */
	const struct packet *quote;	/* what an error quotes */
	uint32_t quote_octets;		/* how much of it; 0: all */
	bool bad_quote_ip;		/* the quoted IPv4 header's checksum is wrong */
};

static inline uint32_t packet_l4_header(const struct packet *p)
{
	switch (p->proto) {
	case NAT_PROTO_TCP:
		return 20 + p->tcp_options;
	case NAT_PROTO_SCTP:
	case NAT_PROTO_DCCP:
		return 16;
	case NAT_PROTO_GRE:
		return 4;
	}
	return 8;
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
		d[7] = p->ttl ? p->ttl : (uint8_t)(64 - p->salt % 8);
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
	d[8] = p->ttl ? p->ttl : (uint8_t)(64 - p->salt % 8);
	d[9] = p->proto;
	memcpy(d + 12, p->ends.src.octet + 12, 4);
	memcpy(d + 16, p->ends.dst.octet + 12, 4);
	wire_put16(d + 10, 0);
	wire_put16(d + 10, (uint16_t)~naive_sum(0, d, at));
	return at;
}

/* Write the checksum of the transport header at @l4, whose octets are all in place. */
static inline void packet_csum(const struct packet *p, uint8_t *d, uint32_t l4, uint32_t octets)
{
	uint32_t s = p->proto == NAT_PROTO_ICMP ? 0 : naive_pseudo(p->family, d, p->proto, octets);
	uint8_t *field = d + l4 + packet_csum_at(p->proto);
	uint16_t sum;

	if (!packet_csum_at(p->proto))
		return;
	if (p->proto == NAT_PROTO_SCTP) {
		uint32_t c = p->no_csum ? 0 : naive_crc32c(d + l4, octets) ^ (p->bad_csum ? 0x100 : 0);

		for (unsigned i = 0; i < 4; i++)
			field[i] = (uint8_t)(p->partial ? 0 : c >> 8 * i);
		return;
	}
	wire_put16(field, 0);
	if (p->proto == NAT_PROTO_UDP && p->no_csum)
		return;
	if (p->partial && p->proto != NAT_PROTO_ICMP) {
		wire_put16(field, naive_sum(s, d, 0));
		return;
	}
	sum = (uint16_t)~naive_sum(s, d + l4, naive_covered(d + l4, p->proto, octets));
	if ((p->proto == NAT_PROTO_UDP || p->proto == NAT_PROTO_UDPLITE) && !sum)
		sum = 0xffff;
	if (p->bad_csum)
		sum ^= 0x0100;
	wire_put16(field, sum);
}

static inline bool packet_is_answer(const struct packet *p)
{
	return p->ends.sport == wire_port(8) || p->ends.sport == wire_port(13) || p->ends.sport == wire_port(128);
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
	case NAT_PROTO_UDPLITE:
		wire_put16(h + 4, p->salt % 3 ? (uint16_t)(p->salt % 3 == 1 ? 8 : octets) : 0);	/* coverage */
		break;
	case NAT_PROTO_DCCP:
		h[4] = 4;
		h[5] = p->payload >= 8 ? p->salt % 3 : 0;
		h[8] = (uint8_t)(p->chunk << 1 | 1);
		break;
	case NAT_PROTO_SCTP:
		wire_put16(h + 4, p->chunk == 1 ? 0 : 0x1234);
		h[12] = p->chunk;
		wire_put16(h + 14, (uint16_t)(octets - 12));
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
		h[0] = (uint8_t)wire_host(packet_is_answer(p) ? p->ends.sport : p->ends.dport);
		if (packet_is_answer(p))
			h[0] = h[0] == 8 ? 0 : (uint8_t)(h[0] + 1);
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

/*
 * packet_take_id - R28: where its source was changed, an IPv4 datagram that may be cut up goes by another
 * identification, of the engine's choice: @want, as built, takes it from @got; @in is what came. test_ident.c judges it.
 */
static inline void packet_take_id(const uint8_t *in, const uint8_t *got, uint8_t *want)
{
	uint32_t head = (want[0] & 15u) * 4;

	if (want[0] >> 4 != 4 || (wire_get16(want + 6) & 0x7fff) == 0x4000 || !memcmp(in + 12, want + 12, 4))
		return;
	memcpy(want + 4, got + 4, 2);
	wire_put16(want + 10, 0);
	wire_put16(want + 10, (uint16_t)~naive_sum(0, want, head));
}

#endif
