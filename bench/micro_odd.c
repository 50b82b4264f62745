/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * micro_odd - what the engine pays for packets that are not the rule: a flood
 * of new tuples into a full table, ICMP errors, fragments; and its hash.
 * Median (min .. max) of 5 repetitions, and instructions where the CPU counts them.
 *
 *     build/bench/micro_odd
 */
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "bench/micro.h"

/* Instructions of this thread, or -1 where the machine does not tell. */
static int counter = -1;

static void counter_open(void)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_HARDWARE, .size = sizeof(attr), .config = PERF_COUNT_HW_INSTRUCTIONS,
					.exclude_kernel = 1, .exclude_hv = 1 };

	counter = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
	if (counter < 0)
		puts("# this machine does not count instructions");
}

static uint64_t counter_now(void)
{
	uint64_t n = 0;

	return counter >= 0 && read(counter, &n, sizeof(n)) == (ssize_t)sizeof(n) ? n : 0;
}

typedef void (*step_fn)(struct bench *b, unsigned i);

/* Call @step @n times, REPEAT times over; each gives @packets packets, whose copies are taken off. */
static void measure(const char *what, struct bench *b, step_fn step, unsigned n, unsigned packets)
{
	double v[REPEAT], ins[REPEAT];

	for (unsigned r = 0; r < REPEAT; r++) {
		uint64_t c = counter_now();
		double t = clock_ns();

		for (unsigned i = 0; i < n; i++)
			step(b, i + r * n);
		v[r] = (clock_ns() - t - n * packets * empty_ns) / n / (packets ? packets : 1);
		ins[r] = (double)(counter_now() - c) / n / (packets ? packets : 1);
	}
	row(what, v, "ns");
	if (counter >= 0)
		row("    with its copy", ins, "instructions");
}

static const struct kind *kind;		/* of the steps below */
static uint8_t packet[3][PACKET];
static uint32_t len[3];

/* Every packet a tuple that nobody has seen, and no free slot: the oldest that nobody answered makes room (R76). */
static void attack(struct bench *b, unsigned i)
{
	struct nat_ends e = inbound(kind, 2000 + i);
	uint32_t n = build(packet[0], kind, &e, TCP_SYN);

	want(give(b, packet[0], n, NAT_PRE), NAT_WHY_OPENED);
}

static void error(struct bench *b, unsigned i)
{
	(void)i;
	want(give(b, packet[0], len[0], NAT_POST), NAT_WHY_ERROR);
}

static void fragments(struct bench *b, unsigned i)
{
	for (unsigned p = 0; p < 2; p++) {
		wire_put16(packet[p] + 4, (uint16_t)i);
		wire_put16(packet[p] + 10, 0);
		wire_putbe16(packet[p] + 10, (uint16_t)~csum_fold(csum_add(0, packet[p], 20)));
		want(give(b, packet[p], len[p], NAT_PRE), NAT_WHY_TRANSLATED);
	}
}

static void hash(struct bench *b, unsigned i)
{
	struct nat_ends e = inbound(kind, i & 1023);
	uint64_t h = nat_tuple_hash(&b->nat.block->flows.key, &e, kind->proto, (uint8_t)kind->family);

	__asm__ volatile("" : : "r"(h));
}

/* The guest's "port unreachable" to the client, quoting what it got. */
static void build_error(uint8_t *d, uint32_t *n)
{
	struct nat_ends e = nat_ends_inverse(&(struct nat_ends){ 0 }), got = answer(kind, 0);
	uint8_t quote[PACKET];

	got = nat_ends_inverse(&got);
	build(quote, kind, &got, 0);
	wire_putbe16(quote + 10, (uint16_t)~csum_fold(csum_add(0, quote, 20)));
	e.src = got.dst;
	e.dst = got.src;
	build(d, &(struct kind){ "", NAT_IPV4, NAT_PROTO_ICMP }, &e, 0);
	wire_put16(d + 2, 56);
	memset(d + 20, 0, 8);
	d[20] = 3;
	d[21] = 3;
	memcpy(d + 28, quote, 28);
	wire_put16(d + 10, 0);
	wire_putbe16(d + 10, (uint16_t)~csum_fold(csum_add(0, d, 20)));
	wire_putbe16(d + 22, (uint16_t)~csum_fold(csum_add(0, d + 20, 36)));
	*n = 56;
}

/* Two pieces of one datagram, the first with the ports. */
static void build_fragments(void)
{
	struct nat_ends e = inbound(kind, 0);

	for (unsigned p = 0; p < 2; p++) {
		build(packet[p], kind, &e, 0);
		len[p] = 20 + 24;
		wire_put16(packet[p] + 2, 44);
		wire_put16(packet[p] + 6, p ? 3 : 0x2000);
	}
	wire_put16(packet[0] + 24, 48);		/* UDP length: of both pieces */
}

int main(void)
{
	static const struct kind tcp4 = { "IPv4 TCP", NAT_IPV4, NAT_PROTO_TCP }, udp4 = { "IPv4 UDP", NAT_IPV4, NAT_PROTO_UDP },
				 tcp6 = { "IPv6 TCP", NAT_IPV6, NAT_PROTO_TCP };
	struct bench b = bench_new(2000, 1);

	measure_empty();
	counter_open();
	kind = &tcp4;
	open_flows(&b, kind, 0, 2000);
	measure("new tuple, full table: IPv4 TCP", &b, attack, 100000, 1);
	bench_free(&b);

	b = bench_new(2000, 1);
	kind = &udp4;
	open_flows(&b, kind, 0, 1);
	build_error(packet[0], &len[0]);
	measure("ICMP error of the guest: IPv4 UDP", &b, error, 500000, 1);
	build_fragments();
	measure("fragments, a first and a last: IPv4 UDP", &b, fragments, 200000, 2);
	measure("hash of a tuple, and its making: IPv4", &b, hash, ROUNDS, 0);
	kind = &tcp6;
	measure("hash of a tuple, and its making: IPv6", &b, hash, ROUNDS, 0);
	bench_free(&b);
	return 0;
}
