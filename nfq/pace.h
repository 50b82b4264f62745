/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pace - a share of one CPU for work that can wait: clients and watchers must
 * not take from packets what they could have, however much they ask for.
 *
 * Threads  each pace belongs to one
 */
#ifndef NFQ_PACE_H
#define NFQ_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	PACE_BUSY_MS = 4,		/* CPU time in ... */
	PACE_EVERY_MS = 20,		/* ... so much of the clock's: a fifth of one CPU */
};

struct pace {
	uint64_t window_ns;		/* when it began, CLOCK_MONOTONIC */
	uint64_t busy_ns;		/* CPU time in it so far */
	uint64_t began_ns;		/* CPU time of the thread at pace_begin() */
};

/* pace_begin - work begins. Two system calls, as pace_spent(). */
void pace_begin(struct pace *p);

/* pace_spent - is the share used up by what was done since pace_begin()? Then leave the rest for PACE_EVERY_MS. */
bool pace_spent(struct pace *p);

#endif
