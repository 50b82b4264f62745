/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unit - tests as rows of a table, on top of cmocka.
 *
 * unit_add() registers one test per row, so each row has a name and a result
 * of its own. Random tests print their seed; UNIT_SEED in the environment
 * replaces it.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { UNIT_TESTS_MAX = 1024 };

static struct CMUnitTest unit_tests[UNIT_TESTS_MAX];
static size_t unit_count;

/* unit_add - one test; @row is what `*state` points to in it */
static inline void unit_add(const char *name, CMUnitTestFunction run, const void *row)
{
	if (unit_count == UNIT_TESTS_MAX)
		abort();
	unit_tests[unit_count++] = (struct CMUnitTest){ .name = name, .test_func = run, .initial_state = (void *)(uintptr_t)row };
}

/* unit_add_around - the same between @setup and @teardown, each of which may be NULL */
static inline void unit_add_around(const char *name, CMUnitTestFunction run, const void *row, CMFixtureFunction setup,
				   CMFixtureFunction teardown)
{
	unit_add(name, run, row);
	unit_tests[unit_count - 1].setup_func = setup;
	unit_tests[unit_count - 1].teardown_func = teardown;
}

static inline int unit_run(const char *group)
{
	return _cmocka_run_group_tests(group, unit_tests, unit_count, NULL, NULL);
}

/* unit_fail - fail with a text of one's own */
#define unit_fail(...) (print_error("# " __VA_ARGS__), print_error("\n"), fail())

/* unit_exact - memory of exactly @octets, so that the sanitizer sees every step outside */
static inline uint8_t *unit_exact(const uint8_t *from, size_t octets)
{
	uint8_t *p = malloc(octets ? octets : 1);

	if (!p)
		abort();
	if (octets)
		memcpy(p, from, octets);
	return p;
}

/* SplitMix64, Steele, Lea, Flood 2014: small, and good enough to choose test inputs. */
struct rng {
	uint64_t s;
};

static inline uint64_t rng_next(struct rng *r)
{
	uint64_t z = r->s += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* rng_below - 0 .. n - 1 */
static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
	return (uint32_t)(rng_next(r) % n);
}

static inline struct rng rng_start(const char *what, uint64_t seed)
{
	const char *own = getenv("UNIT_SEED");

	if (own)
		seed = strtoull(own, NULL, 0);
	print_message("# %s: seed %llu\n", what, (unsigned long long)seed);
	return (struct rng){ .s = seed };
}

static inline void rng_fill(struct rng *r, void *out, size_t octets)
{
	uint8_t *p = out;

	while (octets--)
		*p++ = (uint8_t)rng_next(r);
}

#endif
