/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * micro - what the programs that measure the engine alone share: packets, an
 * engine with rows, a clock, and rows of a table with median (min .. max).
 *
 * A packet is built once; each round writes its octets anew, because a
 * translated packet belongs to another direction. That copy is measured by
 * itself and taken off.
 */
#ifndef BENCH_MICRO_H
#define BENCH_MICRO_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "nat/csum.h"
#include "nat/nat.h"
#include "nat/wire.h"

enum { REPEAT = 5, ROUNDS = 1000000, PACKET = 60, TARGET_FLOWS = 1000000 };

#define TCP_ACK 0x10
#define TCP_SYN 0x02

static inline double clock_ns(void)
{
	struct timespec t;

	/* this thread's own time: other load of the machine disturbs less */
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static inline int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static inline void row(const char *what, double *v, const char *unit)
{
	qsort(v, REPEAT, sizeof(*v), by_size);
	printf("%-44s %10.1f  (%.1f .. %.1f) %s\n", what, v[REPEAT / 2], v[0], v[REPEAT - 1], unit);
	fflush(stdout);
}

/* --- packets --- */

struct kind {
	const char *name;
	enum nat_family family;
	uint8_t proto;
};

static const struct kind kinds[] = {
	{ "IPv4 TCP", NAT_IPV4, NAT_PROTO_TCP },
	{ "IPv4 UDP", NAT_IPV4, NAT_PROTO_UDP },
	{ "IPv6 TCP", NAT_IPV6, NAT_PROTO_TCP },
	{ "IPv6 UDP", NAT_IPV6, NAT_PROTO_UDP },
};

/* Flow number @n: client 10.x.y.z or 2001:db8::x:y:z, port and address from the number. */
static inline struct nat_addr addr_of(enum nat_family family, uint8_t net, uint32_t n)
{
	uint8_t a[16] = { 0x20, 0x01, 0x0d, 0xb8, net };
	uint8_t b[4] = { net, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };

	memcpy(a + 12, b, 4);
	return family == NAT_IPV4 ? nat_addr_v4(b) : nat_addr_v6(a);
}

static inline void put_addr(uint8_t *at, const struct nat_addr *a, enum nat_family family)
{
	memcpy(at, nat_addr_wire(a, family), family == NAT_IPV4 ? 4 : 16);
}

static inline uint32_t build(uint8_t *d, const struct kind *k, const struct nat_ends *e, uint8_t tcp_flags)
{
	uint32_t l4 = k->family == NAT_IPV4 ? 20 : 40, len = l4 + 20;

	memset(d, 0, PACKET);
	if (k->family == NAT_IPV4) {
		d[0] = 0x45;
		wire_put16(d + 2, (uint16_t)len);
		d[6] = 0x40;		/* DF, as every TCP and most UDP have it */
		d[8] = 64;
		d[9] = k->proto;
		put_addr(d + 12, &e->src, NAT_IPV4);
		put_addr(d + 16, &e->dst, NAT_IPV4);
	} else {
		d[0] = 0x60;
		wire_put16(d + 4, 20);
		d[6] = k->proto;
		d[7] = 64;
		put_addr(d + 8, &e->src, NAT_IPV6);
		put_addr(d + 24, &e->dst, NAT_IPV6);
	}
	wire_putbe16(d + l4, e->sport);
	wire_putbe16(d + l4 + 2, e->dport);
	if (k->proto == NAT_PROTO_UDP) {
		wire_put16(d + l4 + 4, 20);
		wire_put16(d + l4 + 6, 0x1234);
	} else {
		d[l4 + 12] = 0x50;
		d[l4 + 13] = tcp_flags;
	}
	return len;
}

static inline struct nat_ends inbound(const struct kind *k, uint32_t flow)
{
	return (struct nat_ends){ .src = addr_of(k->family, 10, flow / 50000), .dst = addr_of(k->family, 9, 1),
				  .sport = wire_port((uint16_t)(1024 + flow % 50000)), .dport = wire_port(8080) };
}

static inline struct nat_ends answer(const struct kind *k, uint32_t flow)
{
	struct nat_ends in = inbound(k, flow);

	return (struct nat_ends){ .src = addr_of(k->family, 192, 50), .dst = in.src, .sport = wire_port(80), .dport = in.sport };
}

/* --- the engine --- */

struct bench {
	struct nat nat;
	struct nat_recent recent;
	void *mem;
	uint64_t octets;
	nat_ns now;
};

static inline struct bench bench_new(uint32_t max_flows, uint32_t ports)
{
	struct nat_params p = { .max_flows = max_flows, .max_rows = 4 * ports + 64, .max_allow = 0, .source_lo = 61000,
				.source_hi = 65000, .key = { { 0x1122334455667788u, 0x99aabbccddeeff00u } } };
	struct bench b = { .octets = block_octets(&p), .now = NAT_SEC(5000) };
	struct map_row *rows = calloc((size_t)4 * ports + 4, sizeof(*rows));
	uint32_t n = 0, bad;

	b.mem = mmap(NULL, b.octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!rows || b.mem == MAP_FAILED)
		exit(1);
	block_init(b.mem, &p);
	if (nat_attach(&b.nat, b.mem, b.octets))
		exit(1);
	/* 8080 is forwarded to 80; with more @ports, one row each around it */
	for (unsigned k = 0; k < 4; k++) {
		uint32_t at = k == 0 ? 0 : k == 1 ? 1 : k == 2 ? 2 : 3;

		for (uint32_t i = 0; i < ports; i++) {
			uint16_t lo = (uint16_t)(ports == 1 ? 8080 : ports <= 10 ? 8075 + i : i);

			rows[n++] = (struct map_row){ .family = (uint8_t)kinds[at].family, .proto = kinds[at].proto, .lo = lo,
						      .hi = lo, .to_lo = lo == 8080 ? 80 : lo,
						      .to = addr_of(kinds[at].family, 192, 50) };
		}
	}
	if (map_build(nat_spare_map(&b.nat), rows, n, NULL, 0, &bad))
		exit(1);
	nat_swap_map(&b.nat);
	nat_sweep(&b.nat, 0, max_flows);
	free(rows);
	return b;
}

static inline void bench_free(struct bench *b)
{
	munmap(b->mem, b->octets);
}

static inline enum nat_reason give(struct bench *b, const uint8_t *packet, uint32_t len, uint8_t hook)
{
	static uint8_t data[PACKET + 4];
	struct nat_pkt p = { .data = data, .len = len, .hook = hook, .indev = 2, .recent = &b->recent };

	memcpy(data, packet, PACKET);
	nat_packet(&b->nat, &p, b->now);
	return p.reason;
}

/* As nfq/batch.c does it: look at all, warm all, then decide each. */
static inline void give_batch(struct bench *b, const uint8_t *packets, unsigned n, uint32_t len, uint8_t hook)
{
	static uint8_t data[64][PACKET + 4];
	static struct nat_pkt p[64];

	for (unsigned i = 0; i < n; i++) {
		memcpy(data[i], packets + (size_t)i * PACKET, PACKET);
		p[i] = (struct nat_pkt){ .data = data[i], .len = len, .hook = hook, .indev = 2,
					 .recent = &b->recent };
		nat_look(&b->nat, &p[i]);
	}
	for (unsigned i = 0; i < n; i++)
		nat_warm(&b->nat, &p[i]);
	for (unsigned i = 0; i < n; i++)
		nat_packet(&b->nat, &p[i], b->now);
}

static inline void want(enum nat_reason is, enum nat_reason must)
{
	if (is != must) {
		fprintf(stderr, "reason is %s, not %s\n", nat_reason_name(is), nat_reason_name(must));
		exit(1);
	}
}

static inline void open_flows(struct bench *b, const struct kind *k, uint32_t from, uint32_t to)
{
	uint8_t d[PACKET];

	for (uint32_t i = from; i < to; i++) {
		struct nat_ends e = inbound(k, i);
		uint32_t len = build(d, k, &e, TCP_SYN);

		want(give(b, d, len, NAT_PRE), NAT_WHY_OPENED);
	}
}

static inline void establish(struct bench *b, const struct kind *k, uint32_t flow)
{
	uint8_t d[PACKET];
	struct nat_ends e = answer(k, flow);

	want(give(b, d, build(d, k, &e, TCP_SYN | TCP_ACK), NAT_POST), NAT_WHY_TRANSLATED);
	e = inbound(k, flow);
	want(give(b, d, build(d, k, &e, TCP_ACK), NAT_PRE), NAT_WHY_TRANSLATED);
}

/* The loop and the copy, without the engine: subtracted from the others. */
static double empty_ns;

static inline void measure_empty(void)
{
	static uint8_t data[PACKET + 4], packet[PACKET];
	double v[REPEAT];

	for (unsigned r = 0; r < REPEAT; r++) {
		double t = clock_ns();

		for (unsigned i = 0; i < ROUNDS; i++) {
			struct nat_pkt p = { .data = data, .len = PACKET, .hook = (uint8_t)(i & 1), .indev = 2 };

			memcpy(data, packet, PACKET);
			__asm__ volatile("" : : "r"(&p), "r"(data) : "memory");
		}
		v[r] = (clock_ns() - t) / ROUNDS;
	}
	row("the loop itself (subtracted below)", v, "ns");
	empty_ns = v[REPEAT / 2];
}

#endif
