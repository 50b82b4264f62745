/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rewrite: the shorter way for plain packets writes the same as the one for all. */
#include "nat/rewrite.h"
#include "nat/wire.h"
#include "tests/unit/unit.h"
#include "tests/unit/world.h"

static struct nat_addr some_addr(struct rng *r, unsigned family)
{
	struct nat_addr a = letter_addr("CDGH"[rng_next(r) % 4], family);

	a.octet[15] ^= (uint8_t)(rng_next(r) & 1);
	return a;
}

/* One packet, its checksum right, wrong, missing, or left to us; and where it shall go, which may be where it goes. */
static void one(struct rng *r)
{
	unsigned family = rng_next(r) & 1 ? 4 : 6, sum = (unsigned)rng_next(r) % 4, at;
	struct packet q = { .family = family, .proto = rng_next(r) & 1 ? NAT_PROTO_TCP : NAT_PROTO_UDP, .payload = 3,
			    .tcp_flags = TCP_F_ACK, .partial = sum == 3,
			    .ends = { some_addr(r, family), some_addr(r, family), wire_port(1), wire_port(80) } };
	bool source = rng_next(r) & 1, changed;
	static uint8_t d[2][128];
	struct nat_pkt p[2];
	struct nat_ends to = q.ends;
	uint32_t len = packet_build(&q, d[0]), ports;

	at = (family == 4 ? 20u : 40u) + (q.proto == NAT_PROTO_TCP ? 16u : 6u);
	if (sum == 1)
		wire_put16(d[0] + at, (uint16_t)rng_next(r));
	if (sum == 2)
		wire_put16(d[0] + at, 0);
	*(source ? &to.src : &to.dst) = some_addr(r, family);
	to.sport = wire_port((uint16_t)(rng_next(r) & 1));
	to.dport = rng_next(r) & 1 ? to.dport : (uint16_t)rng_next(r);
	memcpy(&ports, &to.sport, sizeof(ports));
	memcpy(d[1], d[0], len);
	for (unsigned i = 0; i < 2; i++) {
		p[i] = (struct nat_pkt){ .data = d[i], .len = len, .hook = source ? NAT_POST : NAT_PRE, .csum_partial = sum == 3,
					 .gso = len & 1 };
		assert_int_equal(pkt_parse(&p[i]), NAT_WHY_UNDECIDED);
		assert_true(p[i].plain);
	}
	changed = !nat_ends_eq(&to, &q.ends);
	if (changed)
		rewrite_packet(&p[0], &to);
	assert_int_equal(rewrite_plain(&p[1], source, source ? &to.src : &to.dst, ports), changed);
	assert_memory_equal(d[0], d[1], len);
	assert_int_equal(p[0].changed, p[1].changed);
	assert_int_equal(p[0].csum_full, p[1].csum_full);
	assert_memory_equal(&p[0].view, &p[1].view, sizeof(p[0].view));
	assert_memory_equal(&p[0].after, &p[1].after, sizeof(p[0].after));
}

static void R13_plain_packets_are_rewritten_alike(void **state)
{
	struct rng r = rng_start("rewrite", 13);

	(void)state;
	for (unsigned i = 0; i < 300000; i++)
		one(&r);
}

/* R14: of the 65,536 ports that a datagram may get, one makes its sum zero: that says "no sum", and ffff is written. */
static void R14_a_sum_of_zero_is_written_as_ones(void **state)
{
	struct packet q = { .family = 4, .proto = NAT_PROTO_UDP, .payload = 3,
			    .ends = { letter_addr('C', 4), letter_addr('H', 4), wire_port(1), wire_port(80) } };
	unsigned ones = 0;

	(void)state;
	for (uint32_t port = 0; port < 65536; port++) {
		const uint16_t to[2] = { q.ends.sport, wire_port((uint16_t)port) };
		uint8_t d[64];
		struct nat_pkt p = { .data = d, .len = packet_build(&q, d) };
		uint32_t ports;

		memcpy(&ports, to, sizeof(ports));
		assert_int_equal(pkt_parse(&p), NAT_WHY_UNDECIDED);
		rewrite_plain(&p, false, &q.ends.dst, ports);
		assert_int_not_equal(wire_get16(d + 26), 0);
		assert_true(naive_good(d, p.len));
		ones += wire_get16(d + 26) == 0xffff;
	}
	assert_int_equal(ones, 1);
}

int main(void)
{
	unit_add("R13_plain_packets_are_rewritten_alike", R13_plain_packets_are_rewritten_alike, NULL);
	unit_add("R14_a_sum_of_zero_is_written_as_ones", R14_a_sum_of_zero_is_written_as_ones, NULL);
	return unit_run("rewrite");
}
