/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tcp - see tcp.h */
#include "nat/tcp.h"

#include <assert.h>

#include "nat/pkt.h"

static const struct {
	const char *name;
	enum idle_class idle;
} states[] = {
#define X(name, idle, what) { #name, idle },
	TCP_STATE_LIST(X)
#undef X
};

_Static_assert(sizeof(states) / sizeof(states[0]) == TCP_STATES, "one row per state");

enum {
	SS = TCP_SYN_SENT,
	SB = TCP_SYN_BOTH,
	SR = TCP_SYN_RECV,
	ES = TCP_ESTABLISHED,
	FO = TCP_FIN_ORIG,
	FR = TCP_FIN_REPLY,
	CL = TCP_CLOSING,
	RS = TCP_RESET,
	PU = TCP_PICKED_UP,
	XX = TCP_NO,
};

/* A row is read as: in this state, each segment seen leads to ... */
static const uint8_t next[TCP_STATES][NAT_DIRS][TCP_EVENTS] = {
	/*                    initiator sends         responder sends
	 *                    SYN SA  ACK FIN RST     SYN SA  ACK FIN RST */
	[TCP_NONE]        = { { SS, XX, PU, FO, XX }, { XX, XX, XX, XX, XX } },	/* (a) */
	[TCP_SYN_SENT]    = { { SS, SS, SS, SS, RS }, { SB, SR, SS, SS, RS } },	/* (b) */
	[TCP_SYN_BOTH]    = { { SB, SR, SB, SB, RS }, { SB, SR, SB, SB, RS } },	/* (c) */
	[TCP_SYN_RECV]    = { { SR, SR, ES, FO, RS }, { SR, SR, SR, FR, RS } },	/* (d) */
	[TCP_ESTABLISHED] = { { ES, ES, ES, FO, RS }, { ES, ES, ES, FR, RS } },	/* (e) */
	[TCP_FIN_ORIG]    = { { FO, FO, FO, FO, RS }, { FO, FO, FO, CL, RS } },
	[TCP_FIN_REPLY]   = { { FR, FR, FR, CL, RS }, { FR, FR, FR, FR, RS } },
	[TCP_CLOSING]     = { { SS, CL, CL, CL, RS }, { XX, CL, CL, CL, RS } },	/* (f) */
	[TCP_RESET]       = { { SS, RS, RS, RS, RS }, { XX, RS, RS, RS, RS } },	/* (f) */
	[TCP_PICKED_UP]   = { { PU, PU, PU, FO, RS }, { PU, SR, ES, FR, RS } },	/* (g) */
};
/*
 * (a) ACK and data are picked up, so that flows outlive a restart of the
 *     daemon (R31); a FIN here always carries ACK (tcp_event_of). A RST, a
 *     SYN-ACK and whatever the responder sends first open nothing.
 * (b) A SYN from the responder is a simultaneous open (R39, RFC 5382 REQ-2a).
 *     A bare ACK from it is a challenge ACK or a stale one: passed, so that
 *     the initiator can answer with a RST (R43).
 * (c) Either SYN-ACK answers the other side's SYN.
 * (d) The initiator's ACK, or its first data if that ACK was lost, completes
 *     the handshake (R40); nothing that the responder sends does (R38).
 * (e) A SYN in an open flow is passed: the peer answers with a challenge ACK
 *     (R43, RFC 5961 4). Whether a RST is believed is life.c's matter (R44).
 * (f) Only the initiator may reopen (R42): a NAT must not invent inbound flows.
 * (g) An ACK of the responder shows that the guest knows this flow. A SYN-ACK
 *     shows only that a SYN came after all: the handshake goes on (R38).
 */

enum tcp_event tcp_event_of(uint8_t flags)
{
	/* tcp_valid_flags of nf_conntrack_proto_tcp.c: S, SU, SA, R, RA, FA, FAU, A, AU (R48). */
	switch (flags & (TCP_F_SYN | TCP_F_ACK | TCP_F_FIN | TCP_F_RST | TCP_F_URG)) {
	case TCP_F_SYN:
	case TCP_F_SYN | TCP_F_URG:
		return TCP_EV_SYN;
	case TCP_F_SYN | TCP_F_ACK:
		return TCP_EV_SYNACK;
	case TCP_F_RST:
	case TCP_F_RST | TCP_F_ACK:
		return TCP_EV_RST;
	case TCP_F_FIN | TCP_F_ACK:
	case TCP_F_FIN | TCP_F_ACK | TCP_F_URG:
		return TCP_EV_FIN;
	case TCP_F_ACK:
	case TCP_F_ACK | TCP_F_URG:
		return TCP_EV_ACK;
	default:
		return TCP_EV_BAD;
	}
}

enum tcp_state tcp_next(enum tcp_state s, enum nat_dir dir, enum tcp_event ev)
{
	assert(s < TCP_STATES && dir < NAT_DIRS && ev < TCP_EVENTS);
	return (enum tcp_state)next[s][dir][ev];
}

enum idle_class tcp_state_idle(enum tcp_state s)
{
	assert(s < TCP_STATES);
	return states[s].idle;
}

const char *tcp_state_name(enum tcp_state s)
{
	assert(s < TCP_STATES);
	return states[s].name;
}
