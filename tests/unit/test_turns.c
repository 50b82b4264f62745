/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine: whoever waits for it gets it before a thread that comes back at once. */
#include "nfq/engine.h"

#include <sched.h>

#include "nfq/state.h"
#include "tests/unit/unit.h"
#include "tests/unit/world.h"

static struct world w;
static struct engine engine;
static bool others_turn;		/* written inside */

static int setup(void **state)
{
	struct nat_params p = world_params(16);

	(void)state;
	w = world_new(&p);
	others_turn = false;
	return engine_init(&engine, &w.nat);
}

static int teardown(void **state)
{
	(void)state;
	hold_fini(&engine.hold);
	world_free(&w);
	return 0;
}

static void *other(void *arg)
{
	(void)arg;
	engine_enter(&engine, true);
	others_turn = true;
	engine_leave(&engine);
	return NULL;
}

/* It is the next one, not only about to wait. */
static void until_it_waits(void)
{
	while (!pthread_mutex_trylock(&engine.next)) {
		pthread_mutex_unlock(&engine.next);
		sched_yield();
	}
}

static void who_waits_is_next(void **state)
{
	pthread_t thread;
	bool seen;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		others_turn = false;
		engine_enter(&engine, false);
		assert_int_equal(pthread_create(&thread, NULL, other, NULL), 0);
		until_it_waits();
		engine_leave(&engine);
		engine_pass(&engine);
		engine_enter(&engine, false);
		seen = others_turn;
		engine_leave(&engine);
		pthread_join(thread, NULL);
		assert_true(seen);
	}
}

/* Nobody has to make way for nobody. */
static void late_is_who_keeps_others_waiting(void **state)
{
	pthread_t thread;
	nat_ns since;

	(void)state;
	since = engine_enter(&engine, false);
	assert_false(engine_is_late(&engine, 0));
	assert_int_equal(pthread_create(&thread, NULL, other, NULL), 0);
	until_it_waits();
	assert_true(engine_is_late(&engine, since - ENGINE_TURN_NS));
	engine_leave(&engine);
	pthread_join(thread, NULL);
	assert_false(engine_is_late(&engine, 0));
	engine_pass(&engine);			/* does not wait for anybody */
}

/* A worker that dies inside is seen to have been there. */
static void R88_inside_is_busy(void **state)
{
	(void)state;
	engine_enter(&engine, false);
	assert_int_equal(w.nat.block->busy, 1);
	engine_leave(&engine);
	assert_int_equal(w.nat.block->busy, 0);
}

int main(void)
{
#define TEST(name) unit_add_around(#name, name, NULL, setup, teardown)
	TEST(who_waits_is_next);
	TEST(late_is_who_keeps_others_waiting);
	TEST(R88_inside_is_busy);
#undef TEST
	return unit_run("turns");
}
