/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unheard - connections that ended while their guest was away.
 *
 * A guest that was saved, or is set back to a snapshot, has the connections of
 * then again when it runs again, while their peers were told of the end long
 * ago: its own RST met nobody. So it is told when it is back. A guest that has
 * started anew ignores that.
 *
 * Memory   a fixed part of the main process; of more than UNHEARD connections the last ones are kept
 * Threads  none
 */
#ifndef NFQ_UNHEARD_H
#define NFQ_UNHEARD_H

#include "conf/conf.h"
#include "nat/flow.h"

enum { UNHEARD = 1024 };

struct unheard {
	struct nat_flow flow[UNHEARD];
	bool away[UNHEARD];		/* its guest was, when the table was swapped; false: it ended in the swap under way */
	unsigned n, next;		/* how many; the one to be overwritten next, once all are in use */
};

/* Say it to the guest, by what the flow says. */
typedef void (*unheard_fn)(void *ctx, const struct nat_flow *f);

/* unheard_add - both sides of a flow of TCP have been told; whether the guest heard it the next swap will show */
void unheard_add(struct unheard *u, const struct nat_flow *f);

/**
 * unheard_swapped - another table is in use
 * @c:    what it was made of: guests that are there have rows that lead to them
 * @tell: called for each flow whose guest was away and is back; one that is suspended is not
 * Cost: a walk over the rows for each guest that is waited for.
 */
void unheard_swapped(struct unheard *u, const struct conf *c, unheard_fn tell, void *ctx);

#endif
