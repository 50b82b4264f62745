/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sctp - the states of an SCTP association as a NAT in the middle sees them (R84).
 *
 * As tcp.h: one table says where each packet leads. Verification tags are not
 * compared: the ends do that. Addresses inside INIT are not rewritten, so
 * only the path that is forwarded works.
 */
#ifndef NAT_SCTP_H
#define NAT_SCTP_H

#include "nat/idle.h"
#include "nat/tuple.h"

/*         name            idle class             what is allowed in it */
#define SCTP_STATE_LIST(X)                                                                                     \
	X(NONE,            IDLE_FREE,             "no flow, or not SCTP")                                      \
	X(INIT,            IDLE_TCP_OPENING,      "INIT seen, from either side; no cookie yet")                \
	X(ECHO_ORIG,       IDLE_TCP_OPENING,      "the initiator sent COOKIE ECHO")                            \
	X(ECHO_REPLY,      IDLE_TCP_OPENING,      "the responder did: both sent INIT")                         \
	X(ESTABLISHED,     IDLE_TCP_ESTABLISHED,  "the other side acknowledged the cookie")                    \
	X(SHUTDOWN,        IDLE_TCP_CLOSING,      "one side wants to end; data may still pass")                \
	X(CLOSED,          IDLE_TCP_CLOSING,      "SHUTDOWN COMPLETE or ABORT seen")                           \
	X(PICKED_UP,       IDLE_TCP_PICKED_UP,    "began in the middle, after a restart; not answered yet")

enum sctp_state {
#define X(name, idle, what) SCTP_##name,
	SCTP_STATE_LIST(X)
#undef X
	SCTP_STATES,
	SCTP_NO = SCTP_STATES	/* the packet does not fit: drop it, change nothing */
};

enum sctp_event {
	SCTP_EV_INIT,
	SCTP_EV_INIT_ACK,
	SCTP_EV_ECHO,
	SCTP_EV_COOKIE_ACK,
	SCTP_EV_DATA,		/* and whatever else belongs to an open association */
	SCTP_EV_SHUTDOWN,	/* also SHUTDOWN ACK */
	SCTP_EV_COMPLETE,
	SCTP_EV_ABORT,
	SCTP_EVENTS,
	SCTP_EV_BAD = SCTP_EVENTS
};

/**
 * sctp_event_of - what the chunks of a packet amount to
 * @h: @len octets from the common header on; may be cut off inside a chunk, as in a first fragment
 *
 * SCTP_EV_BAD: no chunk, a chunk shorter than its header, INIT, INIT ACK or
 * SHUTDOWN COMPLETE with others (RFC 9260 6.10), INIT with a tag (8.5.1).
 * Cost: O(chunks), at most 64 are looked at.
 */
enum sctp_event sctp_event_of(const uint8_t *h, uint32_t len);

/* sctp_next - the table: where @ev from @dir leads from @s, or SCTP_NO */
enum sctp_state sctp_next(enum sctp_state s, enum nat_dir dir, enum sctp_event ev);

/* sctp_state_idle - the idle class that a flow in @s waits in */
enum idle_class sctp_state_idle(enum sctp_state s);

/* sctp_state_name - "ESTABLISHED" */
const char *sctp_state_name(enum sctp_state s);

#endif
