/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * micro - what the engine itself costs, without the kernel: a table on
 * standard output, median (min .. max) of 5 repetitions. No pass, no fail.
 *
 *     build/bench/micro [largest number of flows, 1000000]
 *
 * A packet is built once; each round writes its 60 octets anew, because a
 * translated packet belongs to another direction. That copy is measured by
 * itself and taken off.
 */
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

static double clock_ns(void)
{
	struct timespec t;

	/* this thread's own time: other load of the machine disturbs less */
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void row(const char *what, double *v, const char *unit)
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
static struct nat_addr addr_of(enum nat_family family, uint8_t net, uint32_t n)
{
	uint8_t a[16] = { 0x20, 0x01, 0x0d, 0xb8, net };
	uint8_t b[4] = { net, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n };

	memcpy(a + 12, b, 4);
	return family == NAT_IPV4 ? nat_addr_v4(b) : nat_addr_v6(a);
}

static void put_addr(uint8_t *at, const struct nat_addr *a, enum nat_family family)
{
	memcpy(at, nat_addr_wire(a, family), family == NAT_IPV4 ? 4 : 16);
}

static uint32_t build(uint8_t *d, const struct kind *k, const struct nat_ends *e, uint8_t tcp_flags)
{
	uint32_t l4 = k->family == NAT_IPV4 ? 20 : 40, len = l4 + 20;

	memset(d, 0, PACKET);
	if (k->family == NAT_IPV4) {
		d[0] = 0x45;
		wire_put16(d + 2, (uint16_t)len);
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

static struct nat_ends inbound(const struct kind *k, uint32_t flow)
{
	return (struct nat_ends){ .src = addr_of(k->family, 10, flow / 50000), .dst = addr_of(k->family, 9, 1),
				  .sport = wire_port((uint16_t)(1024 + flow % 50000)), .dport = wire_port(8080) };
}

static struct nat_ends answer(const struct kind *k, uint32_t flow)
{
	struct nat_ends in = inbound(k, flow);

	return (struct nat_ends){ .src = addr_of(k->family, 192, 50), .dst = in.src, .sport = wire_port(80), .dport = in.sport };
}

/* --- the engine --- */

struct bench {
	struct nat nat;
	void *mem;
	uint64_t octets;
	nat_ns now;
};

static struct bench bench_new(uint32_t max_flows, uint32_t ports)
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

static void bench_free(struct bench *b)
{
	munmap(b->mem, b->octets);
}

static enum nat_reason give(struct bench *b, const uint8_t *packet, uint32_t len, uint8_t hook)
{
	static uint8_t data[PACKET + 4];
	struct nat_pkt p = { .data = data, .len = len, .hook = hook, .indev = 2 };

	memcpy(data, packet, PACKET);
	nat_packet(&b->nat, &p, b->now);
	return p.reason;
}

/* As nfq/batch.c does it: look at all, warm all, then decide each. */
static void give_batch(struct bench *b, const uint8_t *packets, unsigned n, uint32_t len, uint8_t hook)
{
	static uint8_t data[64][PACKET + 4];
	static struct nat_pkt p[64];

	for (unsigned i = 0; i < n; i++) {
		memcpy(data[i], packets + (size_t)i * PACKET, PACKET);
		p[i] = (struct nat_pkt){ .data = data[i], .len = len, .hook = hook, .indev = 2 };
		nat_look(&b->nat, &p[i]);
	}
	for (unsigned i = 0; i < n; i++)
		nat_warm(&b->nat, &p[i]);
	for (unsigned i = 0; i < n; i++)
		nat_packet(&b->nat, &p[i], b->now);
}

static void want(enum nat_reason is, enum nat_reason must)
{
	if (is != must) {
		fprintf(stderr, "reason is %s, not %s\n", nat_reason_name(is), nat_reason_name(must));
		exit(1);
	}
}

static void open_flows(struct bench *b, const struct kind *k, uint32_t from, uint32_t to)
{
	uint8_t d[PACKET];

	for (uint32_t i = from; i < to; i++) {
		struct nat_ends e = inbound(k, i);
		uint32_t len = build(d, k, &e, TCP_SYN);

		want(give(b, d, len, NAT_PRE), NAT_WHY_OPENED);
	}
}

static void establish(struct bench *b, const struct kind *k, uint32_t flow)
{
	uint8_t d[PACKET];
	struct nat_ends e = answer(k, flow);

	want(give(b, d, build(d, k, &e, TCP_SYN | TCP_ACK), NAT_POST), NAT_WHY_TRANSLATED);
	e = inbound(k, flow);
	want(give(b, d, build(d, k, &e, TCP_ACK), NAT_PRE), NAT_WHY_TRANSLATED);
}

/* --- what is measured --- */

/* The loop and the copy, without the engine: subtracted from the others. */
static double empty_ns;

static void measure_empty(void)
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

/* One flow, over and over: all it needs is in the nearest cache. */
static void measure_warm(struct bench *b, const struct kind *k, bool back)
{
	struct nat_ends e = back ? answer(k, 0) : inbound(k, 0);
	uint8_t d[PACKET];
	uint32_t len = build(d, k, &e, TCP_ACK);
	uint8_t hook = back ? NAT_POST : NAT_PRE;
	double v[REPEAT];
	char what[64];

	for (unsigned r = 0; r < REPEAT; r++) {
		double t = clock_ns();

		for (unsigned i = 0; i < ROUNDS; i++)
			give(b, d, len, hook);
		v[r] = (clock_ns() - t) / ROUNDS - empty_ns;
	}
	want(give(b, d, len, hook), NAT_WHY_TRANSLATED);
	snprintf(what, sizeof(what), "known flow, warm: %s, %s", k->name, back ? "answer" : "inbound");
	row(what, v, "ns");
}

/* Many flows in an order no prefetcher guesses; packets are built before and are read in order. */
static void measure_spread(struct bench *b, const struct kind *k, uint32_t flows, bool batch)
{
	enum { BATCH = 64 * 800 };
	uint8_t *packets = malloc((size_t)BATCH * PACKET);
	double v[REPEAT];
	uint64_t at = 12345;
	char what[64];

	if (!packets)
		exit(1);
	for (unsigned r = 0; r < REPEAT; r++) {
		double spent = 0;

		for (unsigned n = 0; n < 10; n++) {
			double t;
			uint32_t len = 0;

			for (uint32_t i = 0; i < BATCH; i++) {
				struct nat_ends e;

				at = at * 6364136223846793005u + 1442695040888963407u;
				e = inbound(k, (uint32_t)(at >> 33) % flows);
				len = build(packets + (size_t)i * PACKET, k, &e, TCP_ACK);
			}
			t = clock_ns();
			for (uint32_t i = 0; batch && i < BATCH; i += 64)
				give_batch(b, packets + (size_t)i * PACKET, 64, len, NAT_PRE);
			for (uint32_t i = 0; !batch && i < BATCH; i++)
				give(b, packets + (size_t)i * PACKET, len, NAT_PRE);
			spent += clock_ns() - t;
		}
		v[r] = spent / (10 * BATCH) - empty_ns;
	}
	snprintf(what, sizeof(what), "known flow, one of %u%s: %s", flows, batch ? ", batches" : "", k->name);
	row(what, v, "ns");
	free(packets);
}

static void measure_flows(const struct kind *k, uint32_t largest)
{
	static const uint32_t counts[] = { 1, 1000, 100000, 1000000 };
	struct bench b = bench_new(largest < 1024 ? 1024 : largest, 1);
	uint32_t have = 0;

	for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]) && counts[i] <= largest; i++) {
		open_flows(&b, k, have, counts[i]);
		have = counts[i];
		establish(&b, k, 0);
		measure_spread(&b, k, counts[i], false);
		measure_spread(&b, k, counts[i], true);
	}
	bench_free(&b);
}

static void measure_new(const struct kind *k, uint32_t ports, uint32_t flows)
{
	uint8_t *packets = malloc((size_t)flows * PACKET);
	double v[REPEAT];
	uint32_t len = 0;
	char what[64];

	if (!packets)
		exit(1);
	for (uint32_t i = 0; i < flows; i++) {
		struct nat_ends e = inbound(k, i);

		len = build(packets + (size_t)i * PACKET, k, &e, TCP_SYN);
	}
	for (unsigned r = 0; r < REPEAT; r++) {
		struct bench b = bench_new(flows, ports);
		double t;

		memset(b.nat.flows.bucket, 0, b.nat.flows.head->buckets * sizeof(struct flow_bucket));
		t = clock_ns();
		for (uint32_t i = 0; i < flows; i++)
			give(&b, packets + (size_t)i * PACKET, len, NAT_PRE);
		v[r] = flows / (clock_ns() - t) * 1e3;
		want(b.nat.flows.head->used == flows ? NAT_WHY_OPENED : NAT_WHY_TABLE_FULL, NAT_WHY_OPENED);
		bench_free(&b);
	}
	snprintf(what, sizeof(what), "new flows, %u ports forwarded: %s", ports, k->name);
	row(what, v, "million/s");
	free(packets);
}

static void measure_unsolicited(const struct kind *k, uint32_t ports)
{
	struct bench b = bench_new(1024, ports);
	struct nat_ends e = inbound(k, 1);
	double v[REPEAT];
	uint8_t d[PACKET];
	char what[64];
	uint32_t len;

	e.dport = wire_port(65535);
	len = build(d, k, &e, TCP_SYN);
	for (unsigned r = 0; r < REPEAT; r++) {
		double t = clock_ns();

		for (unsigned i = 0; i < ROUNDS; i++)
			give(&b, d, len, NAT_PRE);
		v[r] = (clock_ns() - t) / ROUNDS - empty_ns;
	}
	want(give(&b, d, len, NAT_PRE), NAT_WHY_NO_FORWARD);
	snprintf(what, sizeof(what), "no forward, %u ports forwarded: %s", ports, k->name);
	row(what, v, "ns");
	bench_free(&b);
}

static void measure_csum(void)
{
	static const size_t sizes[] = { 64, 256, 1460, 9000, 65535 };
	static uint8_t data[65536];
	char what[64];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	for (unsigned plain = 0; plain < 2; plain++)
		for (unsigned s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			unsigned rounds = (unsigned)(200000000 / sizes[s]);
			double v[REPEAT];

			for (unsigned r = 0; r < REPEAT; r++) {
				double t = clock_ns();

				for (unsigned i = 0; i < rounds; i++) {
					csum_sum sum = plain ? csum_add_plain(0, data, sizes[s]) : csum_add(0, data, sizes[s]);

					__asm__ volatile("" : : "r"(sum));
				}
				v[r] = (double)sizes[s] * rounds / (clock_ns() - t);
			}
			snprintf(what, sizeof(what), "checksum%s, %zu octets", plain ? ", plain" : "", sizes[s]);
			row(what, v, "GB/s");
		}
}

/* Pages that the kernel really gave: mincore(2) over the block. */
static uint64_t resident(const struct bench *b)
{
	size_t pages = (b->octets + 4095) / 4096;
	unsigned char *vec = malloc(pages);
	uint64_t n = 0;

	if (!vec || mincore(b->mem, b->octets, vec))
		exit(1);
	for (size_t i = 0; i < pages; i++)
		n += vec[i] & 1;
	free(vec);
	return n * 4096;
}

static void measure_memory(uint32_t flows)
{
	struct bench b = bench_new(flows, 1);
	uint64_t empty = resident(&b), full;

	open_flows(&b, &kinds[2], 0, flows);
	full = resident(&b);
	printf("%-44s %10.1f  MiB (%.1f octets a flow)\n", "block for 1000000 flows", (double)b.octets / (1 << 20),
	       (double)b.octets / flows);
	printf("%-44s %10.1f  MiB empty, %.1f MiB with all flows in use\n", "    touched", (double)empty / (1 << 20),
	       (double)full / (1 << 20));
	bench_free(&b);
}

int main(int argc, char **argv)
{
	uint32_t largest = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : TARGET_FLOWS;

	measure_empty();
	for (unsigned k = 0; k < 4; k++) {
		struct bench b = bench_new(1024, 1);

		open_flows(&b, &kinds[k], 0, 1);
		establish(&b, &kinds[k], 0);
		measure_warm(&b, &kinds[k], false);
		measure_warm(&b, &kinds[k], true);
		bench_free(&b);
	}
	for (unsigned k = 0; k < 4; k += 2)
		measure_flows(&kinds[k], largest);
	for (unsigned k = 0; k < 4; k += 2) {
		measure_new(&kinds[k], 10, 200000);
		measure_new(&kinds[k], 65535, 200000);
		measure_unsolicited(&kinds[k], 10);
		measure_unsolicited(&kinds[k], 65535);
	}
	measure_csum();
	measure_memory(largest);
	return 0;
}
