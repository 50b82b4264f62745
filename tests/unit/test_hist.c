/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hist - the bench's histogram against a sorted list of the same values */
#include "bench/load/hist.c"
#include "tests/unit/unit.h"

enum { VALUES = 10000 };

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 33;
}

/* Of any values, each percentile is that of the sorted list, to within one step of the histogram (1 in 64). */
static void percentiles_are_those_of_the_sorted_list(void **state)
{
	static const double shares[] = { 0, 0.1, 0.5, 0.9, 0.99, 0.999 };
	static uint64_t value[VALUES];
	static struct hist h;
	uint64_t seed = 42;

	(void)state;
	for (unsigned power = 1; power < 40; power++) {
		memset(&h, 0, sizeof(h));
		for (unsigned i = 0; i < VALUES; i++) {
			value[i] = (next(&seed) << 31 | next(&seed)) & ((1ull << power) - 1);
			hist_add(&h, value[i]);
		}
		qsort(value, VALUES, sizeof(value[0]), by_size);
		for (unsigned s = 0; s < COUNT(shares); s++) {
			uint64_t want = value[(unsigned)(shares[s] * VALUES)], got = hist_at(&h, shares[s]);

			assert_in_range(got, want - want / 64, want + want / 64);
		}
		assert_int_equal(hist_at(&h, 1), value[VALUES - 1]);
	}
}

static void nothing_and_too_much(void **state)
{
	static struct hist h;

	(void)state;
	memset(&h, 0, sizeof(h));
	assert_int_equal(hist_at(&h, 0.5), 0);
	hist_add(&h, UINT64_MAX);
	assert_int_equal(hist_at(&h, 1), UINT64_MAX);
	assert_true(hist_at(&h, 0.5) > 1ull << 40);
	memset(&h, 0, sizeof(h));
	hist_add(&h, 65 << 10);		/* below the middle of its cell */
	assert_int_equal(hist_at(&h, 0.5), 65 << 10);
}

int main(void)
{
	unit_add("percentiles_are_those_of_the_sorted_list", percentiles_are_those_of_the_sorted_list, NULL);
	unit_add("nothing_and_too_much", nothing_and_too_much, NULL);
	return unit_run("hist");
}
