/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ahead: nat_look() and nat_warm() of a whole batch change nothing but the time it takes. */
#include "nat/nat.h"
#include "tests/unit/unit.h"
#include "tests/unit/world.h"

#define TABLE "tcp *:8080 > G:80; udp *:8080 > G:80; icmp * > G"

enum { BATCH = 8 };

static struct packet udp(unsigned family, uint16_t sport)
{
	return (struct packet){ .family = family, .proto = NAT_PROTO_UDP, .payload = 9,
				.ends = { letter_addr('C', family), letter_addr('H', family), wire_port(sport), wire_port(8080) } };
}

static void look_and_warm(struct world *w, struct nat_pkt *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		nat_look(&w->nat, &p[i]);
	for (unsigned i = 0; i < n; i++)
		nat_warm(&w->nat, &p[i]);
}

/* The same packets, looked at before their turn in one world and not in the other, with and without a memory: the same octets and reasons. */
static void ahead_decides_alike(void **state)
{
	static const uint16_t sports[BATCH] = { 1, 2, 1, 3, 3, 2, 1, 4 };
	struct nat_params params = world_params(64);
	struct world a = world_new(&params), b = world_new(&params);
	static uint8_t da[BATCH][64], db[BATCH][64];
	static struct nat_recent recent;
	struct nat_pkt pa[BATCH], pb[BATCH];

	(void)state;
	world_map(&a, TABLE);
	world_map(&b, TABLE);
	for (unsigned round = 0; round < 4; round++) {
		for (unsigned i = 0; i < BATCH; i++) {
			struct packet p = udp(round % 2 ? 6 : 4, sports[i]);

			if (i == 5)
				p.ends.dport = wire_port(99);		/* of no forward */
			pa[i] = (struct nat_pkt){ .data = da[i], .len = packet_build(&p, da[i]), .indev = OUTSIDE,
						  .recent = i == 3 ? NULL : &recent };
			pb[i] = (struct nat_pkt){ .data = db[i], .len = packet_build(&p, db[i]), .indev = OUTSIDE };
			if (i == 6)
				pa[i].len = pb[i].len = 19;		/* cut off */
		}
		look_and_warm(&a, pa, BATCH);
		for (unsigned i = 0; i < BATCH; i++) {
			nat_packet(&a.nat, &pa[i], a.now);
			nat_packet(&b.nat, &pb[i], b.now);
			assert_int_equal(pa[i].reason, pb[i].reason);
			assert_int_equal(pa[i].flow, pb[i].flow);
			assert_memory_equal(da[i], db[i], pa[i].len);
		}
		assert_int_equal(pa[0].reason, round < 2 ? NAT_WHY_OPENED : NAT_WHY_TRANSLATED);
		assert_int_equal(pa[2].reason, NAT_WHY_TRANSLATED);
	}
	world_free(&a);
	world_free(&b);
}

/* A flow that ended after nat_warm() had named it is not found by its old place, nor is another one that took that place. */
static void ahead_guess_may_be_stale(void **state)
{
	struct nat_params params = world_params(64);
	struct world w = world_new(&params);
	struct packet one = udp(4, 1), two = udp(4, 2);
	uint8_t d[64], other[64];
	struct nat_pkt p = { .data = d, .len = packet_build(&one, d), .indev = OUTSIDE };
	struct nat_pkt q = { .data = other, .len = packet_build(&two, other), .indev = OUTSIDE };

	(void)state;
	world_map(&w, TABLE);
	nat_packet(&w.nat, &p, w.now);
	assert_int_equal(p.reason, NAT_WHY_OPENED);
	for (unsigned reused = 0; reused < 2; reused++) {
		uint32_t place = p.flow;

		p.len = packet_build(&one, d);
		q.len = packet_build(&two, other);
		look_and_warm(&w, &p, 1);
		assert_int_equal(p.guess / 4, place);
		w.now += NAT_SEC(301);
		assert_true(nat_expire(&w.nat, w.now, 9) >= 1);
		if (reused) {
			nat_packet(&w.nat, &q, w.now);
			assert_int_equal(q.flow, place);
		}
		nat_packet(&w.nat, &p, w.now);
		assert_int_equal(p.reason, NAT_WHY_OPENED);
		assert_int_equal(p.flow != place, reused);
		assert_null(nat_check(&w.nat));
	}
	world_free(&w);
}

/*
 * Which flow a packet's ends led to the last time is never believed: a flow
 * ended, another has its place; and other ends may lead to the same entry.
 */
static void ahead_recent_is_a_guess(void **state)
{
	struct nat_params params = world_params(64);
	struct world w = world_new(&params);
	struct nat_recent recent = { 0 };
	struct packet one = udp(4, 1), two = udp(4, 2);
	uint32_t flow[2];
	uint8_t d[64];

	(void)state;
	world_map(&w, TABLE);
	for (unsigned i = 0; i < 9; i++) {
		struct nat_pkt p = { .data = d, .len = packet_build(i % 2 ? &two : &one, d), .indev = OUTSIDE, .recent = &recent };

		nat_packet(&w.nat, &p, w.now);
		assert_int_equal(p.reason, i < 2 ? NAT_WHY_OPENED : NAT_WHY_TRANSLATED);
		if (i < 2)
			flow[i] = p.flow;
		assert_int_equal(p.flow, flow[i % 2]);
		assert_int_equal(p.hashed, i < 4);	/* opened, found, and from then on guessed */
		for (unsigned e = 0; i == 6 && e < RECENT_FLOWS; e++)
			recent.at[e].guess = flow[0] * 4 + e % 4;	/* lies from now on: one is right by luck */
	}
	/* Nor by a key that it has not: an answer before routing is left for later, that of a hairpin would be none. */
	one.ends = (struct nat_ends){ letter_addr('G', 4), one.ends.src, wire_port(80), one.ends.sport };
	for (unsigned i = 0; i < 4; i++) {
		struct nat_pkt p = { .data = d, .len = packet_build(&one, d), .indev = BRIDGE, .recent = &recent };

		for (unsigned e = 0; e < RECENT_FLOWS; e++)
			recent.at[e] = (struct recent){ (uint32_t)(recent_mix(&one.ends) >> 24), flow[0] * 4 + i };
		nat_packet(&w.nat, &p, w.now);
		assert_int_equal(p.reason, NAT_WHY_LATER);
	}
	one = udp(4, 1);
	w.now += NAT_SEC(301);
	assert_int_equal(nat_expire(&w.nat, w.now, 9), 2);
	for (unsigned i = 0; i < 2; i++) {
		struct nat_pkt p = { .data = d, .len = packet_build(i ? &one : &two, d), .indev = OUTSIDE, .recent = &recent };

		nat_packet(&w.nat, &p, w.now);
		assert_int_equal(p.reason, NAT_WHY_OPENED);
	}
	assert_null(nat_check(&w.nat));
	world_free(&w);
}

int main(void)
{
	unit_add("ahead_decides_alike", ahead_decides_alike, NULL);
	unit_add("ahead_guess_may_be_stale", ahead_guess_may_be_stale, NULL);
	unit_add("ahead_recent_is_a_guess", ahead_recent_is_a_guess, NULL);
	return unit_run("ahead");
}
