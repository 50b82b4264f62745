/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hist - see hist.h */
#include "bench/load/hist.h"

/* Values below 64 have a cell each; above, the top 7 bits choose it. */
static unsigned cell_of(uint64_t ns)
{
	unsigned power;

	if (ns < 1u << HIST_STEP_BITS)
		return (unsigned)ns;
	power = 63 - (unsigned)__builtin_clzll(ns) - HIST_STEP_BITS;
	if (power >= HIST_POWERS - 1)
		return HIST_CELLS - 1;
	return ((power + 1) << HIST_STEP_BITS) | (unsigned)(ns >> power & ((1u << HIST_STEP_BITS) - 1));
}

static uint64_t middle_of(unsigned cell)
{
	unsigned power = cell >> HIST_STEP_BITS;
	uint64_t step = cell & ((1u << HIST_STEP_BITS) - 1);

	if (!power)
		return step;
	return ((step | 1u << HIST_STEP_BITS) << (power - 1)) + (1ull << (power - 1)) / 2;
}

void hist_add(struct hist *h, uint64_t ns)
{
	h->cell[cell_of(ns)]++;
	h->count++;
	if (ns > h->max_ns)
		h->max_ns = ns;
}

uint64_t hist_at(const struct hist *h, double share)
{
	uint64_t want = (uint64_t)(share * (double)h->count), seen = 0;

	if (!h->count)
		return 0;
	if (want >= h->count)
		return h->max_ns;
	for (unsigned c = 0; c < HIST_CELLS; c++) {
		seen += h->cell[c];
		if (seen > want)
			return middle_of(c) < h->max_ns ? middle_of(c) : h->max_ns;
	}
	return h->max_ns;
}
