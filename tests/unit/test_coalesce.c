/* SPDX-License-Identifier: GPL-2.0-or-later */
/* coalesce: when a thread waits, and what ends it. */
#include "nfq/coalesce.h"

#include <unistd.h>

#include "nat/nat.h"
#include "tests/unit/unit.h"

#define MS(n) ((nat_ns)(n) * 1000000)

/* Reads of one batch each: after @ns since the one before, @packets came. */
struct step {
	nat_ns ns;
	unsigned packets;
	bool on;
};

static void follow(const struct step *s, unsigned n)
{
	struct coalesce c = { 0 };
	nat_ns now = MS(1000000);

	for (unsigned i = 0; i < n; i++) {
		now += s[i].ns;
		coalesce_count(&c, s[i].packets, now);
		if (c.on != s[i].on)
			unit_fail("step %u: on is %d", i, c.on);
	}
}

#define FOLLOW(...) \
	do { \
		static const struct step steps[] = { __VA_ARGS__ }; \
		follow(steps, COUNT(steps)); \
	} while (0)

static void only_when_there_are_very_many(void **state)
{
	(void)state;
	FOLLOW({ 0, 64, false }, { MS(1), 74, false }, { MS(1), 75, true }, { MS(1), 500, true }, { MS(1), 74, false });
}

/* Within a millisecond nothing is decided: a burst is not a rate. */
static void a_burst_is_not_a_rate(void **state)
{
	(void)state;
	FOLLOW({ 0, 1, false }, { 1000, 64, false }, { 1000, 64, false }, { 1000, 64, false }, { MS(5), 1, false });
}

/* What came in a long time is not very many, however much it is; nor is the first packet after it. */
static void idle_is_seen(void **state)
{
	(void)state;
	FOLLOW({ 0, 1, false }, { MS(10000), 749999, false }, { MS(1), 150, true }, { MS(3600000), 1, false }, { 1000, 1, false });
}

static void other_work_ends_the_wait(void **state)
{
	struct coalesce c = { .on = true };
	int p[2], q[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(pipe(q), 0);
	assert_false(coalesce_wait(&c, (const int[]){ p[0], -1, q[0] }, 3));
	assert_int_equal(write(q[1], "x", 1), 1);
	assert_true(coalesce_wait(&c, (const int[]){ p[0], -1, q[0] }, 3));
	c.on = false;
	assert_false(coalesce_wait(&c, (const int[]){ p[0], -1, q[0] }, 3));
	for (unsigned i = 0; i < 2; i++) {
		close(p[i]);
		close(q[i]);
	}
}

int main(void)
{
	unit_add("only_when_there_are_very_many", only_when_there_are_very_many, NULL);
	unit_add("a_burst_is_not_a_rate", a_burst_is_not_a_rate, NULL);
	unit_add("idle_is_seen", idle_is_seen, NULL);
	unit_add("other_work_ends_the_wait", other_work_ends_the_wait, NULL);
	return unit_run("coalesce");
}
