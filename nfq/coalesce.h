/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * coalesce - when very many datagrams come, a thread lets some come together before it reads them.
 *
 * As a network card does with its interrupts, and for the same reason: a thread
 * that is woken for each takes the CPU from whoever sends them. It waits only
 * when its queue had 75,000 a second, 400 us at most, and no longer than until
 * something else has come that it is to do. docs/decisions/0029.
 *
 * Threads  one thread's own; no shared state
 */
#ifndef NFQ_COALESCE_H
#define NFQ_COALESCE_H

#include <stdbool.h>

#include "nat/time.h"

enum {
	COALESCE_PER_MS = 75,		/* packets in a millisecond that are very many */
	COALESCE_WINDOW_NS = 1000000,	/* at least so long are they counted */
	COALESCE_WAIT_NS = 400000,
	COALESCE_FDS_MAX = 4,
};

struct coalesce {			/* all zero at first */
	nat_ns since;			/* when the window began */
	unsigned packets;		/* in it */
	bool on;			/* the window before had very many */
};

/* coalesce_count - @packets more were read; @now as for nat_packet() */
void coalesce_count(struct coalesce *c, unsigned packets, nat_ns now);

/*
 * coalesce_wait - if there are very many, wait for more, or until one of @fd can be read
 * @fd: @n, COALESCE_FDS_MAX at most; negative ones are ignored
 * Returns whether one can be. Cost: nothing if there are few, else one poll(2).
 */
bool coalesce_wait(const struct coalesce *c, const int *fd, unsigned n);

#endif
