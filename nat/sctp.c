/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sctp - see sctp.h */
#include "nat/sctp.h"

#include <assert.h>

#include "nat/wire.h"

static const struct {
	const char *name;
	enum idle_class idle;
} states[] = {
#define X(name, idle, what) { #name, idle },
	SCTP_STATE_LIST(X)
#undef X
};

_Static_assert(sizeof(states) / sizeof(states[0]) == SCTP_STATES, "one row per state");
_Static_assert(SCTP_STATES <= 15, "kept in 4 bits");

enum {
	IN = SCTP_INIT,
	EO = SCTP_ECHO_ORIG,
	ER = SCTP_ECHO_REPLY,
	ES = SCTP_ESTABLISHED,
	SD = SCTP_SHUTDOWN,
	CL = SCTP_CLOSED,
	PU = SCTP_PICKED_UP,
	XX = SCTP_NO,
};

/* A row is read as: in this state, each packet seen leads to ... */
static const uint8_t next[SCTP_STATES][NAT_DIRS][SCTP_EVENTS] = {
	/*                     initiator sends                           responder sends
	 *                     INI IAC ECH CAC DAT SHU COM ABO           INI IAC ECH CAC DAT SHU COM ABO */
	[SCTP_NONE]        = { { IN, XX, PU, XX, PU, PU, XX, XX }, { XX, XX, XX, XX, XX, XX, XX, XX } },	/* (a) */
	[SCTP_INIT]        = { { IN, IN, EO, IN, IN, IN, IN, CL }, { IN, IN, ER, IN, IN, IN, IN, CL } },	/* (b) */
	[SCTP_ECHO_ORIG]   = { { EO, EO, EO, EO, EO, EO, EO, CL }, { EO, EO, EO, ES, EO, EO, EO, CL } },	/* (c) */
	[SCTP_ECHO_REPLY]  = { { ER, ER, ER, ES, ER, ER, ER, CL }, { ER, ER, ER, ER, ER, ER, ER, CL } },	/* (c) */
	[SCTP_ESTABLISHED] = { { ES, ES, ES, ES, ES, SD, ES, CL }, { ES, ES, ES, ES, ES, SD, ES, CL } },	/* (d) */
	[SCTP_SHUTDOWN]    = { { SD, SD, SD, SD, SD, SD, CL, CL }, { SD, SD, SD, SD, SD, SD, CL, CL } },
	[SCTP_CLOSED]      = { { IN, CL, CL, CL, CL, CL, CL, CL }, { XX, CL, CL, CL, ES, CL, CL, CL } },	/* (e) */
	[SCTP_PICKED_UP]   = { { PU, PU, PU, PU, PU, PU, CL, CL }, { PU, IN, PU, ES, ES, SD, CL, CL } },	/* (f) */
};
/*
 * (a) As with TCP: what is under way is picked up (R31), an ending is not.
 * (b) Both may send INIT at once (RFC 9260 5.2.1); a cookie decides.
 * (c) Only the other side's COOKIE ACK opens: no one alone gets the long timer (R38).
 * (d) INIT in an open association is a restart of its sender (5.2.2): the ends settle it.
 * (e) A responder that still sends data has not believed an ABORT: nor do we (R44).
 * (f) An answer shows that the guest knows the association.
 */

/* RFC 9260 3.2 */
static enum sctp_event event_of_chunk(uint8_t type)
{
	switch (type) {
	case 1:
		return SCTP_EV_INIT;
	case 2:
		return SCTP_EV_INIT_ACK;
	case 6:
		return SCTP_EV_ABORT;
	case 7:
	case 8:
		return SCTP_EV_SHUTDOWN;
	case 10:
		return SCTP_EV_ECHO;
	case 11:
		return SCTP_EV_COOKIE_ACK;
	case 14:
		return SCTP_EV_COMPLETE;
	default:
		return SCTP_EV_DATA;
	}
}

static bool stands_alone(enum sctp_event ev)
{
	return ev == SCTP_EV_INIT || ev == SCTP_EV_INIT_ACK || ev == SCTP_EV_COMPLETE;
}

enum sctp_event sctp_event_of(const uint8_t *h, uint32_t len)
{
	enum { HEADER = 12, CHUNK_HEADER = 4, CHUNKS_MAX = 64 };
	enum sctp_event found = SCTP_EV_BAD;
	uint32_t at = HEADER;

	for (unsigned i = 0; i < CHUNKS_MAX && at + CHUNK_HEADER <= len; i++) {
		enum sctp_event ev = event_of_chunk(h[at]);
		uint32_t octets = wire_get16(h + at + 2);

		if (octets < CHUNK_HEADER || (i && (stands_alone(ev) || stands_alone(found))))
			return SCTP_EV_BAD;
		if (ev == SCTP_EV_INIT && wire_get32(h + 4))
			return SCTP_EV_BAD;
		if (!i || found == SCTP_EV_DATA || ev == SCTP_EV_ABORT)
			found = ev;		/* DATA beside another says nothing more */
		at += (octets + 3) & ~3u;
	}
	return found;
}

enum sctp_state sctp_next(enum sctp_state s, enum nat_dir dir, enum sctp_event ev)
{
	assert(s < SCTP_STATES && dir < NAT_DIRS && ev < SCTP_EVENTS);
	return (enum sctp_state)next[s][dir][ev];
}

enum idle_class sctp_state_idle(enum sctp_state s)
{
	assert(s < SCTP_STATES);
	return states[s].idle;
}

const char *sctp_state_name(enum sctp_state s)
{
	assert(s < SCTP_STATES);
	return states[s].name;
}
