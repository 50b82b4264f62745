/* SPDX-License-Identifier: GPL-2.0-or-later */
/* block: made, attached to, refused, moved elsewhere, and made good after its writer died (R88). */
#include "nat/block.h"

#include "nat/nat.h"
#include "tests/unit/unit.h"
#include "tests/unit/world.h"

#define TABLE "tcp *:8080 > G:80 fwd=3; udp *:8080 > G:80 fwd=3"

static struct packet udp(char src, uint16_t sport, char dst, uint16_t dport)
{
	return (struct packet){ .family = NAT_IPV6, .proto = 17, .payload = 9,
				.ends = { letter_addr(src, 6), letter_addr(dst, 6), wire_port(sport), wire_port(dport) } };
}

static enum nat_reason give(struct nat *n, const struct packet *p, enum nat_hook hook, nat_ns now)
{
	uint8_t buf[256];
	struct nat_pkt pkt = { .data = buf, .len = packet_build(p, buf), .hook = (uint8_t)hook, .indev = OUTSIDE };

	nat_enter(n);
	nat_packet(n, &pkt, now);
	nat_leave(n);
	nat_finish(&pkt);
	return pkt.reason;
}

static void open_flows(struct world *w, unsigned n)
{
	for (unsigned i = 1; i <= n; i++) {
		struct packet p = udp('C', (uint16_t)i, 'H', 8080);

		assert_int_equal(give(&w->nat, &p, NAT_PRE, w->now), NAT_WHY_OPENED);
	}
}

static unsigned answers(struct nat *n, unsigned flows, nat_ns now)
{
	unsigned got = 0;

	for (unsigned i = 1; i <= flows; i++) {
		struct packet p = udp('G', 80, 'C', (uint16_t)i);

		got += give(n, &p, NAT_POST, now) == NAT_WHY_TRANSLATED;
	}
	return got;
}

static struct world busy_world(unsigned flows)
{
	struct nat_params p = world_params(64);
	struct world w = world_new(&p);

	world_map(&w, TABLE);
	open_flows(&w, flows);
	return w;
}

static void made_and_attached(void **state)
{
	struct nat_params p = world_params(100);
	struct world w;

	(void)state;
	p.limit_s[IDLE_UDP] = 120;
	w = world_new(&p);
	assert_int_equal(w.octets % 8, 0);
	assert_int_equal(block_verify(w.mem, w.octets), BLOCK_OK);
	assert_int_equal(block_verify(w.mem, w.octets + 4096), BLOCK_OK);
	assert_int_equal(w.nat.block->max_flows, 100);
	assert_int_equal(w.nat.flows.head->limit[IDLE_UDP], nat_tick_span(NAT_SEC(120)));
	assert_int_equal(w.nat.flows.head->limit[IDLE_ICMP], nat_tick_span(NAT_SEC(60)));
	assert_memory_equal(&w.nat.flows.head->key, &p.key, sizeof(p.key));
	assert_null(nat_check(&w.nat));
	assert_null(w.nat.event);
	assert_non_null(nat_spare_map(&w.nat));
	assert_int_equal((uintptr_t)w.nat.flows.bucket % 64, 0);
	assert_int_equal((uintptr_t)w.nat.flows.flow % 64, 0);
	world_free(&w);
}

static void R77_sizes(void **state)
{
	struct nat_params p = world_params(0);

	(void)state;
	/* 128 octets a flow, and 64 octets for each 4 to 8 keys of it */
	p.max_flows = 1000000;
	assert_in_range(block_octets(&p), 144000000, 160u << 20);
	p.max_flows = 1u << 24;
	assert_true(block_octets(&p) < (uint64_t)3 << 30);
}

/* One field is not as it must be: refused, and nothing outside is read. */
static const struct refusal { const char *name; size_t at, octets; uint64_t value; enum block_err err; } refusals[] = {
#define FIELD(f) offsetof(struct nat_block, f), sizeof(((struct nat_block *)0)->f)
	{ "refuses_another_magic", FIELD(magic), 0x6e66716e61740a02u, BLOCK_FOREIGN },
	{ "refuses_a_block_never_finished", FIELD(magic), 0, BLOCK_FOREIGN },
	{ "refuses_an_older_version", FIELD(version), 0, BLOCK_VERSION },
	{ "refuses_a_newer_version", FIELD(version), NAT_BLOCK_VERSION + 1, BLOCK_VERSION },
	{ "refuses_flows_of_another_size", FIELD(flow_octets), 120, BLOCK_VERSION },
	{ "refuses_a_cut_off_block", FIELD(octets), UINT64_MAX, BLOCK_FOREIGN },
	{ "refuses_a_wrong_size", FIELD(octets), 4096, BLOCK_LAYOUT },
	{ "refuses_more_flows", FIELD(max_flows), 65, BLOCK_LAYOUT },
	{ "refuses_no_flows", FIELD(max_flows), 0, BLOCK_LAYOUT },
	{ "refuses_too_many_flows", FIELD(max_flows), (1u << 24) + 1, BLOCK_LAYOUT },
	{ "refuses_more_rows", FIELD(max_rows), 65, BLOCK_LAYOUT },
	{ "refuses_most_rows", FIELD(max_rows), UINT32_MAX, BLOCK_LAYOUT },
	{ "refuses_more_prefixes", FIELD(max_allow), UINT32_MAX, BLOCK_LAYOUT },
	{ "refuses_no_buckets", FIELD(buckets), 0, BLOCK_LAYOUT },
	{ "refuses_an_odd_number_of_buckets", FIELD(buckets), 17, BLOCK_LAYOUT },
	{ "refuses_twice_the_buckets", FIELD(buckets), 32, BLOCK_LAYOUT },
	{ "refuses_a_third_table", FIELD(active), 2, BLOCK_LAYOUT },
	{ "refuses_a_sweep_past_the_end", FIELD(swept), 65, BLOCK_LAYOUT },
	{ "refuses_source_ports_reversed", FIELD(source_hi), 1, BLOCK_LAYOUT },
	{ "refuses_another_capacity_of_flows", FIELD(flows.capacity), 63, BLOCK_LAYOUT },
	{ "refuses_more_slots_used_than_there_are", FIELD(flows.fresh), 65, BLOCK_LAYOUT },
	{ "refuses_other_buckets_of_flows", FIELD(flows.buckets), 8, BLOCK_LAYOUT },
#undef FIELD
};

static void refusal(void **state)
{
	const struct refusal *r = *state;
	struct world w = busy_world(3);
	struct nat n = { .ctx = &w };

	memcpy(w.mem + r->at, &r->value, r->octets);
	assert_int_equal(block_verify(w.mem, w.octets), r->err);
	assert_int_equal(nat_attach(&n, w.mem, w.octets), r->err);
	assert_ptr_equal(n.ctx, &w);
	world_free(&w);
}

static void refuses_areas_of_another_size(void **state)
{
	(void)state;
	for (unsigned area = 0; area < 2; area++) {
		struct world w = busy_world(1);

		w.nat.map[area].head->max_rows++;
		assert_int_equal(block_verify(w.mem, w.octets), BLOCK_LAYOUT);
		w.nat.map[area].head->max_rows--;
		w.nat.map[area].head->max_allow--;
		assert_int_equal(block_verify(w.mem, w.octets), BLOCK_LAYOUT);
		world_free(&w);
	}
}

static void refuses_whatever_is_shorter(void **state)
{
	struct world w = busy_world(3);

	(void)state;
	for (uint64_t octets = 0; octets < w.octets; octets += octets < 1024 ? 1 : 997) {
		uint8_t *exact = aligned_alloc(64, (octets + 63) / 64 * 64 + 64), *at;

		/* placed so that its end is the end of the memory */
		at = exact + ((octets + 63) / 64 * 64 + 64 - octets) / 64 * 64;
		memcpy(at, w.mem, octets);
		assert_int_equal(block_verify(at, octets), BLOCK_FOREIGN);
		free(exact);
	}
	world_free(&w);
}

/* R88: another process maps it elsewhere and goes on. */
static void R88_moved_elsewhere(void **state)
{
	struct world w = busy_world(20);
	uint8_t *elsewhere = world_alloc(w.octets + 64) ;
	struct packet more = udp('C', 999, 'H', 8080);
	struct nat n;

	(void)state;
	memcpy(elsewhere, w.mem, w.octets);
	memset(w.mem, 0xdd, w.octets);
	assert_int_equal(nat_attach(&n, elsewhere, w.octets), BLOCK_OK);
	assert_null(nat_check(&n));
	assert_int_equal(nat_recover(&n, w.now), 0);
	assert_int_equal(answers(&n, 20, w.now), 20);
	assert_int_equal(give(&n, &more, NAT_PRE, w.now), NAT_WHY_OPENED);
	assert_int_equal(n.block->opened, 21);
	free(elsewhere);
	world_free(&w);
}

static void two_views_of_one_block(void **state)
{
	struct world w = busy_world(5);
	struct packet more = udp('C', 6, 'H', 8080);
	struct nat other;

	(void)state;
	assert_int_equal(nat_attach(&other, w.mem, w.octets), BLOCK_OK);
	assert_int_equal(give(&other, &more, NAT_PRE, w.now), NAT_WHY_OPENED);
	assert_int_equal(answers(&w.nat, 6, w.now), 6);
	world_map(&w, "tcp *:1 > G:1");
	assert_int_equal(answers(&other, 6, w.now), 0);
	world_free(&w);
}

static void R88_recover_of_a_good_block(void **state)
{
	struct world w = busy_world(10);

	(void)state;
	assert_int_equal(nat_recover(&w.nat, w.now), 0);
	assert_int_equal(answers(&w.nat, 10, w.now), 10);
	world_free(&w);
}

/* A writer died inside, but all was in order. */
static void R88_recover_while_busy(void **state)
{
	struct world w = busy_world(10);

	(void)state;
	nat_enter(&w.nat);
	assert_int_equal(nat_recover(&w.nat, w.now), 0);
	assert_int_equal(w.nat.block->busy, 0);
	assert_null(nat_check(&w.nat));
	assert_null(nat_spare_map(&w.nat));
	assert_true(nat_sweep(&w.nat, w.now, 64));
	assert_int_equal(answers(&w.nat, 10, w.now), 10);
	world_free(&w);
}

/* It died between the two halves of nat_swap_map(): rows of one table must not be read in the other. */
static void R88_recover_in_the_middle_of_a_swap(void **state)
{
	struct world w = busy_world(10);
	struct rows t = rows_of("tcp *:1 > F:1; tcp *:2 > F:2; tcp *:3 > F:3; udp *:9 > F:9; udp *:8080 > G:80 fwd=8");
	struct packet p = udp('C', 1, 'H', 8080);
	uint8_t buf[256];
	struct nat_pkt pkt = { .data = buf, .len = packet_build(&p, buf), .indev = OUTSIDE };
	uint32_t bad;

	(void)state;
	assert_true(nat_sweep(&w.nat, w.now, 64));
	assert_int_equal(map_build(nat_spare_map(&w.nat), t.row, t.n, NULL, 0, &bad), MAP_OK);
	nat_enter(&w.nat);
	w.nat.block->active = !w.nat.block->active;
	assert_int_equal(nat_recover(&w.nat, w.now), 0);
	nat_packet(&w.nat, &pkt, w.now);
	assert_int_equal(pkt.reason, NAT_WHY_TRANSLATED);
	assert_int_equal(pkt.forward, 8);
	assert_int_equal(answers(&w.nat, 10, w.now), 10);
	world_free(&w);
}

static void R88_recover_after_torn_flows(void **state)
{
	struct world w = busy_world(10);

	(void)state;
	w.nat.flows.flow[2].family = 0;				/* half written */
	memset(w.nat.flows.bucket, 0, sizeof(struct flow_bucket));
	w.nat.flows.head->first[IDLE_UDP_OPENING] = 12345678;
	nat_enter(&w.nat);
	assert_int_equal(nat_recover(&w.nat, w.now), 1);
	assert_null(nat_check(&w.nat));
	assert_int_equal(answers(&w.nat, 10, w.now), 9);
	world_free(&w);
}

/* A torn flow may say that it belongs to the table to come. */
static void R88_recover_looks_every_row_up(void **state)
{
	struct world w = busy_world(3);
	uint8_t buf[256];

	(void)state;
	world_map(&w, "tcp *:1 > F:1 fwd=77; udp *:8080 > G:80 fwd=3");
	for (unsigned i = 0; i < 3; i++) {
		w.nat.flows.flow[i].row = 0;
		w.nat.flows.flow[i].epoch = (w.nat.block->epoch + 1) & 0xff;
	}
	nat_enter(&w.nat);
	assert_int_equal(nat_recover(&w.nat, w.now), 0);
	for (uint16_t i = 1; i <= 3; i++) {
		struct packet p = udp('C', i, 'H', 8080);
		struct nat_pkt pkt = { .data = buf, .len = packet_build(&p, buf), .indev = OUTSIDE };

		nat_packet(&w.nat, &pkt, w.now);
		assert_int_equal(pkt.reason, NAT_WHY_TRANSLATED);
		assert_int_equal(pkt.forward, 3);
	}
	world_free(&w);
}

/* A damaged mapping table is emptied: no flow is led by it, none is opened. */
static void R88_recover_of_a_damaged_table(void **state)
{
	struct world w = busy_world(10);
	struct packet p = udp('C', 99, 'H', 8080);

	(void)state;
	w.nat.map[w.nat.block->active].head->n_rows = 1u << 30;
	nat_recover(&w.nat, w.now);
	assert_null(nat_check(&w.nat));
	assert_int_equal(answers(&w.nat, 10, w.now), 0);
	assert_int_equal(give(&w.nat, &p, NAT_PRE, w.now), NAT_WHY_NO_FORWARD);
	world_map(&w, TABLE);
	assert_int_equal(give(&w.nat, &p, NAT_PRE, w.now), NAT_WHY_OPENED);
	world_free(&w);
}

/* Flows that the sweep has not met yet are compared with the table before: that one may be damaged too. */
static void R88_recover_of_a_damaged_table_before(void **state)
{
	struct world w = busy_world(10);

	(void)state;
	w.nat.map[!w.nat.block->active].head->n_rows = UINT32_MAX;
	nat_enter(&w.nat);
	w.nat.flows.head->first[IDLE_UDP_OPENING] = 12345678;	/* so all flows are looked up again */
	assert_int_equal(nat_recover(&w.nat, w.now), 0);
	assert_null(nat_check(&w.nat));
	assert_int_equal(answers(&w.nat, 10, w.now), 10);
	assert_true(nat_sweep(&w.nat, w.now, 64));
	world_map(&w, TABLE);
	assert_int_equal(answers(&w.nat, 10, w.now), 10);
	world_free(&w);
}

/* Whatever was written behind the header: made good, and of use. */
static void R88_recover_after_any_corruption(void **state)
{
	struct rng r = rng_start("block corruption", 88);

	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		struct world w = busy_world(30);
		struct nat n;

		for (unsigned i = rng_below(&r, 200); i; i--)
			w.mem[rng_below(&r, (uint32_t)w.octets)] ^= (uint8_t)(1u << rng_below(&r, 8));
		if (nat_attach(&n, w.mem, w.octets) == BLOCK_OK) {
			nat_enter(&n);
			nat_recover(&n, w.now);
			if (nat_check(&n))
				unit_fail("%s", nat_check(&n));
			answers(&n, 30, w.now);
			nat_expire(&n, w.now + NAT_SEC(400), 100);
			while (!nat_sweep(&n, w.now, 7))
				;
			if (nat_check(&n))
				unit_fail("%s", nat_check(&n));
		}
		world_free(&w);
	}
}

int main(void)
{
	unit_add("made_and_attached", made_and_attached, NULL);
	unit_add("R77_sizes", R77_sizes, NULL);
	for (unsigned i = 0; i < COUNT(refusals); i++)
		unit_add(refusals[i].name, refusal, &refusals[i]);
	unit_add("refuses_areas_of_another_size", refuses_areas_of_another_size, NULL);
	unit_add("refuses_whatever_is_shorter", refuses_whatever_is_shorter, NULL);
	unit_add("R88_moved_elsewhere", R88_moved_elsewhere, NULL);
	unit_add("two_views_of_one_block", two_views_of_one_block, NULL);
	unit_add("R88_recover_of_a_good_block", R88_recover_of_a_good_block, NULL);
	unit_add("R88_recover_while_busy", R88_recover_while_busy, NULL);
	unit_add("R88_recover_in_the_middle_of_a_swap", R88_recover_in_the_middle_of_a_swap, NULL);
	unit_add("R88_recover_after_torn_flows", R88_recover_after_torn_flows, NULL);
	unit_add("R88_recover_looks_every_row_up", R88_recover_looks_every_row_up, NULL);
	unit_add("R88_recover_of_a_damaged_table", R88_recover_of_a_damaged_table, NULL);
	unit_add("R88_recover_of_a_damaged_table_before", R88_recover_of_a_damaged_table_before, NULL);
	unit_add("R88_recover_after_any_corruption", R88_recover_after_any_corruption, NULL);
	return unit_run("block");
}
