/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * flow_text - a flow, as the daemon sends it, as words.
 */
#ifndef CTL_FLOW_TEXT_H
#define CTL_FLOW_TEXT_H

#include <jansson.h>

enum {
	FLOW_TEXT_OCTETS = 128,
	FLOW_LINE_OCTETS = 512,
};

/* flow_ends - "198.51.100.2:40000 > 198.51.100.1:8080", ICMP: "198.51.100.2 > 198.51.100.1 id 7" */
void flow_ends(char buf[FLOW_TEXT_OCTETS], const json_t *ends);

/* flow_client - what the initiator sends; flow_guest - the end it reaches */
void flow_client(char buf[FLOW_TEXT_OCTETS], const json_t *flow);
void flow_guest(char buf[FLOW_TEXT_OCTETS], const json_t *flow);

/* flow_state - "ESTABLISHED"; without states: "answered", "unanswered" */
const char *flow_state(const json_t *flow);

/* flow_line - all of it on one line: "tcp ESTABLISHED c > h => s > g forward web ..." */
void flow_line(char buf[FLOW_LINE_OCTETS], const json_t *flow);

#endif
