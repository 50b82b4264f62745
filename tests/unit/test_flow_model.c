/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flow: the table beside a slow model that is obviously right (an array,
 * searched from end to end), with flow_check() after every step.
 */
#include "nat/flow.h"

#include "tests/unit/flow_fixture.h"

enum { SLOTS_MAX = 128 };

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
			step_move(&x, &m, any, 1 + rng_below(&r, IDLE_FROZEN - 1));
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

int main(void)
{
	unit_add("model_1_slot", model_1_slot, NULL);
	unit_add("model_5_slots", model_5_slots, NULL);
	unit_add("model_30_slots", model_30_slots, NULL);
	unit_add("model_128_slots", model_128_slots, NULL);
	unit_add("R35_model_while_ticks_wrap", R35_model_while_ticks_wrap, NULL);
	return unit_run("flow_model");
}
