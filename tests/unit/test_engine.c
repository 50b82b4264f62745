/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine: what the scenarios of test_nat.c cannot say: single octets, counters, events, the clock. */
#include "nat/nat.h"
#include "nat/tcp.h"
#include "tests/unit/outs.h"
#include "tests/unit/unit.h"
#include "tests/unit/world.h"

#define TABLE "tcp *:8080 > G:80 fwd=1; udp *:8080 > G:80 fwd=1; icmp * > G fwd=1"

static struct world world;

static int setup(void **state)
{
	struct nat_params p = world_params(64);

	(void)state;
	world = world_new(&p);
	world_map(&world, TABLE);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	world_free(&world);
	return 0;
}

static void give(struct nat_pkt *p)
{
	nat_packet(&world.nat, p, world.now);
	nat_finish(p);
	if (nat_check(&world.nat))
		unit_fail("%s", nat_check(&world.nat));
}

/* R14: a sum of 0 is sent as 0xffff. */
static void R14_udp_zero_is_sent_as_ones(void **state)
{
	uint8_t want[128], in[128];

	(void)state;
	for (unsigned f = 4; f <= 6; f += 2) {
		struct packet p = { .family = f, .proto = 17, .payload = 2, .salt = 1,
				    .ends = { letter_addr('C', f), letter_addr('G', f), wire_port(1), wire_port(80) } };
		uint32_t len = packet_build(&p, want), l4 = len - 10;
		uint16_t delta;
		struct nat_pkt pkt = { .data = in, .len = len, .hook = NAT_PRE, .indev = OUTSIDE };

		/* Adding a sum's complement to the data makes the sum all ones, whose complement is zero. */
		delta = wire_get16(want + l4 + 6);
		delta = naive_sum((uint32_t)wire_get16(want + l4 + 8) + delta, want, 0);
		wire_put16(want + l4 + 8, delta);
		packet_csum(&p, want, l4, 10);
		assert_int_equal(wire_get16(want + l4 + 6), 0xffff);

		p.ends.dst = letter_addr('H', f);
		p.ends.dport = wire_port(8080);
		packet_build(&p, in);
		wire_put16(in + l4 + 8, delta);
		packet_csum(&p, in, l4, 10);
		give(&pkt);
		assert_int_equal(pkt.reason, NAT_WHY_OPENED);
		assert_memory_equal(in, want, len);

		p.partial = true;		/* the same by nat_finish() */
		packet_build(&p, in);
		wire_put16(in + l4 + 8, delta);
		pkt.csum_partial = true;
		give(&pkt);
		assert_memory_equal(in, want, len);
	}
}

/* R6: what is finished by nat_finish() is final; a second call changes nothing. */
static void R5_finish_is_done_once(void **state)
{
	struct packet p = { .family = 4, .proto = 6, .payload = 5, .tcp_flags = TCP_F_SYN, .partial = true,
			    .ends = { letter_addr('C', 4), letter_addr('H', 4), wire_port(1), wire_port(8080) } };
	uint8_t buf[128], once[128];
	struct nat_pkt pkt = { .data = buf, .len = packet_build(&p, buf), .csum_partial = true };

	(void)state;
	nat_packet(&world.nat, &pkt, world.now);
	assert_true(pkt.csum_full);
	nat_finish(&pkt);
	assert_false(pkt.csum_full);
	assert_true(naive_good(buf, pkt.len));
	memcpy(once, buf, pkt.len);
	nat_finish(&pkt);
	assert_memory_equal(once, buf, pkt.len);
}

/* R75: of a guest that pings itself with the number of the type as identifier, call and answer would be one tuple. */
static void R75_echo_to_itself_is_told_apart(void **state)
{
	uint8_t buf[128];

	(void)state;
	for (unsigned f = 4; f <= 6; f += 2) {
		uint16_t type = wire_port(f == 4 ? 8 : 128);
		struct packet p = { .family = f, .proto = f == 4 ? 1 : 58,
				    .ends = { letter_addr('G', f), letter_addr('H', f), type, type } };
		struct nat_pkt pkt = { .data = buf, .indev = BRIDGE };

		/* the builder takes this tuple for an answer: say that it is a request */
		pkt.len = packet_build(&p, buf);
		buf[f == 4 ? 20 : 40] = f == 4 ? 8 : 128;
		give(&pkt);
		assert_int_equal(pkt.reason, NAT_WHY_OPENED);
		assert_in_range(wire_host(pkt.after.sport), SOURCE_LO, SOURCE_HI);
	}
}

/* R82: every truncation of a packet that would open a flow. */
static void R82_short_packets_open_nothing(void **state)
{
	uint8_t buf[256];

	(void)state;
	for (unsigned f = 4; f <= 6; f += 2)
		for (unsigned proto = 6; proto <= 17; proto += 11) {
			struct packet p = { .family = f, .proto = (uint8_t)proto, .payload = 3, .tcp_flags = TCP_F_SYN,
					    .ends = { letter_addr('C', f), letter_addr('H', f), wire_port(1), wire_port(8080) } };
			uint32_t len = packet_build(&p, buf);

			for (uint32_t cut = 0; cut < len; cut++) {
				uint8_t *exact = unit_exact(buf, cut);
				struct nat_pkt pkt = { .data = exact, .len = cut, .indev = OUTSIDE, .truncated = cut % 2 };

				give(&pkt);
				assert_false(pkt.changed);
				assert_memory_equal(exact, buf, cut);
				free(exact);
			}
		}
	assert_int_equal(world.nat.flows.head->used, 0);
}

static struct nat_pkt packet_at(struct packet *p, uint8_t *buf, enum nat_hook hook, uint32_t indev)
{
	struct nat_pkt pkt = { .data = buf, .len = packet_build(p, buf), .hook = (uint8_t)hook, .indev = indev };

	/* what was left of another packet must not matter */
	pkt.changed = pkt.csum_full = true;
	pkt.dir = NAT_REPLY;
	pkt.flow = pkt.forward = 7;
	give(&pkt);
	if (pkt.changed)
		p->ends = pkt.after;
	return pkt;
}

static void nothing_is_left_of_an_earlier_packet(void **state)
{
	struct packet p = { .family = 4, .proto = 17, .ends = { letter_addr('C', 4), letter_addr('H', 4), wire_port(1), wire_port(9) } };
	uint8_t buf[64];
	struct nat_pkt pkt = packet_at(&p, buf, NAT_PRE, OUTSIDE);

	(void)state;
	assert_int_equal(pkt.reason, NAT_WHY_NO_FORWARD);
	assert_false(pkt.changed || pkt.csum_full);
	assert_int_equal(pkt.flow, NAT_NONE);
	assert_int_equal(pkt.forward, NAT_NONE);
	assert_int_equal(pkt.dir, NAT_ORIG);
	assert_memory_equal(&pkt.before, &p.ends, sizeof(p.ends));
}

/* R91: a packet that passes several hooks counts once. */
static void R91_each_packet_counts_once(void **state)
{
	static const enum nat_hook in[] = { NAT_PRE, NAT_FWD, NAT_POST }, in_local[] = { NAT_OUT, NAT_POST };
	static const enum nat_hook back[] = { NAT_PRE, NAT_FWD, NAT_POST }, back_local[] = { NAT_PRE, NAT_IN };
	uint8_t buf[64];

	(void)state;
	for (unsigned local = 0; local < 2; local++) {
		struct packet p = { .family = 4, .proto = 17, .payload = 2,
				    .ends = { letter_addr(local ? 'L' : 'F', 4), letter_addr(local ? 'L' : 'H', 4), wire_port(1),
					      wire_port(8080) } };
		uint32_t flow = NAT_NONE;
		const struct nat_flow *f;

		for (unsigned i = 0; i < (local ? COUNT(in_local) : COUNT(in)); i++) {
			struct nat_pkt pkt = packet_at(&p, buf, local ? in_local[i] : in[i], BRIDGE);

			if (pkt.flow != NAT_NONE)
				flow = pkt.flow;
		}
		f = &world.nat.flows.flow[flow];
		assert_false(f->flags & FLOW_ANSWERED);
		assert_int_equal(f->packets[NAT_ORIG], 1);
		assert_int_equal(f->packets[NAT_REPLY], 0);
		p.ends = f->reply;
		for (unsigned i = 0; i < (local ? COUNT(back_local) : COUNT(back)); i++)
			packet_at(&p, buf, local ? back_local[i] : back[i], BRIDGE);
		assert_true(f->flags & FLOW_ANSWERED);
		assert_int_equal(f->packets[NAT_ORIG], 1);
		assert_int_equal(f->packets[NAT_REPLY], 1);
		assert_int_equal(f->octets[NAT_REPLY], 30);
	}
}

/* R42: a flow that begins again counts from nothing. */
static void R42_counters_begin_again(void **state)
{
	struct packet p = { .family = 4, .proto = 6, .tcp_flags = TCP_F_SYN,
			    .ends = { letter_addr('C', 4), letter_addr('H', 4), wire_port(1), wire_port(8080) } };
	struct packet back = { .family = 4, .proto = 6, .tcp_flags = TCP_F_RST,
			       .ends = { letter_addr('G', 4), letter_addr('C', 4), wire_port(80), wire_port(1) } };
	uint8_t buf[64];
	struct nat_pkt pkt = { .data = buf, .indev = OUTSIDE };
	const struct nat_flow *f;

	(void)state;
	pkt.len = packet_build(&p, buf);
	give(&pkt);
	pkt.len = packet_build(&back, buf);
	pkt.hook = NAT_POST;
	give(&pkt);
	f = &world.nat.flows.flow[pkt.flow];
	assert_int_equal(f->tcp, TCP_RESET);
	pkt.len = packet_build(&p, buf);
	pkt.hook = NAT_PRE;
	give(&pkt);
	assert_int_equal(f->tcp, TCP_SYN_SENT);
	assert_int_equal(f->packets[NAT_ORIG], 1);
	assert_int_equal(f->octets[NAT_ORIG], 40);
	assert_int_equal(f->packets[NAT_REPLY], 0);
	assert_int_equal(f->octets[NAT_REPLY], 0);
	assert_false(f->flags & FLOW_ANSWERED);
}

/* What is told of each packet, event and error names the right flow and forward. */
static void R91_flows_and_forwards_by_number(void **state)
{
	struct nat_params params = world_params(64);
	struct world w = world_new(&params);
	uint8_t buf[256];

	(void)state;
	w.nat.event = world_event;
	w.nat.ctx = &w;
	world_map(&w, "tcp *:1 > G:1 fwd=10; tcp *:2 > G:2 fwd=20; udp *:1 > G:1 fwd=30; udp *:2 > G:2 fwd=40");
	for (unsigned i = 0; i < 4; i++) {
		uint8_t proto = i < 2 ? 6 : 17;
		struct packet p = { .family = 4, .proto = proto, .tcp_flags = TCP_F_SYN,
				    .ends = { letter_addr('C', 4), letter_addr('H', 4), wire_port(9), wire_port((uint16_t)(1 + i % 2)) } };
		struct packet quote = { .family = 4, .proto = proto,
					.ends = { p.ends.dst, p.ends.src, p.ends.dport, p.ends.sport } };
		struct packet err = { .family = 4, .proto = 1, .icmp_type = 3, .quote = &quote,
				      .ends = { letter_addr('R', 4), letter_addr('H', 4), 0, 0 } };
		struct nat_pkt pkt = { .data = buf, .len = packet_build(&p, buf), .indev = OUTSIDE };

		nat_packet(&w.nat, &pkt, w.now);
		assert_int_equal(pkt.forward, 10 * (i + 1));
		assert_int_equal(pkt.flow, i);
		assert_int_equal(w.last.forward, 10 * (i + 1));
		assert_int_equal(w.last.index, i);
		pkt = (struct nat_pkt){ .data = buf, .len = packet_build(&err, buf), .indev = OUTSIDE };
		nat_packet(&w.nat, &pkt, w.now);
		assert_int_equal(pkt.reason, NAT_WHY_ERROR);
		assert_int_equal(pkt.forward, 10 * (i + 1));
		assert_int_equal(pkt.flow, i);
		assert_memory_equal(&pkt.before, &quote.ends, sizeof(quote.ends));
	}
	assert_int_equal(nat_expire(&w.nat, w.now + NAT_SEC(10000), 3), 3);
	assert_int_equal(w.nat.flows.head->used, 1);
	assert_int_equal(nat_expire(&w.nat, w.now + NAT_SEC(10000), 3), 1);
	world_free(&w);
}

/* R91: what is counted, where. */
static void R91_counters(void **state)
{
	struct packet in = { .family = 4, .proto = 17, .payload = 100,
			     .ends = { letter_addr('C', 4), letter_addr('H', 4), wire_port(1), wire_port(8080) } };
	struct packet back = { .family = 4, .proto = 17, .payload = 1000,
			       .ends = { letter_addr('G', 4), letter_addr('C', 4), wire_port(80), wire_port(1) } };
	uint8_t buf[2048];
	struct nat_pkt pkt = { .data = buf, .indev = OUTSIDE };
	const struct nat_flow *f;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		pkt.hook = NAT_PRE;
		pkt.len = packet_build(&in, buf);
		give(&pkt);
		assert_int_equal(pkt.forward, 1);
		pkt.hook = NAT_FWD;
		give(&pkt);
		assert_int_equal(pkt.reason, NAT_WHY_STOPPED);
	}
	pkt.hook = NAT_POST;
	pkt.len = packet_build(&back, buf);
	give(&pkt);
	assert_int_equal(pkt.dir, NAT_REPLY);
	f = &world.nat.flows.flow[pkt.flow];
	assert_int_equal(f->packets[NAT_ORIG], 3);
	assert_int_equal(f->octets[NAT_ORIG], 3 * 128);
	assert_int_equal(f->packets[NAT_REPLY], 1);
	assert_int_equal(f->octets[NAT_REPLY], 1028);
	assert_true(f->flags & FLOW_ANSWERED);
	assert_int_equal(world.nat.block->reasons[NAT_WHY_OPENED], 1);
	assert_int_equal(world.nat.block->reasons[NAT_WHY_TRANSLATED], 3);
	assert_int_equal(world.nat.block->reasons[NAT_WHY_STOPPED], 3);
}

/* Datagrams without an answer: from the sixteenth on FORWARD says so, and no longer when there was one. */
static void one_way_is_told(void **state)
{
	struct packet in = { .family = 4, .proto = 17, .payload = 100,
			     .ends = { letter_addr('C', 4), letter_addr('H', 4), wire_port(1), wire_port(8080) } };
	struct packet back = { .family = 4, .proto = 17, .payload = 10,
			       .ends = { letter_addr('G', 4), letter_addr('C', 4), wire_port(80), wire_port(1) } };
	uint8_t buf[2048];
	struct nat_pkt pkt = { .data = buf, .indev = OUTSIDE };

	(void)state;
	for (unsigned i = 1; i <= ONE_WAY_PACKETS + 2; i++) {
		pkt.hook = NAT_PRE;
		pkt.len = packet_build(&in, buf);
		give(&pkt);
		assert_false(pkt.one_way);
		pkt.hook = NAT_FWD;
		give(&pkt);
		assert_int_equal(pkt.reason, NAT_WHY_STOPPED);
		assert_int_equal(pkt.one_way, i >= ONE_WAY_PACKETS);
	}
	pkt.hook = NAT_POST;
	pkt.len = packet_build(&back, buf);
	give(&pkt);
	pkt.hook = NAT_PRE;
	pkt.len = packet_build(&in, buf);
	give(&pkt);
	pkt.hook = NAT_FWD;
	give(&pkt);
	assert_int_equal(pkt.reason, NAT_WHY_STOPPED);
	assert_false(pkt.one_way);
}

/* What is given next, at POSTROUTING, of guest G to C. */
static bool bursts(uint8_t proto, uint16_t id)
{
	struct packet p = { .family = 4, .proto = proto, .payload = 10,
			    .ends = { letter_addr('G', 4), letter_addr('C', 4), wire_port(id), proto == 1 ? wire_port(8) : wire_port(80) } };
	uint8_t buf[256];
	struct nat_pkt pkt = { .data = buf, .hook = NAT_POST, .outdev = OUTSIDE, .len = packet_build(&p, buf) };

	give(&pkt);
	if (pkt.reason != NAT_WHY_OPENED && pkt.reason != NAT_WHY_TRANSLATED)
		unit_fail("protocol %u, %u: %s", proto, id, nat_reason_name(pkt.reason));
	assert_true(pkt.changed);
	return pkt.burst;
}

/* R54: of a burst that begins an echo conversation all but the first leave past conntrack; none that comes alone does. */
static void R54_bursts(void **state)
{
	struct packet back = { .family = 4, .proto = 1, .payload = 10,
			       .ends = { letter_addr('C', 4), letter_addr('H', 4), wire_port(8), wire_port(70) } };
	uint8_t buf[256];
	struct nat_pkt answer = { .data = buf, .hook = NAT_PRE, .indev = OUTSIDE };
	struct nat_params params = world_params(64);

	(void)state;
	params.max_outs = params.max_mappings = params.max_peers = 16;
	world_free(&world);
	world = world_new(&params);
	outs_swap(&world, TABLE, "masq H");
	assert_false(bursts(1, 7));
	for (unsigned i = 1; i < BURST_PACKETS; i++)
		assert_true(bursts(1, 7));
	assert_false(bursts(1, 7));		/* conntrack knows by now */
	assert_false(bursts(1, 70));
	assert_true(bursts(1, 70));
	world.now += NAT_SEC(1);
	assert_false(bursts(1, 70));		/* ping's next one */
	assert_true(bursts(1, 70));
	answer.len = packet_build(&back, buf);
	give(&answer);
	assert_int_equal(answer.reason, NAT_WHY_TRANSLATED);
	assert_false(bursts(1, 70));
	assert_false(bursts(17, 9));
	assert_false(bursts(17, 9));		/* its clashes are resolved */
}

/* R35, nat/time.h: ticks of 16.8 ms wrap after 2.2 years; no flow dies or lives longer by it. */
static void R35_ticks_wrap(void **state)
{
	struct packet p = { .family = 4, .proto = 17,
			    .ends = { letter_addr('C', 4), letter_addr('H', 4), wire_port(1), wire_port(8080) } };
	uint8_t buf[64];
	struct nat_pkt pkt = { .data = buf, .len = packet_build(&p, buf) };

	(void)state;
	world.now = ((nat_ns)1 << 56) - NAT_SEC(10);
	give(&pkt);
	assert_int_equal(pkt.reason, NAT_WHY_OPENED);
	assert_int_equal(nat_expire(&world.nat, world.now + NAT_SEC(299), 9), 0);
	assert_int_equal(nat_expire(&world.nat, world.now + NAT_SEC(301), 9), 1);
}

/* nat/time.h promises that no flow dies early, whatever part of a tick it was used in. */
static void R32_never_early_by_a_tick(void **state)
{
	struct packet p = { .family = 4, .proto = 17,
			    .ends = { letter_addr('C', 4), letter_addr('H', 4), wire_port(1), wire_port(8080) } };
	uint8_t buf[64];

	(void)state;
	for (nat_ns part = 0; part < 1u << 24; part += 1u << 18) {
		struct nat_pkt pkt = { .data = buf, .len = packet_build(&p, buf) };

		world.now = ((world.now + NAT_SEC(1000)) >> 24 << 24) + part;
		give(&pkt);
		assert_int_equal(pkt.reason, NAT_WHY_OPENED);
		assert_int_equal(nat_expire(&world.nat, world.now + NAT_SEC(300) - 1, 9), 0);
		assert_int_equal(nat_expire(&world.nat, world.now + NAT_SEC(300) + (2u << 24), 9), 1);
	}
}

/* R20: ports for sources of our own are spread over the range and do not follow each other. */
static void R20_source_ports_are_unpredictable(void **state)
{
	struct nat_params params = world_params(1024);
	struct world w = world_new(&params);
	unsigned near = 0;
	uint16_t last = 0;
	uint8_t buf[64];

	(void)state;
	world_map(&w, "udp *:0-65535 > G:0");
	for (unsigned i = 0; i < 600; i++) {
		struct packet p = { .family = 4, .proto = 17,
				    .ends = { letter_addr('F', 4), letter_addr('H', 4), wire_port(1), wire_port((uint16_t)i) } };
		struct nat_pkt pkt = { .data = buf, .len = packet_build(&p, buf), .indev = BRIDGE };
		uint16_t port;

		nat_packet(&w.nat, &pkt, w.now);
		assert_int_equal(pkt.reason, NAT_WHY_OPENED);
		port = wire_host(pkt.after.sport);
		assert_in_range(port, SOURCE_LO, SOURCE_HI);
		near += abs(port - last) <= 8;
		last = port;
	}
	/* 17 of 1000 ports are so near by chance: 10 of 600 expected. */
	assert_in_range(near, 0, 30);
	world_free(&w);
}

/* An event for each flow that begins, changes state and ends; nat.h. */
static void R91_events(void **state)
{
	struct nat_params params = world_params(64);
	struct world w = world_new(&params);
	struct packet p = { .family = 6, .proto = 6, .tcp_flags = TCP_F_SYN,
			    .ends = { letter_addr('C', 6), letter_addr('H', 6), wire_port(1), wire_port(8080) } };
	uint8_t buf[128];
	struct nat_pkt pkt = { .data = buf };

	(void)state;
	w.nat.event = world_event;
	w.nat.ctx = &w;
	world_map(&w, TABLE);
	pkt.len = packet_build(&p, buf);
	nat_packet(&w.nat, &pkt, w.now);
	assert_int_equal(w.last.type, NAT_EV_NEW);
	assert_int_equal(w.last.forward, 1);
	assert_int_equal(w.last.index, pkt.flow);
	p.tcp_flags = TCP_F_RST;
	pkt.len = packet_build(&p, buf);
	nat_packet(&w.nat, &pkt, w.now);
	assert_int_equal(w.last.type, NAT_EV_STATE);
	assert_int_equal(w.last.from, TCP_SYN_SENT);
	assert_int_equal(w.last.to, TCP_RESET);
	assert_int_equal(w.last.flow.tcp, TCP_RESET);
	world_map(&w, "tcp *:1 > G:1");
	nat_sweep(&w.nat, w.now, UINT32_MAX);
	assert_int_equal(w.last.type, NAT_EV_END);
	assert_int_equal(w.last.cause, NAT_END_FORWARD);
	assert_int_equal(w.last.forward, NAT_NONE);
	assert_int_equal(w.events[NAT_EV_END], 1);
	world_free(&w);
}

/* A table may not be built while flows of an earlier one are unswept (nat.h). */
static void R87_spare_table_waits_for_the_sweep(void **state)
{
	uint8_t buf[128];

	(void)state;
	for (uint16_t port = 1; port <= 3; port++) {
		struct packet p = { .family = 6, .proto = 6, .tcp_flags = TCP_F_SYN,
				    .ends = { letter_addr('C', 6), letter_addr('H', 6), wire_port(port), wire_port(8080) } };
		struct nat_pkt pkt = { .data = buf, .len = packet_build(&p, buf) };

		nat_packet(&world.nat, &pkt, world.now);
		assert_int_equal(pkt.reason, NAT_WHY_OPENED);
	}
	assert_null(nat_spare_map(&world.nat));
	assert_false(nat_sweep(&world.nat, world.now, 2));
	assert_null(nat_spare_map(&world.nat));
	assert_true(nat_sweep(&world.nat, world.now, 1));
	assert_non_null(nat_spare_map(&world.nat));
	assert_true(nat_sweep(&world.nat, world.now, 0));
}

static void in_world(const char *name, CMUnitTestFunction run, const void *row)
{
	unit_add_around(name, run, row, setup, teardown);
}

int main(void)
{
	in_world("R14_udp_zero_is_sent_as_ones", R14_udp_zero_is_sent_as_ones, NULL);
	in_world("R75_echo_to_itself_is_told_apart", R75_echo_to_itself_is_told_apart, NULL);
	in_world("R5_finish_is_done_once", R5_finish_is_done_once, NULL);
	in_world("R82_short_packets_open_nothing", R82_short_packets_open_nothing, NULL);
	in_world("nothing_is_left_of_an_earlier_packet", nothing_is_left_of_an_earlier_packet, NULL);
	in_world("R91_each_packet_counts_once", R91_each_packet_counts_once, NULL);
	in_world("R42_counters_begin_again", R42_counters_begin_again, NULL);
	unit_add("R91_flows_and_forwards_by_number", R91_flows_and_forwards_by_number, NULL);
	in_world("R91_counters", R91_counters, NULL);
	in_world("one_way_is_told_until_answered", one_way_is_told, NULL);
	in_world("R54_bursts", R54_bursts, NULL);
	in_world("R35_ticks_wrap", R35_ticks_wrap, NULL);
	in_world("R32_never_early_by_a_tick", R32_never_early_by_a_tick, NULL);
	unit_add("R20_source_ports_are_unpredictable", R20_source_ports_are_unpredictable, NULL);
	unit_add("R91_events", R91_events, NULL);
	in_world("R87_spare_table_waits_for_the_sweep", R87_spare_table_waits_for_the_sweep, NULL);
	return unit_run("engine");
}
