/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proto - what the transport protocols other than TCP are to a NAT: in which
 * state a flow begins, and what each packet does to it.
 *
 *     UDP, UDP-Lite   open, then answered (RFC 4787 REQ-5)
 *     ICMP queries    one timer (RFC 5508 REQ-2)
 *     SCTP            by its chunks: sctp.h
 *     DCCP            answered: as long as TCP; Reset: closing (RFC 5597 REQ-3..5)
 *     all others      known by their addresses alone (R26)
 */
#ifndef NAT_PROTO_H
#define NAT_PROTO_H

#include "nat/flow.h"
#include "nat/pkt.h"

/**
 * proto_first - the state of a flow whose first packet this is; fills f->tcp and f->idle
 * Not for TCP. Returns NAT_WHY_UNDECIDED, or NO_FORWARD (an ICMP answer),
 * SCTP_CHUNKS, SCTP_NO_FLOW: it opens nothing.
 */
enum nat_reason proto_first(const struct nat_pkt *p, struct nat_flow *f);

/**
 * proto_track - a packet of a known flow: its state and its timer
 * Not for TCP. Returns NAT_WHY_UNDECIDED, or SCTP_CHUNKS, SCTP_STATE: drop it, nothing was changed.
 */
enum nat_reason proto_track(struct flow_table *t, const struct nat_pkt *p, struct nat_flow *f, enum nat_dir dir,
			    nat_tick now);

/* proto_state_name - of f->tcp, for protocols that have states (TCP, SCTP); "" for the others */
const char *proto_state_name(uint8_t proto, uint8_t state);

/* proto_has_states - does f->tcp mean anything? */
static inline bool proto_has_states(uint8_t proto)
{
	return proto == NAT_PROTO_TCP || proto == NAT_PROTO_SCTP;
}

#endif
