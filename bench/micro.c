/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * micro - what the engine itself costs, without the kernel: a table on
 * standard output, median (min .. max) of 5 repetitions. No pass, no fail.
 *
 *     build/bench/micro [largest number of flows, 1000000]
 */
#include "bench/micro.h"

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
		for (; have < counts[i]; have++)
			establish(&b, k, have);
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
