/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * retell - initiators of connections that ended are told once more, a second later.
 *
 * What tells them may be lost, and Linux answers the probe of reset.h at most once
 * in half a second (net.ipv4.tcp_invalid_ratelimit, tcp_oow_rate_limited() of
 * net/ipv4/tcp_input.c): who has answered another segment from out of place
 * just before stays silent, and would keep a dead connection until it speaks.
 *
 * Memory   a fixed part of the main process; of more than RETELL connections a second the first ones are told again
 * Threads  none
 */
#ifndef NFQ_RETELL_H
#define NFQ_RETELL_H

#include "nat/flow.h"

enum { RETELL = 1024 };

struct retell {				/* all zero at first */
	struct nat_flow flow[RETELL];
	unsigned n, due;		/* how many; the first of them are older than a look */
};

/* Say it to the initiator, by what the flow says. */
typedef void (*retell_fn)(void *ctx, const struct nat_flow *f);

/* retell_add - both sides of a flow of TCP have been told */
void retell_add(struct retell *r, const struct nat_flow *f);

/**
 * retell_look - a second is over
 * @tell: called for each flow that was there at the look before, which is forgotten then
 * Cost: a call for each of these, and one copy of the others.
 */
void retell_look(struct retell *r, retell_fn tell, void *ctx);

#endif
