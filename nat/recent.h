/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * recent - which flows the last plain packets of one thread belonged to.
 *
 * Packets come in trains. A few bits of a packet's ends lead to a guess which
 * flow is theirs, and flow_guessed() checks it: most packets of a busy flow
 * need neither a keyed hash nor the table of hashes. Nothing is secret here:
 * who makes his packets push out others' saves these nothing, and costs them
 * nothing either.
 *
 * Memory   the caller's, all zero at first: wrong guesses do no harm
 * Threads  one each
 */
#ifndef NAT_RECENT_H
#define NAT_RECENT_H

#include "nat/hot.h"
#include "nat/tuple.h"

enum { RECENT_FLOWS = 256 };

struct recent {
	uint32_t check;			/* more bits of the ends */
	uint32_t guess;			/* as from flow_prefetch() */
};

struct nat_recent {
	struct recent at[RECENT_FLOWS];
};

/* recent_mix - bits of @e: the highest 8 for a place, 32 others for a check. Two odd numbers, no more: see above. */
HOT static uint64_t recent_mix(const struct nat_ends *e)
{
	uint64_t src[2], dst[2];
	uint32_t ports;

	memcpy(src, e->src.octet, sizeof(src));
	memcpy(dst, e->dst.octet, sizeof(dst));
	memcpy(&ports, &e->sport, sizeof(ports));
	return ((src[1] ^ dst[0]) * 0x9e3779b97f4a7c15u + (dst[1] ^ src[0]) + ports) * 0xff51afd7ed558ccdu;
}

#endif
