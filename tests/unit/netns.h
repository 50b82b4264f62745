/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netns - a network namespace of its own for the whole test program.
 *
 * Tests that need a kernel call netns_enter() first; it skips the test where
 * there are no rights for it, so all others still run.
 */
#ifndef TESTS_NETNS_H
#define TESTS_NETNS_H

#include <sched.h>

#include "nfq/steer/run.h"
#include "tests/unit/unit.h"

static int netns_state;		/* 0: not tried, 1: inside, -1: not possible */

static inline bool netns_is_inside(void)
{
	if (!netns_state)
		netns_state = unshare(CLONE_NEWNET) ? -1 : 1;
	return netns_state > 0;
}

#define netns_enter()                     \
	do {                              \
		if (!netns_is_inside())   \
			skip();           \
	} while (0)

/* netns_run - run a program; its exit status, after its complaint if it has one */
static inline int netns_run(const char *const *argv, const char *input)
{
	char err[512];
	int ret = run_program(argv, input, NULL, err, sizeof(err));

	if (ret)
		print_message("# %s: status %d: %s\n", argv[0], ret, err);
	return ret;
}

/* netns_sh - the same for a line of shell */
static inline int netns_sh(const char *line)
{
	const char *const argv[] = { "sh", "-ec", line, NULL };

	return netns_run(argv, NULL);
}

/* netns_enter_lo - the same with lo up */
#define netns_enter_lo()                                            \
	do {                                                        \
		netns_enter();                                      \
		assert_int_equal(netns_sh("ip link set lo up"), 0); \
	} while (0)

#endif
