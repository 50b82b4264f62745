/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * show - packets, flows and tables as words, for logs.
 *
 * All functions write into a buffer of the caller and end it with NUL; a
 * text that does not fit is cut.
 */
#ifndef NFQ_SHOW_H
#define NFQ_SHOW_H

#include "nat/nat.h"

enum {
	SHOW_ENDS_OCTETS = 112,		/* two IPv6 addresses with ports */
	SHOW_LINE_OCTETS = 640,		/* any line of this file */
};

/* Names for numbers: of forwards, by the caller's number. NULL-terminated text, never NULL. */
typedef const char *(*show_forward_fn)(uint32_t forward);

/* show_devices - who names interfaces: if_indextoname(3) until this is called, another for those of a capture */
void show_devices(char *(*name)(unsigned ifindex, char *buf));

/* show_ends - "198.51.100.2:40000 > 198.51.100.1:8080", ICMP: "198.51.100.2 > 198.51.100.1 id 7" */
void show_ends(char *buf, size_t octets, const struct nat_ends *e, uint8_t proto, uint8_t family);

/* show_proto - "tcp", "udp", "icmp", "icmp6", or the number */
void show_proto(char *buf, size_t octets, uint8_t proto);

/* show_packet - one line per packet: hook, interfaces, before => after, flags, flow, forward: reason */
void show_packet(char *buf, size_t octets, const struct nat_pkt *p, show_forward_fn name);

/* show_cause - why a flow ended: "idle" */
const char *show_cause(enum nat_cause cause);

/* show_event - one line per flow event: new, state, end with counts */
void show_event(char *buf, size_t octets, const struct nat_event *ev, show_forward_fn name);

/* show_flow - one line per flow of the table: tuples, state, seconds left, counters (R91) */
void show_flow(char *buf, size_t octets, const struct nat *n, uint32_t index, nat_ns now, show_forward_fn name);

#endif
