/* SPDX-License-Identifier: GPL-2.0-or-later */
/* added: a forward that was added for a time goes when it is over, also if the host slept meanwhile (R35). */
#include "nfq/added.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static const char text[] = "forwards:\n  - { name: a, to: 10.9.0.9, publish: \"7000\" }\n";

/* What the test adds to a clock: it stands for libc's, for the event loop too. */
static time_t awake_s, asleep_s;

int clock_gettime(clockid_t id, struct timespec *t)
{
	long ret = syscall(SYS_clock_gettime, id, t);

	t->tv_sec += awake_s + (id == CLOCK_BOOTTIME ? asleep_s : 0);
	return (int)ret;
}

static struct conf *parse(const char *yaml)
{
	struct conf *c = NULL;

	assert_int_equal(conf_parse("test.yaml", yaml, strlen(yaml), &c, stderr), 0);
	return c;
}

/* All that is due now. */
static void turn(struct ev_loop *loop)
{
	ev_now_update(loop);
	ev_run(loop, EVRUN_NOWAIT);
}

static void R35_sleep_ends_it(void **state)
{
	struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
	/* A change under way: what should follow is only noted. */
	struct live live = { .conf = parse("forwards: []\n"), .change.under_way = true };
	const char *other, *why;

	(void)state;
	live.file = live.conf;
	added_open(loop, &live);
	assert_int_equal(added_add(parse(text), text, 1200, &other), ADDED_OK);
	turn(loop);
	assert_in_range(added_left_s("a", &why), 1199, 1200);

	awake_s = 600;
	turn(loop);
	assert_in_range(added_left_s("a", &why), 599, 600);
	assert_false(live.change.again);

	asleep_s = 3600;
	awake_s += 10;			/* and the loop has had its next look */
	turn(loop);
	assert_int_equal(added_left_s("a", &why), -1);
	assert_true(live.change.again);
	added_close();
	conf_free(live.conf);
	ev_loop_destroy(loop);
}

int main(void)
{
	unit_add("R35_sleep_ends_it", R35_sleep_ends_it, NULL);
	return unit_run("added");
}
