/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctl - what nfqnatctl and the daemon say to each other.
 *
 * A UNIX stream socket; root, or members of the configured group. A request
 * is one line, a JSON object whose "cmd" names the command:
 *
 *     {"cmd":"flows","proto":"tcp","guest":"web1"}
 *
 * The answer is any number of lines, each a JSON object, the last of which
 * has "end":true or "error":"what; what to do". Then the next request may
 * come. After the first line of `watch` ("stream":true) records follow
 * instead, as the worker wrote them (nfq/tap.h): same host, same build.
 *
 * Limits: see below. Whoever sends a longer request, or takes nothing for
 * CTL_STALL_S while an answer waits, is told and hung up on.
 */
#ifndef NFQ_CTL_H
#define NFQ_CTL_H

#define CTL_SOCKET "/run/nfqnat/control.sock"

enum {
	CTL_VERSION = 1,			/* in every status; steps when a field changes its meaning */
	CTL_REQUEST_OCTETS = 64 << 10,		/* longest request, its newline included */
	CTL_LINE_OCTETS = 256 << 10,		/* longest line of an answer, its newline included */
	CTL_OUT_OCTETS = 512 << 10,		/* what may wait for one client */
	CTL_CLIENTS_MAX = 64,
	CTL_STALL_S = 30,			/* no octet taken or asked for so long: hung up on */
};

#endif
