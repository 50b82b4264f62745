/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * idle - how long a flow may be silent, by what it is doing.
 *
 * A flow waits in one queue per class, ordered by when it was put there.
 * A packet only notes the time in its flow; the flow moves to the tail when
 * it has been in place for an eighth of the limit. So a busy flow touches no
 * other flow's memory for most of its packets, and a flow is removed at most
 * an eighth of its limit after it expired. Lookups use the exact deadline:
 * an expired flow is not found (R36).
 */
#ifndef NAT_IDLE_H
#define NAT_IDLE_H

#include "nat/time.h"

/*         name                  default, seconds   may be evicted   why */
#define IDLE_CLASS_LIST(X)                                                                                        \
	X(FREE,                  0,                 0, "slot is not in use")                                      \
	X(UDP_OPENING,           300,               1, "RFC 4787 REQ-5: 2 minutes at least, 5 recommended")       \
	X(UDP,                   300,               0, "the same, after an answer")                               \
	X(TCP_OPENING,           240,               1, "RFC 5382 REQ-5: transitory 4 minutes; RFC 7857 2.1")      \
	X(TCP_PICKED_UP,         300,               1, "until the other side answers (R31)")                      \
	X(TCP_ESTABLISHED,       7440,              0, "RFC 5382 REQ-5: 2 hours 4 minutes")                       \
	X(TCP_DOUBT,             300,               0, "established, but a RST came that did not fit (R44)")      \
	X(TCP_FIN,               240,               0, "half closed (R41)")                                       \
	X(TCP_CLOSING,           240,               2, "RFC 7857 2.2: 4 minutes, also after a RST")               \
	X(ICMP,                  60,                1, "RFC 5508 REQ-2: 60 seconds")                              \
	X(OTHER,                 600,               0, "a protocol without ports, answered: as Linux (R32)")      \
	X(FROZEN,                0,                 0, "its guest is suspended: for ever, then the time left (flow.h)")

enum idle_class {
#define X(name, seconds, evict, why) IDLE_##name,
	IDLE_CLASS_LIST(X)
#undef X
	IDLE_CLASSES
};

/* idle_class_name - "TCP_ESTABLISHED" */
const char *idle_class_name(enum idle_class c);

/* idle_default_s - the limit in seconds that the table above gives */
uint32_t idle_default_s(enum idle_class c);

/*
 * idle_evict_rank - may a flow of this class make room in a full table (R76)?
 * 0: never, it was answered. 1: first, nobody answered it. 2: second, it is over.
 */
unsigned idle_evict_rank(enum idle_class c);

#endif
