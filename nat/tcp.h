/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tcp - the states of a TCP flow as a NAT in the middle sees them.
 *
 * One table (tcp.c) says where each segment leads. It is liberal (R46): no
 * segment is dropped for its sequence number; numbers matter only for RST,
 * so that a stranger's guess cannot end a flow (R44, RFC 5961 3).
 */
#ifndef NAT_TCP_H
#define NAT_TCP_H

#include "nat/idle.h"
#include "nat/tuple.h"

/*         name            idle class             what is allowed in it */
#define TCP_STATE_LIST(X)                                                                                   \
	X(NONE,            IDLE_FREE,             "no flow, or not TCP")                                    \
	X(SYN_SENT,        IDLE_TCP_OPENING,      "the initiator sent SYN, nothing came back")              \
	X(SYN_BOTH,        IDLE_TCP_OPENING,      "both sent SYN: simultaneous open, RFC 9293 3.5")         \
	X(SYN_RECV,        IDLE_TCP_OPENING,      "SYN-ACK seen, the initiator's ACK not yet")              \
	X(ESTABLISHED,     IDLE_TCP_ESTABLISHED,  "both sides sent SYN and the initiator acknowledged")     \
	X(FIN_ORIG,        IDLE_TCP_FIN,          "the initiator sent FIN; the responder may still send")   \
	X(FIN_REPLY,       IDLE_TCP_FIN,          "the responder sent FIN; the initiator may still send")   \
	X(CLOSING,         IDLE_TCP_CLOSING,      "both sent FIN; last ACKs and retransmissions")           \
	X(RESET,           IDLE_TCP_CLOSING,      "RST seen; lives on only for retransmissions (R45)")      \
	X(PICKED_UP,       IDLE_TCP_PICKED_UP,    "began in mid-stream, after a restart; not answered yet")

enum tcp_state {
#define X(name, idle, what) TCP_##name,
	TCP_STATE_LIST(X)
#undef X
	TCP_STATES,
	TCP_NO = TCP_STATES	/* the segment does not fit: drop it, change nothing */
};

enum tcp_event {
	TCP_EV_SYN,
	TCP_EV_SYNACK,
	TCP_EV_ACK,		/* also data */
	TCP_EV_FIN,
	TCP_EV_RST,
	TCP_EVENTS,
	TCP_EV_BAD = TCP_EVENTS	/* flags that no stack sends together (R48) */
};

/* tcp_event_of - what a segment with these flags is; PSH, ECE, CWR and NS do not matter */
enum tcp_event tcp_event_of(uint8_t flags);

/* tcp_next - the table: where @ev from @dir leads from @s, or TCP_NO */
enum tcp_state tcp_next(enum tcp_state s, enum nat_dir dir, enum tcp_event ev);

/* tcp_state_idle - the idle class that a flow in @s waits in */
enum idle_class tcp_state_idle(enum tcp_state s);

/* tcp_state_name - "ESTABLISHED" */
const char *tcp_state_name(enum tcp_state s);

/* tcp_after - is sequence number @a after @b, modulo 2^32 (R50, RFC 9293 3.4) */
static inline bool tcp_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

#endif
