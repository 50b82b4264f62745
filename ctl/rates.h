/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rates - what counters became per second, by name: the model of `top`.
 *
 * Two readings of the per-forward and per-guest counters of OpenMetrics text
 * give rates; no terminal is needed to test it.
 */
#ifndef CTL_RATES_H
#define CTL_RATES_H

#include <stdbool.h>
#include <stddef.h>

enum { RATES_NAME_OCTETS = 64 };

struct rate {
	char name[RATES_NAME_OCTETS];	/* of a forward, or a guest's address */
	double flows;			/* now */
	double opened, in, out, packets;	/* totals; after rates_step(): per second */
};

struct rates {
	struct rate *row;
	size_t n, room;
	bool by_guest;
	double drops, packets, flows, flows_limit;	/* of the whole daemon; the first two like the totals above */
};

/* rates_line - take one line of the text; lines of no interest are ignored. False: no memory. */
bool rates_line(struct rates *r, const char *line);

/* rates_step - from @before to @now, @seconds apart: totals of @now become rates. Rows new in @now began at 0. */
void rates_step(struct rates *now, const struct rates *before, double seconds);

/* rates_copy - false: no memory, and @to is empty */
bool rates_copy(struct rates *to, const struct rates *from);

/* rates_sort - the most octets first */
void rates_sort(struct rates *r);

/* rates_fini - free the rows; by_guest stays */
void rates_fini(struct rates *r);

#endif
