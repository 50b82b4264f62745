/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flow: examples, then the table beside a slow model that is obviously right
 * (an array, searched from end to end), with flow_check() after every step.
 */
#include "nat/flow.h"

#include "nat/flow_hash.h"
#include "nat/tcp.h"
#include "tests/unit/packet.h"
#include "tests/unit/unit.h"

enum { SLOTS_MAX = 128, CROWD = 512 };

/* A table in memory of its own, exactly as large as it must be. */
struct fixture {
	struct flow_head head;
	struct flow_table t;
};

static void fixture_init(struct fixture *x, uint32_t capacity)
{
	memset(x, 0, sizeof(*x));
	x->head.capacity = capacity;
	x->head.buckets = flow_buckets_for(capacity);
	x->head.key = (struct siphash_key){ { 7, 9 } };
	for (unsigned c = 0; c < IDLE_CLASSES; c++)
		x->head.limit[c] = nat_tick_span(NAT_SEC(idle_default_s(c)));
	x->t.head = &x->head;
	x->t.flow = calloc(capacity, sizeof(*x->t.flow));
	x->t.bucket = aligned_alloc(64, x->head.buckets * sizeof(*x->t.bucket));
	if (!x->t.flow || !x->t.bucket)
		abort();
	memset(x->t.bucket, 0x5a, x->head.buckets * sizeof(*x->t.bucket));
	flow_init(&x->t);
	assert_null(flow_check(&x->t));
}

static void fixture_fini(struct fixture *x)
{
	free(x->t.flow);
	free(x->t.bucket);
}

static void good(const struct fixture *x)
{
	const char *bad = flow_check(&x->t);

	if (bad)
		unit_fail("%s", bad);
}

static struct nat_addr addr(unsigned n)
{
	uint8_t v4[4] = { 10, 0, (uint8_t)(n >> 8), (uint8_t)n };

	return nat_addr_v4(v4);
}

/* c:cport -> h:hport as the guest sees it: s:sport -> g:gport */
static struct nat_flow flow_of(unsigned c, uint16_t cport, unsigned h, uint16_t hport, unsigned g, uint16_t gport, unsigned s,
			       uint16_t sport)
{
	struct nat_flow f = {
		.orig = { addr(c), addr(h), wire_port(cport), wire_port(hport) },
		.reply = { addr(g), addr(s), wire_port(gport), wire_port(sport) },
		.proto = NAT_PROTO_UDP, .family = NAT_IPV4, .idle = IDLE_UDP_OPENING,
	};

	if (c != s)
		f.flags = FLOW_HAIRPIN;
	return f;
}

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

static void buckets_leave_a_fifth_free(void **state)
{
	static const uint32_t sizes[] = { 1, 16, 64, 65, 1000, 1024, 4096, 262144, 1000000, (1u << 24) - 1, 1u << 24 };

	(void)state;
	for (unsigned i = 0; i < COUNT(sizes); i++) {
		uint64_t n = flow_buckets_for(sizes[i]);

		assert_int_equal(n & (n - 1), 0);
		assert_true(n >= 16);
		assert_true(n * FLOW_WAYS * 8 >= (uint64_t)sizes[i] * 2 * 10);
		assert_true(n == 16 || n / 2 * FLOW_WAYS * 8 < (uint64_t)sizes[i] * 2 * 10);
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
		if ((nat_tuple_hash(&x.head.key, &f.orig, 17, 4) & (x.head.buckets - 1)) != 5 ||
		    (nat_tuple_hash(&x.head.key, &f.reply, 17, 4) & (x.head.buckets - 1)) != 5)
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

/* --- the model --- */

struct model_flow {
	bool used;
	struct nat_flow f;
	uint64_t at, queued;		/* ticks of 64 bits */
};

struct model {
	struct model_flow m[SLOTS_MAX];
	uint64_t now;
	uint32_t capacity, n;
};

static bool key_eq(const struct nat_flow *a, unsigned ka, const struct nat_flow *b, unsigned kb)
{
	struct nat_ends x = ka == FLOW_ORIG ? a->orig : a->reply, y = kb == FLOW_ORIG ? b->orig : b->reply;

	if (ka == FLOW_MID)
		x.dst = a->orig.src;
	if (kb == FLOW_MID)
		y.dst = b->orig.src;
	return a->proto == b->proto && a->family == b->family && !memcmp(&x, &y, sizeof(x));
}

static unsigned keys_of(const struct nat_flow *f)
{
	return f->flags & FLOW_HAIRPIN ? 3 : 2;
}

static bool flows_clash(const struct nat_flow *a, const struct nat_flow *b)
{
	for (unsigned i = 0; i < keys_of(a); i++)
		for (unsigned k = 0; k < keys_of(b); k++)
			if ((a != b || i != k) && key_eq(a, i, b, k))
				return true;
	return false;
}

/* Should the table take it? */
static bool model_takes(const struct model *m, const struct nat_flow *f)
{
	if (m->n == m->capacity || flows_clash(f, f))
		return false;
	for (unsigned i = 0; i < m->capacity; i++)
		if (m->m[i].used && flows_clash(&m->m[i].f, f))
			return false;
	return true;
}

static uint64_t model_limit(const struct fixture *x, const struct model_flow *f)
{
	return x->head.limit[f->f.idle];
}

static bool model_expired(const struct fixture *x, const struct model *m, const struct model_flow *f)
{
	return f->used && m->now - f->at >= model_limit(x, f);
}

static struct nat_flow random_flow(struct rng *r, bool hairpins)
{
	/* A small alphabet, so that keys of all kinds meet. */
	unsigned c = rng_below(r, 3), h = rng_below(r, 3), g = rng_below(r, 3), s = hairpins && rng_below(r, 2) ? rng_below(r, 3) : c;
	struct nat_flow f = flow_of(c, (uint16_t)rng_below(r, 6), h, (uint16_t)rng_below(r, 4), g, (uint16_t)rng_below(r, 4), s,
				    (uint16_t)rng_below(r, 6));

	f.idle = (1 + rng_below(r, IDLE_CLASSES - 1)) & 15u;
	f.proto = rng_below(r, 4) ? NAT_PROTO_UDP : NAT_PROTO_TCP;
	f.tcp = f.proto == NAT_PROTO_TCP ? (1 + rng_below(r, TCP_STATES - 1)) & 15u : TCP_NONE;
	return f;
}

static uint32_t model_pick(const struct model *m, struct rng *r)
{
	uint32_t i = rng_below(r, m->capacity);

	for (uint32_t n = 0; n < m->capacity; n++, i = (i + 1) % m->capacity)
		if (m->m[i].used)
			return i;
	return NAT_NONE;
}

static void step_add(struct fixture *x, struct model *m, struct rng *r)
{
	struct nat_flow f = random_flow(r, true);
	bool takes = model_takes(m, &f);
	uint32_t i = flow_add(&x->t, &f, (nat_tick)m->now);

	assert_int_equal(i != NAT_NONE, takes);
	if (!takes)
		return;
	assert_true(i < m->capacity && !m->m[i].used);
	m->m[i] = (struct model_flow){ .used = true, .f = f, .at = m->now, .queued = m->now };
	m->n++;
}

static void step_find(const struct fixture *x, const struct model *m, struct rng *r)
{
	struct nat_flow f = random_flow(r, true);
	unsigned k = rng_below(r, keys_of(&f));
	struct nat_ends e = k == FLOW_ORIG ? f.orig : f.reply;
	uint32_t want = NAT_NONE, want_key = 0;
	struct nat_flow *found;
	enum flow_key key;

	if (k == FLOW_MID)
		e.dst = f.orig.src;
	for (uint32_t i = 0; i < m->capacity; i++)
		for (unsigned have = 0; m->m[i].used && have < keys_of(&m->m[i].f); have++)
			if (key_eq(&m->m[i].f, have, &f, k)) {
				want = i;
				want_key = have;
			}
	found = flow_find(&x->t, &e, f.proto, f.family, &key);
	assert_int_equal(found ? flow_index(&x->t, found) : NAT_NONE, want);
	if (found)
		assert_int_equal(key, want_key);
}

static void step_touch(struct fixture *x, struct model *m, uint32_t i)
{
	struct model_flow *f = &m->m[i];

	flow_touch(&x->t, &x->t.flow[i], (nat_tick)m->now);
	f->at = m->now;
	if (m->now - f->queued >= model_limit(x, f) / 8)
		f->queued = m->now;
}

static void step_move(struct fixture *x, struct model *m, uint32_t i, enum idle_class to)
{
	flow_move(&x->t, &x->t.flow[i], to, (nat_tick)m->now);
	m->m[i].f.idle = to & 15u;
	m->m[i].at = m->m[i].queued = m->now;
}

static void step_del(struct fixture *x, struct model *m, uint32_t i)
{
	flow_del(&x->t, i);
	m->m[i].used = false;
	m->n--;
}

/* R36: whoever comes out is expired; if nobody does, nobody is late by more than an eighth. */
static void step_expire(struct fixture *x, struct model *m)
{
	for (;;) {
		uint32_t i = flow_oldest_expired(&x->t, (nat_tick)m->now);

		if (i == NAT_NONE)
			break;
		assert_true(model_expired(x, m, &m->m[i]));
		step_del(x, m, i);
	}
	for (uint32_t i = 0; i < m->capacity; i++)
		assert_false(m->m[i].used && m->now - m->m[i].at >= model_limit(x, &m->m[i]) * 9 / 8 + 1);
}

/* R76: expired, else unanswered, else over; the longest waiting of them. */
static void step_victim(struct fixture *x, struct model *m)
{
	uint32_t i = flow_victim(&x->t, (nat_tick)m->now);
	const struct model_flow *v = i == NAT_NONE ? NULL : &m->m[i];
	unsigned rank = v ? idle_evict_rank(v->f.idle) : 3;

	assert_true(!v || v->used);
	if (v && model_expired(x, m, v)) {
		step_del(x, m, i);
		return;
	}
	assert_int_not_equal(rank, 0);
	for (uint32_t k = 0; k < m->capacity; k++) {
		unsigned other = idle_evict_rank(m->m[k].f.idle);

		if (!m->m[k].used || !other)
			continue;
		assert_true(v && other >= rank);
		assert_true(other > rank || m->m[k].queued >= v->queued);
	}
	if (v)
		step_del(x, m, i);
}

static void model_same(const struct fixture *x, const struct model *m)
{
	good(x);
	assert_int_equal(x->head.used, m->n);
	for (uint32_t i = 0; i < m->capacity; i++) {
		const struct nat_flow *f = &x->t.flow[i];

		assert_int_equal(f->idle != IDLE_FREE, m->m[i].used);
		if (!m->m[i].used)
			continue;
		assert_memory_equal(&f->orig, &m->m[i].f.orig, sizeof(f->orig) * 2);
		assert_int_equal(f->idle, m->m[i].f.idle);
		assert_int_equal(f->used, (nat_tick)m->m[i].at);
		assert_int_equal(f->queued, (nat_tick)m->m[i].queued);
		assert_int_equal(flow_expired(&x->t, f, (nat_tick)m->now), model_expired(x, m, &m->m[i]));
	}
}

static void model_run(uint32_t capacity, uint64_t seed, unsigned steps, uint64_t start)
{
	static struct model m;
	struct rng r = rng_start("flow model", seed);
	struct fixture x;

	fixture_init(&x, capacity);
	m = (struct model){ .capacity = capacity, .now = start };
	while (steps--) {
		uint32_t any = model_pick(&m, &r), what = rng_below(&r, 100);

		if (what < 35)
			step_add(&x, &m, &r);
		else if (what < 50)
			step_find(&x, &m, &r);
		else if (what < 65 && any != NAT_NONE)
			step_touch(&x, &m, any);
		else if (what < 75 && any != NAT_NONE)
			step_move(&x, &m, any, 1 + rng_below(&r, IDLE_CLASSES - 1));
		else if (what < 83 && any != NAT_NONE)
			step_del(&x, &m, any);
		else if (what < 90)
			m.now += rng_below(&r, 20) ? rng_below(&r, 3000) : rng_below(&r, 500000);
		else if (what < 95)
			step_expire(&x, &m);
		else
			step_victim(&x, &m);
		model_same(&x, &m);
	}
	fixture_fini(&x);
}

static void model_1_slot(void **s) { (void)s; model_run(1, 1, 2000, 0); }
static void model_5_slots(void **s) { (void)s; model_run(5, 5, 8000, 12345); }
static void model_30_slots(void **s) { (void)s; model_run(30, 30, 12000, 1); }
static void model_128_slots(void **s) { (void)s; model_run(128, 128, 5000, 99); }
static void R35_model_while_ticks_wrap(void **s) { (void)s; model_run(20, 35, 8000, UINT32_MAX - 100000u); }

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
	for (unsigned what = 0; what < 12; what++) {
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
		}
		assert_non_null(flow_check(&x.t));
		fixture_fini(&x);
	}
}

int main(void)
{
	unit_add("empty_table_finds_nothing", empty_table_finds_nothing, NULL);
	unit_add("found_by_its_keys_and_by_no_other", found_by_its_keys_and_by_no_other, NULL);
	unit_add("flow_ends_are_as_drawn", flow_ends_are_as_drawn, NULL);
	unit_add("clashes_change_nothing", clashes_change_nothing, NULL);
	unit_add("full_table_refuses", full_table_refuses, NULL);
	unit_add("buckets_leave_a_fifth_free", buckets_leave_a_fifth_free, NULL);
	unit_add("R80_crowded_bucket", R80_crowded_bucket, NULL);
	unit_add("R77_every_slot_can_be_used", R77_every_slot_can_be_used, NULL);
	unit_add("model_1_slot", model_1_slot, NULL);
	unit_add("model_5_slots", model_5_slots, NULL);
	unit_add("model_30_slots", model_30_slots, NULL);
	unit_add("model_128_slots", model_128_slots, NULL);
	unit_add("R35_model_while_ticks_wrap", R35_model_while_ticks_wrap, NULL);
	unit_add("rebuild_of_a_good_table_keeps_all", rebuild_of_a_good_table_keeps_all, NULL);
	unit_add("rebuild_drops_what_is_expired_or_torn", rebuild_drops_what_is_expired_or_torn, NULL);
	unit_add("rebuild_after_any_corruption", rebuild_after_any_corruption, NULL);
	unit_add("check_notices", check_notices, NULL);
	return unit_run("flow");
}
