/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * one_way - flows that the guest never answers, made known to conntrack.
 *
 * For conntrack a flow is new until it is answered, so each of its packets is
 * queued twice: where it is translated, and in FORWARD to pass the host's
 * rules. Where the host's rules are passed anyway, conntrack is told that the
 * flow was answered (CTA_STATUS with IPS_SEEN_REPLY, by the same socket):
 * then it is established, and one transit is left. docs/decisions/0024.
 *
 * What it costs conntrack: the entry stays for nf_conntrack_udp_timeout_stream
 * as that of any stream does, so no more than ONE_WAY_PER_SECOND are told.
 *
 * Threads  one struct for each
 */
#ifndef NFQ_ONE_WAY_H
#define NFQ_ONE_WAY_H

#include <stddef.h>

#include "nat/pkt.h"
#include "nat/time.h"

enum {
	ONE_WAY_PER_SECOND = 100,	/* of one thread */
	ONE_WAY_KNOWN = 64,
	ONE_WAY_OCTETS = 128,
};

struct one_way {
	nat_ns began;			/* the second that `told` counts for */
	unsigned told;
	uint32_t known[ONE_WAY_KNOWN];	/* flow + 1, told in this second; another flow may take its place */
};

/**
 * one_way_tell - tell conntrack of the packets' flows that nat_packet() marked so
 * @fd:  of any queue
 * Errors come back to the queue as messages that msg_parse() calls MSG_OTHER: then the flow's next packets ask again, a second later.
 */
void one_way_tell(struct one_way *o, int fd, const struct nat_pkt *p, unsigned n, nat_ns now);

/* one_way_message - what conntrack is told of a packet's flow; ONE_WAY_OCTETS, 4-aligned. Returns its octets. */
size_t one_way_message(const struct nat_pkt *p, uint8_t *buf);

#endif
