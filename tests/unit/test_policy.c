/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy: what a forward allows: flows, sources, rates, idle limits, segment sizes; and floods. */
#include "nat/policy.h"

#include "nat/flow_hash.h"
#include "nat/tcp.h"
#include "tests/unit/unit.h"
#include "tests/unit/world.h"

#define TABLE "tcp *:8080 > G:80 policy=1; udp *:8080 > G:80 policy=1; tcp *:22 > F:22 policy=2; udp *:53 > F:53; tcp *:90 > G:90"

static struct world world;
static uint8_t buf[PACKET_ROOM];

static struct world *open_world(uint32_t max_flows, const struct nat_policy *p, uint32_t n, const struct nat_link *link, uint32_t n_links)
{
	struct nat_params params = world_params(max_flows);
	static const struct nat_policy none[3];

	world = world_new(&params);
	for (unsigned area = 0; area < 2; area++)
		assert_true(policy_set(&world.nat, area, p ? p : none, p ? n : 3, link, n_links));
	world_map(&world, TABLE);
	return &world;
}

static int teardown(void **state)
{
	(void)state;
	if (world.mem)
		world_free(&world);
	world.mem = NULL;
	return 0;
}

static struct nat_pkt last;

/* A packet from source number @source of @family, from @sport to port @dport of H; its reason. */
static enum nat_reason ask(unsigned family, uint8_t proto, uint32_t source, uint16_t sport, uint16_t dport, uint8_t flags)
{
	struct packet p = { .family = family, .proto = proto, .tcp_flags = flags, .payload = 4,
			    .ends = { letter_addr('C', family), letter_addr('H', family), wire_port(sport), wire_port(dport) } };

	p.ends.src.octet[family == 4 ? 13 : 5] = (uint8_t)(source >> 16);
	p.ends.src.octet[family == 4 ? 14 : 6] = (uint8_t)(source >> 8);
	p.ends.src.octet[family == 4 ? 15 : 7] = (uint8_t)source;
	last = (struct nat_pkt){ .data = buf, .len = packet_build(&p, buf), .indev = OUTSIDE };
	nat_enter(&world.nat);
	nat_packet(&world.nat, &last, world.now);
	nat_leave(&world.nat);
	return last.reason;
}

static enum nat_reason answer(uint16_t sport, uint16_t dport, uint8_t flags, uint32_t source)
{
	struct packet p = { .family = 4, .proto = NAT_PROTO_TCP, .tcp_flags = flags, .payload = 4,
			    .ends = { letter_addr('G', 4), letter_addr('C', 4), wire_port(sport), wire_port(dport) } };

	p.ends.dst.octet[13] = (uint8_t)(source >> 16);
	p.ends.dst.octet[14] = (uint8_t)(source >> 8);
	p.ends.dst.octet[15] = (uint8_t)source;
	last = (struct nat_pkt){ .data = buf, .len = packet_build(&p, buf), .hook = NAT_POST };
	nat_packet(&world.nat, &last, world.now);
	return last.reason;
}

static void good(void)
{
	if (nat_check(&world.nat))
		unit_fail("%s", nat_check(&world.nat));
}

static void R79_flows_of_a_forward(void **state)
{
	const struct nat_policy p[3] = { { .flows = 0 }, { .flows = 3 }, { .flows = 1 } };

	(void)state;
	open_world(64, p, 3, NULL, 0);
	for (uint16_t i = 0; i < 3; i++)
		assert_int_equal(ask(4u + i % 2u * 2u, 17, i, 1000, 8080, 0), NAT_WHY_OPENED);
	assert_int_equal(ask(4, 17, 9, 1000, 8080, 0), NAT_WHY_LIMIT_FLOWS);
	assert_int_equal(ask(4, 6, 9, 1000, 8080, TCP_F_SYN), NAT_WHY_LIMIT_FLOWS);
	assert_int_equal(ask(4, 17, 0, 1000, 8080, 0), NAT_WHY_TRANSLATED);	/* who is in stays in */
	assert_int_equal(ask(4, 6, 9, 1000, 22, TCP_F_SYN), NAT_WHY_OPENED);	/* another forward has its own */
	assert_int_equal(ask(4, 6, 8, 1000, 22, TCP_F_SYN), NAT_WHY_LIMIT_FLOWS);
	assert_int_equal(ask(4, 17, 9, 1000, 53, 0), NAT_WHY_OPENED);		/* and this one none */
	good();
	world.now += NAT_SEC(301);
	nat_expire(&world.nat, world.now, 100);
	assert_int_equal(ask(4, 17, 9, 1000, 8080, 0), NAT_WHY_OPENED);
	good();
}

static void R79_flows_of_a_source(void **state)
{
	const struct nat_policy p[3] = { { .source_flows = 5 }, { .source_flows = 2 } };

	(void)state;
	open_world(64, p, 3, NULL, 0);
	for (unsigned f = 4; f <= 6; f += 2) {
		assert_int_equal(ask(f, 17, 1, 1, 8080, 0), NAT_WHY_OPENED);
		assert_int_equal(ask(f, 17, 1, 2, 8080, 0), NAT_WHY_OPENED);
		assert_int_equal(ask(f, 17, 1, 3, 8080, 0), NAT_WHY_LIMIT_SOURCE);	/* the forward's own */
		for (uint16_t i = 3; i < 6; i++)
			assert_int_equal(ask(f, 17, 1, i, 53, 0), NAT_WHY_OPENED);
		assert_int_equal(ask(f, 17, 1, 6, 53, 0), NAT_WHY_LIMIT_SOURCE);	/* that of all */
		assert_int_equal(ask(f, 17, 2, 6, 53, 0), NAT_WHY_OPENED);		/* another source */
	}
	good();
	world.now += NAT_SEC(301);
	nat_expire(&world.nat, world.now, 100);
	assert_int_equal(ask(4, 17, 1, 1, 8080, 0), NAT_WHY_OPENED);
	good();
}

/* Sources of one /64 count together: a host has as many addresses as it likes. */
static void R79_a_source_of_ipv6_is_a_64(void **state)
{
	const struct nat_policy p[1] = { { .source_flows = 3 } };
	unsigned opened = 0;

	(void)state;
	open_world(64, p, 1, NULL, 0);
	for (uint16_t i = 0; i < 10; i++) {
		struct packet q = { .family = 6, .proto = 17, .payload = 4,
				    .ends = { letter_addr('C', 6), letter_addr('H', 6), wire_port(5), wire_port(53) } };

		q.ends.src.octet[12] = (uint8_t)i;
		last = (struct nat_pkt){ .data = buf, .len = packet_build(&q, buf), .indev = OUTSIDE };
		nat_packet(&world.nat, &last, world.now);
		opened += last.reason == NAT_WHY_OPENED;
	}
	assert_int_equal(opened, 3);
}

static unsigned opened_of(unsigned asked, uint16_t dport)
{
	static uint32_t source = 1000;
	unsigned opened = 0;

	for (unsigned i = 0; i < asked; i++)
		opened += ask(4, 17, source++, 7, dport, 0) == NAT_WHY_OPENED;
	return opened;
}

static void R81_new_flows_a_second(void **state)
{
	const struct nat_policy p[3] = { { .new_flows = 100 }, { .new_flows = 10 } };

	(void)state;
	open_world(1024, p, 3, NULL, 0);
	assert_int_equal(opened_of(50, 8080), 10);		/* a second's worth at once */
	assert_int_equal(last.reason, NAT_WHY_LIMIT_RATE);
	assert_int_equal(opened_of(200, 53), 90);		/* what the forward took is taken from all */
	world.now += NAT_SEC(1) / 2;
	assert_in_range(opened_of(50, 8080), 4, 5);
	world.now += NAT_SEC(1000);
	assert_int_equal(opened_of(50, 8080), 10);		/* not more after a long rest */
	good();
}

/* R33, R36: a forward's own idle limits, shorter and longer than those of the table. */
static void R33_idle_limits_of_a_forward(void **state)
{
	struct nat_policy p[3] = { { .flows = 0 } };

	(void)state;
	p[1].limit[IDLE_UDP_OPENING] = nat_tick_span(NAT_SEC(30));
	p[2].limit[IDLE_TCP_OPENING] = nat_tick_span(NAT_SEC(1000));
	open_world(64, p, 3, NULL, 0);
	assert_int_equal(ask(4, 17, 1, 1, 8080, 0), NAT_WHY_OPENED);
	assert_int_equal(ask(4, 17, 1, 1, 53, 0), NAT_WHY_OPENED);
	assert_int_equal(ask(4, 6, 1, 1, 22, TCP_F_SYN), NAT_WHY_OPENED);
	world.now += NAT_SEC(31);
	assert_int_equal(ask(4, 17, 1, 1, 53, 0), NAT_WHY_TRANSLATED);
	assert_int_equal(ask(4, 17, 1, 1, 8080, 0), NAT_WHY_OPENED);		/* the old one is over (R36) */
	world.now += NAT_SEC(500);
	nat_expire(&world.nat, world.now, 100);
	assert_int_equal(world.nat.flows.head->used, 1);			/* the long one waits on */
	good();
	assert_int_equal(ask(4, 6, 1, 1, 22, TCP_F_SYN), NAT_WHY_TRANSLATED);
	world.now += NAT_SEC(500);
	nat_expire(&world.nat, world.now, 100);
	assert_int_equal(world.nat.flows.head->used, 0);			/* R34: the SYN did not renew it */
	good();
}

/* R36: many that wait longer than their class do not keep those behind them from ending, nor the caller busy. */
static void R36_long_waits_do_not_block_others(void **state)
{
	struct nat_policy p[2] = { { .flows = 0 } };
	unsigned rounds = 0;

	(void)state;
	p[1].limit[IDLE_UDP_OPENING] = nat_tick_span(NAT_SEC(3000));
	open_world(512, p, 2, NULL, 0);
	for (uint32_t i = 0; i < 300; i++)
		ask(4, 17, i, 1, 8080, 0);
	for (uint32_t i = 0; i < 50; i++)
		ask(4, 17, i, 1, 53, 0);
	world.now += NAT_SEC(301);
	for (; world.nat.flows.head->used > 300 && rounds < 10; rounds++, world.now += NAT_SEC(1))
		while (nat_expire(&world.nat, world.now, 16) == 16)
			;
	assert_int_equal(world.nat.flows.head->used, 300);
	good();
}

/* Flows that may wait less long than those before them in their queue give their slots back, too. */
static void R36_short_waits_are_over_in_time(void **state)
{
	struct nat_policy p[2] = { { .flows = 0 } };

	(void)state;
	p[1].limit[IDLE_UDP_OPENING] = nat_tick_span(NAT_SEC(30));
	open_world(512, p, 2, NULL, 0);
	for (uint32_t i = 0; i < 50; i++)
		ask(4, 17, i, 1, 53, 0);
	for (uint32_t i = 0; i < 300; i++)
		ask(4, 17, i, 1, 8080, 0);
	world.now += NAT_SEC(29);
	nat_expire(&world.nat, world.now, 512);
	assert_int_equal(world.nat.flows.head->used, 350);
	world.now += NAT_SEC(2);
	for (unsigned second = 0; second < 64; second++) {
		world.now += NAT_SEC(1);
		nat_expire(&world.nat, world.now, 512);
	}
	assert_int_equal(world.nat.flows.head->used, 50);
	good();
}

/* A swap: flows that come over are counted anew, those of a removed forward no more. */
static void R87_limits_after_a_reload(void **state)
{
	const struct nat_policy p[3] = { { .flows = 0 }, { .flows = 3 } };

	(void)state;
	open_world(64, p, 3, NULL, 0);
	for (uint16_t i = 0; i < 3; i++)
		ask(4, 17, i, 1000, 8080, 0);
	assert_int_equal(ask(4, 17, 9, 1000, 8080, 0), NAT_WHY_LIMIT_FLOWS);
	world_map(&world, TABLE);
	good();
	assert_int_equal(ask(4, 17, 0, 1000, 8080, 0), NAT_WHY_TRANSLATED);	/* comes over by its own packet */
	good();
	while (!nat_sweep(&world.nat, world.now, 1))
		good();
	assert_int_equal(ask(4, 17, 9, 1000, 8080, 0), NAT_WHY_LIMIT_FLOWS);
	world_map(&world, "udp *:8080 > F:80 policy=1");
	while (!nat_sweep(&world.nat, world.now, 1))
		good();
	assert_int_equal(ask(4, 17, 9, 1000, 8080, 0), NAT_WHY_OPENED);
	good();
}

static void R88_counts_after_a_death(void **state)
{
	const struct nat_policy p[2] = { { .source_flows = 2 } };

	(void)state;
	open_world(64, p, 2, NULL, 0);
	ask(4, 17, 1, 1, 53, 0);
	ask(4, 17, 1, 2, 53, 0);
	world.nat.policies.source[0][3] += 5;		/* torn */
	nat_enter(&world.nat);
	nat_recover(&world.nat, world.now);
	good();
	assert_int_equal(ask(4, 17, 1, 3, 53, 0), NAT_WHY_LIMIT_SOURCE);
}

/* R76, R78: a flood of SYNs pushes out its own, oldest first; whoever is established stays, and can be joined. */
static void R78_syn_flood(void **state)
{
	enum { FLOWS = 1024, OPEN = 300 };

	(void)state;
	open_world(FLOWS, NULL, 0, NULL, 0);
	world.nat.block->half_open = FLOWS / 4;
	for (uint32_t i = 0; i < OPEN; i++) {
		assert_int_equal(ask(4, 6, i, 7, 8080, TCP_F_SYN), NAT_WHY_OPENED);
		assert_int_equal(answer(80, 7, TCP_F_SYN | TCP_F_ACK, i), NAT_WHY_TRANSLATED);
		assert_int_equal(ask(4, 6, i, 7, 8080, TCP_F_ACK), NAT_WHY_TRANSLATED);
	}
	for (uint32_t i = 0; i < 100000; i++) {
		assert_int_equal(ask(4, 6, 5000 + i, (uint16_t)i, 8080, TCP_F_SYN), NAT_WHY_OPENED);
		assert_true(flow_unanswered(&world.nat.flows) <= FLOWS / 4);
	}
	good();
	for (uint32_t i = 0; i < OPEN; i++)
		assert_int_equal(ask(4, 6, i, 7, 8080, TCP_F_ACK), NAT_WHY_TRANSLATED);
	/* in the middle of it somebody connects */
	assert_int_equal(ask(4, 6, 1, 9, 8080, TCP_F_SYN), NAT_WHY_OPENED);
	ask(4, 6, 99, 9, 8080, TCP_F_SYN);
	assert_int_equal(answer(80, 9, TCP_F_SYN | TCP_F_ACK, 1), NAT_WHY_TRANSLATED);
	assert_int_equal(ask(4, 6, 1, 9, 8080, TCP_F_ACK), NAT_WHY_TRANSLATED);
}

/* R76: a table full of established flows refuses and counts; nothing is evicted. */
static void R76_full_of_established(void **state)
{
	enum { FLOWS = 64 };

	(void)state;
	open_world(FLOWS, NULL, 0, NULL, 0);
	world.nat.block->half_open = FLOWS / 4;
	for (uint32_t i = 0; i < FLOWS; i++) {
		ask(4, 6, i, 7, 8080, TCP_F_SYN);
		answer(80, 7, TCP_F_SYN | TCP_F_ACK, i);
		ask(4, 6, i, 7, 8080, TCP_F_ACK);
	}
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(ask(4, 6, 5000 + i, 7, 8080, TCP_F_SYN), NAT_WHY_TABLE_FULL);
	assert_int_equal(world.nat.block->reasons[NAT_WHY_TABLE_FULL], 1000);
	assert_int_equal(world.nat.flows.head->used, FLOWS);
	good();
}

/* Cache lines that a search reads which finds nothing. */
static unsigned lines_of(const struct flow_table *t, uint64_t hash)
{
	unsigned n = 0;

	for (unsigned i = 0; i <= FLOW_PROBES; i++) {
		const struct flow_bucket *b = flow_bucket_at(t, flow_home(t->head, hash), i);

		n++;
		for (unsigned w = 0; w < FLOW_WAYS; w++)
			n += b->tag[w] == ((uint16_t)(hash >> 48) | 1);
		if (!b->overflow)
			break;
	}
	return n;
}

/*
 * R80: ten million tuples that know nothing of the key do not make a search
 * slower than twice the median of all. Counted, not timed: what a search
 * costs is the cache lines it waits for, one for each bucket and each way
 * whose tag is like its own. The table is full to its last slot, and
 * strangers have pushed each other out of it many times over.
 */
static void R80_ten_million_tuples(void **state)
{
	enum { FLOWS = 16384, TUPLES = 10000000, LINES = 100 };
	struct rng r = rng_start("tuples", 80);
	const struct flow_table *t = &open_world(FLOWS, NULL, 0, NULL, 0)->nat.flows;
	uint32_t searches[LINES] = { 0 }, below = 0, median, most = 0;
	uint64_t lines = 0;

	(void)state;
	for (uint32_t i = 0; i < 6 * FLOWS; i++)
		ask(4, 17, (uint32_t)rng_next(&r) & 0xffffff, (uint16_t)rng_next(&r), 53, 0);
	assert_int_equal(t->head->used, FLOWS);
	for (uint32_t i = 0; i < TUPLES; i++) {
		struct nat_ends e = { letter_addr('C', 4), letter_addr('H', 4), (uint16_t)rng_next(&r), wire_port(53) };
		unsigned n;

		memcpy(e.src.octet + 12, &(uint32_t){ (uint32_t)rng_next(&r) }, 4);
		n = lines_of(t, nat_tuple_hash(&t->head->key, &e, 17, 4));
		assert_in_range(n, 1, LINES - 1);
		searches[n]++;
		lines += n;
		if (n > most)
			most = n;
	}
	for (median = 0; below <= TUPLES / 2; median++)
		below += searches[median];
	median--;
	for (unsigned n = 2 * median + 1; n < LINES; n++)
		searches[0] += searches[n];
	print_message("# %u tuples: %.3f lines a search, median %u, %u beyond twice the median, %u at most\n", TUPLES,
		      (double)lines / TUPLES, median, searches[0], most);
	assert_true(lines < TUPLES * 2ull * median);
	assert_true(most <= 12);
}

/* ---- R49: the segment size ---- */

static const struct mss_row {
	const char *name;
	uint32_t all, own;		/* policies */
	uint8_t options[12];
	uint8_t flags;
	uint16_t at;			/* of the value in the options */
	uint16_t want4, want6;
} mss_rows[] = {
	{ "R49_mss_is_untouched_by_default", 0, 0, { 2, 4, 5, 0xb4 }, TCP_F_SYN, 2, 1460, 1460 },
	{ "R49_mss_number", 0, 1300, { 2, 4, 5, 0xb4 }, TCP_F_SYN, 2, 1300, 1300 },
	{ "R49_mss_of_all", 1200, 0, { 2, 4, 5, 0xb4 }, TCP_F_SYN, 2, 1200, 1200 },
	{ "R49_mss_off_for_one_forward", 1200, POLICY_MSS_OFF, { 2, 4, 5, 0xb4 }, TCP_F_SYN, 2, 1460, 1460 },
	{ "R49_mss_never_raised", 0, 9000, { 2, 4, 5, 0xb4 }, TCP_F_SYN, 2, 1460, 1460 },
	{ "R49_mss_clamp_to_the_narrower_link", POLICY_MSS_CLAMP, 0, { 2, 4, 5, 0xb4 }, TCP_F_SYN, 2, 1360, 1340 },
	{ "R49_mss_at_an_odd_place", 0, 1300, { 1, 2, 4, 5, 0xb4 }, TCP_F_SYN, 3, 1300, 1300 },
	{ "R49_mss_behind_other_options", 0, 1300, { 3, 3, 7, 1, 4, 2, 2, 4, 5, 0xb4 }, TCP_F_SYN, 8, 1300, 1300 },
	{ "R49_mss_only_of_syn", 0, 1300, { 2, 4, 5, 0xb4 }, TCP_F_ACK, 2, 1460, 1460 },
	{ "R49_mss_behind_the_end_of_options", 0, 1300, { 0, 0, 0, 0, 2, 4, 5, 0xb4 }, TCP_F_SYN, 6, 1460, 1460 },
	{ "R82_mss_option_of_wrong_length", 0, 1300, { 2, 3, 5, 0xb4 }, TCP_F_SYN, 2, 1460, 1460 },
	{ "R82_mss_option_cut_off", 0, 1300, { 1, 1, 1, 1, 1, 1, 1, 1, 5, 0xb4, 2, 4 }, TCP_F_SYN, 8, 1460, 1460 },
	{ "R82_option_of_length_0", 0, 1300, { 9, 0, 2, 4, 5, 0xb4 }, TCP_F_SYN, 4, 1460, 1460 },
};

static void R49_mss(void **state)
{
	const struct mss_row *row = *state;
	const struct nat_link links[] = { { .ifindex = OUTSIDE, .mtu_octets = 1400 }, { .ifindex = BRIDGE, .mtu_octets = 1500 } };
	struct nat_policy p[2] = { { .mss = row->all }, { .mss = row->own } };

	for (unsigned f = 4; f <= 6; f += 2)
		for (unsigned partial = 0; partial < 2; partial++) {
			struct packet q = { .family = f, .proto = 6, .tcp_flags = row->flags, .payload = 5, .tcp_options = 12, .partial = partial,
					    .ends = { letter_addr('C', f), letter_addr('H', f), wire_port(1), wire_port(8080) } };
			uint32_t l4;

			open_world(64, p, 2, links, 2);
			last = (struct nat_pkt){ .data = buf, .len = packet_build(&q, buf), .indev = OUTSIDE, .csum_partial = partial };
			l4 = f == 4 ? 20 : 40;
			memcpy(buf + l4 + 20, row->options, 12);
			packet_csum(&q, buf, l4, last.len - l4);
			nat_packet(&world.nat, &last, world.now);
			nat_finish(&last);
			assert_true(last.changed);
			assert_true(naive_good(buf, last.len));
			assert_int_equal(wire_get16(buf + l4 + 20 + row->at), f == 4 ? row->want4 : row->want6);
			teardown(NULL);
		}
}

/* R4: a first datagram that the way to the guest does not carry: its sender is told by us, for nobody else can. */
static void R4_too_big_for_the_way_to_the_guest(void **state)
{
	static const struct { unsigned family, size; uint32_t mtu; bool df; uint32_t want; } rows[] = {
		{ 4, 1400, 1400, true, 0 }, { 4, 1401, 1400, true, 1400 }, { 4, 1401, 1400, false, 0 },
		{ 6, 1400, 1400, false, 0 }, { 6, 1401, 1400, false, 1400 }, { 6, 1401, 1000, false, 1280 },
		{ 4, 1401, 0, true, 0 }, { 4, 1501, 1400, true, 0 }, { 6, 1500, 1400, false, 1400 }, { 6, 1501, 1400, false, 0 },
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(rows); i++) {
		const struct nat_link links[] = { { .ifindex = rows[i].mtu ? BRIDGE : BRIDGE + 1, .mtu_octets = rows[i].mtu },
						  { .ifindex = OUTSIDE, .mtu_octets = 1500 } };
		struct packet q = { .family = rows[i].family, .proto = NAT_PROTO_UDP, .salt = rows[i].df,
				    .payload = rows[i].size - (rows[i].family == 4 ? 28 : 48) };

		open_world(64, NULL, 0, links, 2);
		for (unsigned answered = 0; answered < 2; answered++) {
			q.ends = (struct nat_ends){ letter_addr('C', q.family), letter_addr('H', q.family), wire_port(1), wire_port(8080) };
			last = (struct nat_pkt){ .data = buf, .len = packet_build(&q, buf), .indev = OUTSIDE };
			assert_int_equal(last.len, rows[i].size);
			nat_packet(&world.nat, &last, world.now);
			assert_true(last.changed);
			assert_int_equal(last.too_big, answered ? 0 : rows[i].want);
			q.ends = (struct nat_ends){ letter_addr('G', q.family), letter_addr('C', q.family), wire_port(80), wire_port(1) };
			last = (struct nat_pkt){ .data = buf, .len = packet_build(&q, buf), .hook = NAT_POST };
			nat_packet(&world.nat, &last, world.now);
			assert_int_equal(last.reason, NAT_WHY_TRANSLATED);
			assert_int_equal(last.too_big, 0);
		}
		teardown(NULL);
	}
}

int main(void)
{
#define TEST(name) unit_add_around(#name, name, NULL, NULL, teardown)
	TEST(R79_flows_of_a_forward);
	TEST(R79_flows_of_a_source);
	TEST(R79_a_source_of_ipv6_is_a_64);
	TEST(R81_new_flows_a_second);
	TEST(R33_idle_limits_of_a_forward);
	TEST(R36_long_waits_do_not_block_others);
	TEST(R36_short_waits_are_over_in_time);
	TEST(R87_limits_after_a_reload);
	TEST(R88_counts_after_a_death);
	TEST(R78_syn_flood);
	TEST(R76_full_of_established);
	TEST(R4_too_big_for_the_way_to_the_guest);
	TEST(R80_ten_million_tuples);
	for (unsigned i = 0; i < COUNT(mss_rows); i++)
		unit_add(mss_rows[i].name, R49_mss, &mss_rows[i]);
	return unit_run("policy");
}
