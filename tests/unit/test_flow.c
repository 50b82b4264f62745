/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flow: examples, crowding, rebuilding, and what flow_check() notices; test_flow_model.c has the model. */
#include "nat/flow.h"

#include "nat/flow_hash.h"
#include "tests/unit/flow_fixture.h"

enum { CROWD = 512 };

static struct nat_flow plain(unsigned n)
{
	return flow_of(1, (uint16_t)n, 2, 8080, 3, 80, 1, (uint16_t)n);
}

static void empty_table_finds_nothing(void **state)
{
	struct fixture x;
	struct nat_flow f = plain(1);
	enum flow_key key;

	(void)state;
	fixture_init(&x, 8);
	assert_null(flow_find(&x.t, &f.orig, f.proto, f.family, &key));
	assert_int_equal(flow_oldest_expired(&x.t, 1), NAT_NONE);
	assert_int_equal(flow_victim(&x.t, 1), NAT_NONE);
	fixture_fini(&x);
}

static void found_by_its_keys_and_by_no_other(void **state)
{
	struct fixture x;
	struct nat_flow f = flow_of(1, 40000, 2, 8080, 3, 80, 2, 61000), g;
	struct nat_ends mid = flow_mid(&f), back = flow_back(&f), xlat = flow_xlat(&f);
	enum flow_key key;
	uint32_t i;

	(void)state;
	fixture_init(&x, 8);
	i = flow_add(&x.t, &f, 5);
	good(&x);
	assert_int_equal(i, 0);
	assert_ptr_equal(flow_find(&x.t, &f.orig, 17, 4, &key), &x.t.flow[i]);
	assert_int_equal(key, FLOW_ORIG);
	assert_ptr_equal(flow_find(&x.t, &f.reply, 17, 4, &key), &x.t.flow[i]);
	assert_int_equal(key, FLOW_REPLY);
	assert_ptr_equal(flow_find(&x.t, &mid, 17, 4, &key), &x.t.flow[i]);
	assert_int_equal(key, FLOW_MID);
	assert_false(flow_has(&x.t, &back, 17, 4));
	assert_false(flow_has(&x.t, &xlat, 17, 4));
	assert_false(flow_has(&x.t, &f.orig, 6, 4));
	assert_false(flow_has(&x.t, &f.orig, 17, 6));
	g = f;
	g.orig.sport ^= 1;
	assert_false(flow_has(&x.t, &g.orig, 17, 4));
	flow_del(&x.t, i);
	good(&x);
	assert_false(flow_has(&x.t, &f.orig, 17, 4));
	fixture_fini(&x);
}

static void flow_ends_are_as_drawn(void **state)
{
	struct nat_flow f = flow_of(1, 40000, 2, 8080, 3, 80, 2, 61000);
	struct nat_ends e = flow_xlat(&f), want = { addr(2), addr(3), wire_port(61000), wire_port(80) };

	(void)state;
	assert_true(nat_ends_eq(&e, &want));
	e = flow_back(&f);
	want = (struct nat_ends){ addr(2), addr(1), wire_port(8080), wire_port(40000) };
	assert_true(nat_ends_eq(&e, &want));
	e = flow_mid(&f);
	want = (struct nat_ends){ addr(3), addr(1), wire_port(80), wire_port(61000) };
	assert_true(nat_ends_eq(&e, &want));
}

/* Make way and tag of @e lead to what key @k of flow 0 leads to, as if the hash could not tell them apart. */
static void forge(struct fixture *x, const struct nat_ends *e, uint8_t proto, uint8_t family, unsigned k)
{
	uint64_t h = nat_tuple_hash(&x->head.key, e, proto, family);
	struct flow_bucket *b = &x->t.bucket[flow_home(&x->head, h)];
	unsigned w = 0;

	while (w < FLOW_WAYS - 1 && b->tag[w])
		w++;
	b->tag[w] = (uint16_t)(h >> 48) | 1;
	b->ref[w] = k;
}

/* R80: the whole key decides, not its hash. */
static void R80_same_hash_is_not_the_same_key(void **state)
{
	struct nat_flow f = flow_of(1, 40000, 2, 8080, 3, 80, 2, 61000);
	enum flow_key key;

	(void)state;
	for (unsigned k = 0; k < FLOW_KEYS; k++)
		for (unsigned at = 0; at < sizeof(struct nat_ends) + 2; at++) {
			struct nat_ends e = flow_key_ends(&f, k);
			uint8_t proto = f.proto, family = f.family;
			struct fixture x;

			fixture_init(&x, 8);
			assert_int_equal(flow_add(&x.t, &f, 5), 0);
			if (at < sizeof(e))
				((uint8_t *)&e)[at] ^= 1;
			else if (at == sizeof(e))
				proto = NAT_PROTO_TCP;
			else
				family = NAT_IPV6;
			forge(&x, &e, proto, family, k);
			assert_null(flow_find(&x.t, &e, proto, family, &key));
			fixture_fini(&x);
		}
}

/* Each row clashes with the flow that is there, in the key named. */
static void clashes_change_nothing(void **state)
{
	struct nat_flow there = flow_of(1, 1, 2, 8080, 3, 80, 1, 1), hairpin = flow_of(4, 5, 2, 8080, 3, 80, 2, 6);
	struct nat_flow rows[] = {
		there,						/* all */
		flow_of(1, 1, 2, 8080, 3, 81, 1, 1),		/* ORIG */
		flow_of(1, 1, 2, 8081, 3, 80, 1, 1),		/* REPLY */
		flow_of(9, 9, 2, 8080, 3, 80, 2, 6),		/* REPLY of the hairpin */
		flow_of(4, 6, 2, 8081, 3, 80, 4, 6),		/* REPLY is the hairpin's MID */
		flow_of(1, 9, 2, 8081, 3, 80, 2, 1),		/* MID is the REPLY of the first */
		flow_of(3, 80, 1, 1, 7, 7, 3, 80),		/* ORIG is the REPLY of the first */
		flow_of(7, 7, 7, 7, 7, 7, 7, 7),		/* ORIG is its own REPLY */
	};
	struct fixture x;

	(void)state;
	fixture_init(&x, 8);
	assert_int_not_equal(flow_add(&x.t, &there, 1), NAT_NONE);
	assert_int_not_equal(flow_add(&x.t, &hairpin, 1), NAT_NONE);
	for (unsigned i = 0; i < COUNT(rows); i++) {
		assert_int_equal(flow_add(&x.t, &rows[i], 1), NAT_NONE);
		good(&x);
		assert_int_equal(x.head.used, 2);
	}
	there.proto = NAT_PROTO_TCP;
	there.tcp = TCP_SYN_SENT;
	assert_int_not_equal(flow_add(&x.t, &there, 1), NAT_NONE);
	fixture_fini(&x);
}

static void full_table_refuses(void **state)
{
	struct fixture x;

	(void)state;
	for (uint32_t n = 1; n <= 64; n = n * 2 + 1) {
		fixture_init(&x, n);
		for (unsigned i = 0; i < n; i++) {
			struct nat_flow f = plain(i);

			assert_int_not_equal(flow_add(&x.t, &f, i), NAT_NONE);
		}
		good(&x);
		assert_int_equal(flow_add(&x.t, &(struct nat_flow){ .idle = IDLE_UDP }, 5), NAT_NONE);
		good(&x);
		flow_del(&x.t, n / 2);
		assert_int_equal(flow_add(&x.t, &(struct nat_flow){ .idle = IDLE_UDP, .reply.sport = 1 }, 5), n / 2);
		good(&x);
		fixture_fini(&x);
	}
}

static void buckets_leave_two_fifths_free(void **state)
{
	static const uint32_t sizes[] = { 1, 16, 64, 65, 1000, 1024, 4096, 262144, 1000000, (1u << 24) - 1, 1u << 24 };

	(void)state;
	for (unsigned i = 0; i < COUNT(sizes); i++) {
		uint64_t n = flow_buckets_for(sizes[i]);

		assert_true(n >= 16);
		assert_true(n * FLOW_WAYS * 6 >= (uint64_t)sizes[i] * 2 * 10);
		assert_true(n == 16 || (n - 1) * FLOW_WAYS * 6 < (uint64_t)sizes[i] * 2 * 10);
	}
}

/* R80: keys that all want one bucket: it and FLOW_PROBES more take them, then it is full; they come out again in any order. */
static void R80_crowded_bucket(void **state)
{
	static struct nat_flow crowd[CROWD];
	struct rng r = rng_start("flow crowding", 80);
	struct fixture x;
	uint32_t in = 0, tried = 0, kept[CROWD];
	enum flow_key key;

	(void)state;
	fixture_init(&x, CROWD);
	while (tried < CROWD) {
		struct nat_flow f = flow_of(rng_below(&r, 60000), 1, 2, 3, rng_below(&r, 60000), (uint16_t)rng_next(&r), 6, 7);

		f.flags = 0;
		f.orig.sport = (uint16_t)rng_next(&r);
		if (flow_home(&x.head, nat_tuple_hash(&x.head.key, &f.orig, 17, 4)) != 5 ||
		    flow_home(&x.head, nat_tuple_hash(&x.head.key, &f.reply, 17, 4)) != 5)
			continue;
		tried++;
		crowd[in] = f;
		kept[in] = flow_add(&x.t, &f, 1);
		if (tried % 8 == 0 || kept[in] == NAT_NONE)
			good(&x);
		if (kept[in] != NAT_NONE)
			in++;
	}
	assert_int_equal(in, (FLOW_PROBES + 1) * FLOW_WAYS / 2);
	for (uint32_t left = in; left; left--) {
		uint32_t i = rng_below(&r, left);

		assert_ptr_equal(flow_find(&x.t, &crowd[i].reply, 17, 4, &key), &x.t.flow[kept[i]]);
		flow_del(&x.t, kept[i]);
		if (left % 8 == 0)
			good(&x);
		crowd[i] = crowd[left - 1];
		kept[i] = kept[left - 1];
	}
	for (uint32_t b = 0; b < x.head.buckets; b++)
		assert_int_equal(x.t.bucket[b].overflow, 0);
	fixture_fini(&x);
}

/* R77: as many flows fit as the table says it has room for, whatever their keys. */
static void R77_every_slot_can_be_used(void **state)
{
	enum { LARGE = 262144 };
	struct fixture x;

	(void)state;
	fixture_init(&x, LARGE);
	for (unsigned i = 0; i < LARGE; i++) {
		struct nat_flow f = flow_of(i >> 14, (uint16_t)(i & 0x3fff), 65000, 8080, 65001, 80, i >> 14, (uint16_t)(i & 0x3fff));

		if (flow_add(&x.t, &f, 1) == NAT_NONE)
			unit_fail("no room for flow %u", i);
	}
	good(&x);
	fixture_fini(&x);
}

/* Room costs no memory before it is used: not in the table's making, its checks and its rebuilding. */
static void R77_slots_that_were_never_used_are_not_touched(void **state)
{
	enum { ROOM = 64, USED = 10 };
	struct fixture x;
	struct nat_flow f;

	(void)state;
	fixture_init(&x, ROOM);
	memset(x.t.flow, 0x5a, ROOM * sizeof(*x.t.flow));
	for (unsigned i = 0; i < 2 * USED; i++) {
		f = plain(i);
		if (i >= USED)
			flow_del(&x.t, i - USED);
		assert_int_equal(flow_add(&x.t, &f, 100), i % USED);
	}
	good(&x);
	assert_int_equal(flow_rebuild(&x.t, 100), 0);
	good(&x);
	assert_int_equal(flow_slots(&x.t), USED);
	for (size_t i = USED * sizeof(*x.t.flow); i < ROOM * sizeof(*x.t.flow); i++)
		assert_int_equal(((const uint8_t *)x.t.flow)[i], 0x5a);
	fixture_fini(&x);
}

/* --- rebuild --- */

static void fill(struct fixture *x, struct rng *r, unsigned tries, nat_tick now)
{
	while (tries--) {
		struct nat_flow f = random_flow(r, true);

		flow_add(&x->t, &f, now);
		now += rng_below(r, 5);
	}
}

static void rebuild_of_a_good_table_keeps_all(void **state)
{
	struct rng r = rng_start("flow rebuild", 3);
	struct nat_flow before[50];
	struct fixture x;

	(void)state;
	fixture_init(&x, 50);
	fill(&x, &r, 200, 1000);
	memcpy(before, x.t.flow, sizeof(before));
	assert_int_equal(flow_rebuild(&x.t, 2000), 0);
	good(&x);
	for (unsigned i = 0; i < 50; i++) {
		assert_int_equal(before[i].idle, x.t.flow[i].idle);
		if (before[i].idle != IDLE_FREE)
			assert_int_equal(before[i].used, x.t.flow[i].used);
	}
	fixture_fini(&x);
}

static void rebuild_drops_what_is_expired_or_torn(void **state)
{
	struct nat_flow f = plain(1);
	struct fixture x;

	(void)state;
	fixture_init(&x, 8);
	for (unsigned i = 0; i < 8; i++) {
		f = plain(i);
		assert_int_equal(flow_add(&x.t, &f, 100), i);
	}
	x.t.flow[0].family = 5;				/* no such family */
	x.t.flow[1].idle = IDLE_CLASSES & 15u;		/* no such class */
	x.t.flow[2].tcp = TCP_ESTABLISHED;		/* of UDP */
	x.t.flow[3].used = 100 - x.head.limit[IDLE_UDP_OPENING];
	x.t.flow[4].used = 101;				/* in the future */
	x.t.flow[5].orig = x.t.flow[6].orig;		/* one of them is a copy */
	assert_int_equal(flow_rebuild(&x.t, 100), 6);
	good(&x);
	assert_int_equal(x.head.used, 2);
	fixture_fini(&x);
}

/* Whatever was written over it: no crash, and a good table afterwards. */
static void rebuild_after_any_corruption(void **state)
{
	struct rng r = rng_start("flow corruption", 4);

	(void)state;
	for (unsigned round = 0; round < 400; round++) {
		struct fixture x;

		fixture_init(&x, 1 + rng_below(&r, 60));
		fill(&x, &r, 100, 1000);
		for (unsigned n = rng_below(&r, 60); n; n--) {
			uint8_t *p = rng_below(&r, 3) ? (uint8_t *)x.t.flow + rng_below(&r, x.head.capacity * 128)
						      : (uint8_t *)x.t.bucket + rng_below(&r, x.head.buckets * 64);

			*p = (uint8_t)(rng_below(&r, 2) ? rng_next(&r) : *p ^ (1u << rng_below(&r, 8)));
		}
		if (rng_below(&r, 2))
			rng_fill(&r, x.head.first, sizeof(x.head.first) + sizeof(x.head.last) + sizeof(x.head.count));
		x.head.free = (uint32_t)rng_next(&r);
		x.head.used = (uint32_t)rng_next(&r);
		flow_check(&x.t);			/* may say what it likes, but not crash */
		flow_rebuild(&x.t, 2000);
		good(&x);
		fill(&x, &r, 20, 2000);
		good(&x);
		fixture_fini(&x);
	}
}

/* Each of these must be noticed: the invariants are worth what flow_check() sees. */
static void check_notices(void **state)
{
	struct rng r = rng_start("flow check", 8);
	struct fixture x;
	struct nat_flow f;

	(void)state;
	for (unsigned what = 0; what < 14; what++) {
		uint32_t b = 0, w = 0;

		fixture_init(&x, 30);
		for (unsigned i = 0; i < 20; i++) {
			f = plain(i);
			flow_add(&x.t, &f, 100 + i);
		}
		while (!x.t.bucket[b].tag[w = rng_below(&r, FLOW_WAYS)])
			b = rng_below(&r, x.head.buckets);
		switch (what) {
		case 0: x.t.bucket[b].tag[w] ^= 2; break;
		case 1: x.t.bucket[b].ref[w] ^= 4; break;
		case 2: x.t.bucket[b].tag[w] = 0; break;
		case 3: x.t.bucket[b].overflow++; break;
		case 4: x.head.used++; break;
		case 5: x.head.free = 3; break;
		case 6: x.head.count[IDLE_UDP_OPENING]--; break;
		case 7: x.t.flow[5].next = x.t.flow[5].prev; break;
		case 8: x.t.flow[5].queued += 50; break;
		case 9: x.t.flow[5].idle = IDLE_UDP; break;
		case 10: x.t.flow[5].reply.sport ^= 1; break;
		case 11: x.head.last[IDLE_UDP_OPENING] = 0; break;
		case 12: x.head.fresh++; break;
		case 13: x.head.fresh = 31; break;
		}
		assert_non_null(flow_check(&x.t));
		fixture_fini(&x);
	}
}

int main(void)
{
	unit_add("empty_table_finds_nothing", empty_table_finds_nothing, NULL);
	unit_add("found_by_its_keys_and_by_no_other", found_by_its_keys_and_by_no_other, NULL);
	unit_add("R80_same_hash_is_not_the_same_key", R80_same_hash_is_not_the_same_key, NULL);
	unit_add("flow_ends_are_as_drawn", flow_ends_are_as_drawn, NULL);
	unit_add("clashes_change_nothing", clashes_change_nothing, NULL);
	unit_add("full_table_refuses", full_table_refuses, NULL);
	unit_add("buckets_leave_two_fifths_free", buckets_leave_two_fifths_free, NULL);
	unit_add("R80_crowded_bucket", R80_crowded_bucket, NULL);
	unit_add("R77_every_slot_can_be_used", R77_every_slot_can_be_used, NULL);
	unit_add("R77_slots_that_were_never_used_are_not_touched", R77_slots_that_were_never_used_are_not_touched, NULL);
	unit_add("rebuild_of_a_good_table_keeps_all", rebuild_of_a_good_table_keeps_all, NULL);
	unit_add("rebuild_drops_what_is_expired_or_torn", rebuild_drops_what_is_expired_or_torn, NULL);
	unit_add("rebuild_after_any_corruption", rebuild_after_any_corruption, NULL);
	unit_add("check_notices", check_notices, NULL);
	return unit_run("flow");
}
