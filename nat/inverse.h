/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inverse - forwarded TCP that is picked up by the guest's segment (R31).
 *
 * When the flows are lost (a new state block) and the guest speaks before the
 * client does, its segment must not leave with the guest's own address: the
 * client would reset what it does not know. The row that led the client in
 * is looked for backwards. If exactly one outside endpoint is possible, the
 * flow is opened as if the client had been seen; it counts as unanswered
 * until the client is heard (life_track()), so no guest can fill the table
 * with flows that nobody asked for. If several are, the segment is dropped,
 * and the client's next one mends it. Only for some minutes after a new block
 * (nat_block.lost_until): later there is nothing left that could be missed.
 *
 * A guest's connections beside all forwards are not touched, neither those that
 * it opens from a published port nor those of clients that reach it without us
 * (a routed network): its SYN, or SYN and ACK, is noted, here, as hashes in a
 * table where newer ones overwrite older ones.
 *
 * Internal to nat/.
 */
#ifndef NAT_INVERSE_H
#define NAT_INVERSE_H

#include "nat/pkt.h"
#include "nat/time.h"

struct nat;
struct nat_flow;

enum {
	INVERSE_OWN = 4096,		/* connections of guests that are no forward's; a power of two */
	INVERSE_SECONDS = 300,		/* after a new block, see lost_until */
	INVERSE_PER_TICK = 64,		/* the table is searched from end to end: no more often than that (R81) */
};

struct inverse {
	uint64_t own[INVERSE_OWN];	/* keyed hash of the segment's ends; 0: none */
	nat_tick tick;			/* when `searched` was begun */
	uint32_t searched;
};

/**
 * inverse_open - a packet leaves at POST and belongs to no flow: is it of a forward's connection?
 * Returns NAT_WHY_UNDECIDED and the new flow in @out; NO_FLOW if it is none of
 * ours; UNPLACED if it may be one, but not whose; or why a flow is refused.
 */
enum nat_reason inverse_open(struct nat *n, const struct nat_pkt *p, nat_tick now, struct nat_flow **out);

#endif
