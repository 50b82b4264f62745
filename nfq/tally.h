/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tally - packets and octets per forward and guest.
 *
 * Flows count for themselves; what a flow counted is added here when it ends.
 * So the data path pays nothing, and the sum is this plus the flows that
 * live. Shared memory: written by workers under the engine's lock, read by
 * main at any time.
 *
 * Invariant  a row in use never changes its name, and none is ever freed: counters do not go back
 */
#ifndef NFQ_TALLY_H
#define NFQ_TALLY_H

#include "nat/flow.h"
#include "nfq/state.h"

enum { TALLY_ROWS = 8192 };	/* different pairs of forward and guest; when they are used up the rest goes to one row */

enum tally_way {
	TALLY_IN,		/* to the guest */
	TALLY_OUT,		/* from it */
	TALLY_WAYS
};

struct tally_row {
	uint32_t used;
	uint8_t family;		/* enum nat_family; 0: row of all that found no room */
	char forward[STATE_NAME_OCTETS];
	struct nat_addr guest;
	uint64_t flows;		/* that ended, or that began: the reader says which */
	uint64_t packets[TALLY_WAYS], octets[TALLY_WAYS];
};

struct tally {
	struct tally_row row[TALLY_ROWS];	/* open addressing; the last one is for those without room */
};

/**
 * tally_add - count a flow
 * @forward: name of its forward
 * Cost: one hash of the name and a row.
 */
void tally_add(struct tally *t, const char *forward, const struct nat_flow *f);

/* tally_guest - which end of a flow is the guest */
struct nat_addr tally_guest(const struct nat_flow *f);

#endif
