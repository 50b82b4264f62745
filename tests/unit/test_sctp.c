/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sctp: the table once more, as sentences, and every chunk type. What whole
 * associations do is in test_proto.c. tests/mutate changes each cell of the
 * table: something here must fail.
 */
#include "nat/sctp.h"

#include "tests/unit/unit.h"

/* Where a packet must lead that has no sentence of its own: nowhere. */
static enum sctp_state first(enum nat_dir dir, enum sctp_event ev)
{
	if (dir == NAT_REPLY)
		return SCTP_NO;			/* a guest's first word opens nothing */
	if (ev == SCTP_EV_INIT)
		return SCTP_INIT;
	if (ev == SCTP_EV_ECHO || ev == SCTP_EV_DATA || ev == SCTP_EV_SHUTDOWN)
		return SCTP_PICKED_UP;		/* R31 */
	return SCTP_NO;
}

static enum sctp_state after_the_end(enum nat_dir dir, enum sctp_event ev)
{
	if (ev == SCTP_EV_INIT)
		return dir == NAT_ORIG ? SCTP_INIT : SCTP_NO;	/* R42: only the initiator may reopen */
	if (ev == SCTP_EV_DATA && dir == NAT_REPLY)
		return SCTP_ESTABLISHED;	/* R44: it did not believe the ABORT */
	return SCTP_CLOSED;
}

static enum sctp_state picked_up(enum nat_dir dir, enum sctp_event ev)
{
	if (dir == NAT_ORIG || ev == SCTP_EV_INIT || ev == SCTP_EV_ECHO)
		return SCTP_PICKED_UP;		/* the guest has not answered */
	if (ev == SCTP_EV_INIT_ACK)
		return SCTP_INIT;		/* an INIT came after all */
	return ev == SCTP_EV_SHUTDOWN ? SCTP_SHUTDOWN : SCTP_ESTABLISHED;
}

static enum sctp_state should(enum sctp_state s, enum nat_dir dir, enum sctp_event ev)
{
	if (s == SCTP_NONE)
		return first(dir, ev);
	if (ev == SCTP_EV_ABORT)
		return SCTP_CLOSED;
	if (s == SCTP_CLOSED)
		return after_the_end(dir, ev);
	if (ev == SCTP_EV_COMPLETE)
		return s == SCTP_SHUTDOWN || s == SCTP_PICKED_UP ? SCTP_CLOSED : s;
	if (s == SCTP_PICKED_UP)
		return picked_up(dir, ev);
	if (ev == SCTP_EV_SHUTDOWN && s == SCTP_ESTABLISHED)
		return SCTP_SHUTDOWN;
	if (ev == SCTP_EV_ECHO && s == SCTP_INIT)
		return dir == NAT_ORIG ? SCTP_ECHO_ORIG : SCTP_ECHO_REPLY;
	/* R38: a cookie is acknowledged by the side that did not send it */
	if (ev == SCTP_EV_COOKIE_ACK && ((s == SCTP_ECHO_ORIG && dir == NAT_REPLY) || (s == SCTP_ECHO_REPLY && dir == NAT_ORIG)))
		return SCTP_ESTABLISHED;
	return s;
}

static void R84_every_cell(void **state)
{
	(void)state;
	for (unsigned s = 0; s < SCTP_STATES; s++)
		for (unsigned d = 0; d < NAT_DIRS; d++)
			for (unsigned e = 0; e < SCTP_EVENTS; e++) {
				enum sctp_state is = sctp_next(s, d, e);

				if (is != should(s, d, e))
					unit_fail("%s, side %u, event %u leads to %u, not %u", sctp_state_name(s), d, e, is,
						  should(s, d, e));
			}
}

/* RFC 9260 3.2: all 256 types, alone in a packet. */
static void R84_every_chunk_type(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		const uint8_t h[16] = { [12] = (uint8_t)type, [15] = 4 };
		enum sctp_event want = SCTP_EV_DATA;

		switch (type) {
		case 1: want = SCTP_EV_INIT; break;
		case 2: want = SCTP_EV_INIT_ACK; break;
		case 6: want = SCTP_EV_ABORT; break;
		case 7: case 8: want = SCTP_EV_SHUTDOWN; break;
		case 10: want = SCTP_EV_ECHO; break;
		case 11: want = SCTP_EV_COOKIE_ACK; break;
		case 14: want = SCTP_EV_COMPLETE; break;
		}
		if (sctp_event_of(h, sizeof(h)) != want)
			unit_fail("chunk type %u", type);
	}
}

int main(void)
{
	unit_add("R84_every_cell", R84_every_cell, NULL);
	unit_add("R84_every_chunk_type", R84_every_chunk_type, NULL);
	return unit_run("sctp");
}
