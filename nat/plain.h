/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plain - what a faster tier must know of the engine, and the engine of it.
 *
 * A tier that translates packets before they reach NFQUEUE (a tc program, a
 * table of the kernel's) may take a flow over once it is plain: open in both
 * directions, each direction rewritten in one place from ends to ends, nothing
 * but counting to be done. It must leave every TCP segment with SYN, FIN or
 * RST, every fragment and every ICMP error to nat_packet(), and must report
 * what it saw to plain_seen() well within the flow's idle limit.
 *
 * Threads  the caller holds the engine's lock
 */
#ifndef NAT_PLAIN_H
#define NAT_PLAIN_H

#include "nat/nat.h"

/* A plain flow, copied: it stays good until plain_seen() says that it is not. */
struct plain {
	uint32_t index;				/* the flow's slot */
	uint8_t proto, family;
	struct {
		struct nat_ends from, to;	/* as a packet of this direction comes and goes */
	} dir[NAT_DIRS];
};

/**
 * plain_of - may a faster tier take this flow?
 * @index: its slot
 * @p:     out; untouched if not
 *
 * Not: free slots, protocols without ports, flows that nobody answered, TCP
 * that is not ESTABLISHED or in doubt after a RST, hairpins and flows of this
 * host (rewritten at two hooks), frozen flows, and those that the active table
 * does not lead any more. O(1).
 */
bool plain_of(const struct nat *n, uint32_t index, struct plain *p);

/**
 * plain_seen - the tier handled packets of a flow
 * @packets, @octets: since the last call, of direction @dir; an aggregate counts once
 * @last:             when the last of them came; not later than @now; ignored if there were none
 * @now:              as for nat_packet()
 *
 * Counts them and notes the use. Returns false, and counts nothing, if the
 * flow is not plain any more or is another: the tier must forget it at once.
 */
bool plain_seen(struct nat *n, const struct plain *p, enum nat_dir dir, uint32_t packets, uint64_t octets, nat_ns last,
		nat_ns now);

#endif
