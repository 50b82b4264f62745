/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hist - how long things took: a log-linear histogram, as HdrHistogram's.
 *
 * Each power of two of nanoseconds is cut into 64 equal steps, so a value is
 * kept to within 1.6 %, from 1 ns to 2^41 ns (36 minutes); longer ones count
 * as that. Fixed memory, O(1) per value, nothing is allocated.
 */
#ifndef LOAD_HIST_H
#define LOAD_HIST_H

#include <stdint.h>

enum { HIST_STEP_BITS = 6, HIST_POWERS = 36, HIST_CELLS = HIST_POWERS << HIST_STEP_BITS };

struct hist {
	uint64_t cell[HIST_CELLS];
	uint64_t count;
	uint64_t max_ns;
};

/* hist_add - note one value of @ns nanoseconds */
void hist_add(struct hist *h, uint64_t ns);

/**
 * hist_at - the value that @share of all values do not exceed
 * @share: 0 .. 1, as 0.99
 * Returns nanoseconds, the middle of the cell but never above the largest; 0 if there are no values. O(cells).
 */
uint64_t hist_at(const struct hist *h, double share);

#endif
