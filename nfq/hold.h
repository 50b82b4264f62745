/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hold - fragments that wait for the first of their datagram.
 *
 * Their verdict is withheld, so the kernel keeps the packet; its octets are
 * copied here, because the batch that received them goes on. A place is
 *
 *     free -> held -> leaving (decided, verdict not sent yet) -> free
 *
 * Held packets count in the kernel's queue and stand at its head, where older
 * kernels look first for every verdict: so there are few places (R70).
 *
 * Memory   HOLD_PLACES of HOLD_OCTETS each, allocated once; taken from the system as they are used
 * Threads  all calls under the engine's lock; but hold_free() needs none
 */
#ifndef NFQ_HOLD_H
#define NFQ_HOLD_H

#include "nat/nat.h"
#include "nfq/queue.h"

enum {
	HOLD_PLACES = 256,
	HOLD_LIMIT = 192,		/* held at most: then the oldest has to leave; the other places are for those that leave */
	HOLD_OCTETS = 9216,		/* the largest fragment that is kept: what fits a jumbo frame */
};

struct held {
	struct nat_pkt pkt;		/* data points to octets of our own */
	const struct queue *queue;	/* where its verdict goes */
	uint32_t id;
	uint32_t state;			/* enum hold_state */
	uint64_t order;			/* of arrival */
	nat_ns since;
};

struct hold {
	struct held *place;		/* HOLD_PLACES; NULL: hold_init() was not called, nothing is kept */
	uint8_t *octets;
	uint64_t order;
};

/* Places that were taken out of the hold by one call. */
struct hold_list {
	uint16_t place[HOLD_PLACES];
	unsigned n;
};

/* hold_init - 0 or -ENOMEM */
int hold_init(struct hold *h);
void hold_fini(struct hold *h);

/**
 * hold_put - keep a packet
 * @out: the oldest one is added if it had to make room: leaving, to be dropped by the caller
 *
 * Returns false if it is too large or no place is free: the caller drops it. Cost: O(HOLD_PLACES).
 */
bool hold_put(struct hold *h, const struct nat_pkt *p, const struct queue *q, uint32_t id, nat_ns now,
	      struct hold_list *out);

/* hold_take - let all of a datagram leave, the first fragment first, then in order of arrival; added to @out */
void hold_take(struct hold *h, uint64_t datagram, struct hold_list *out);

/* hold_expire - let those leave whose time is over (frag_life_s()); added to @out */
void hold_expire(struct hold *h, nat_ns now, struct hold_list *out);

/* hold_free - its verdict was sent; any thread, no lock */
void hold_free(struct hold *h, unsigned place);

#endif
