/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctl_json - flows, ends and rows as JSON: the one place that knows the names
 * of their fields, used by daemon and nfqnatctl alike.
 */
#ifndef NFQ_CTL_JSON_H
#define NFQ_CTL_JSON_H

#include <jansson.h>

#include "nat/nat.h"

/* ctl_json_addr - "198.51.100.2" */
json_t *ctl_json_addr(const struct nat_addr *a, uint8_t family);

/* ctl_json_ends - {"src","dst"} and "sport","dport", or of ICMP the "id" */
json_t *ctl_json_ends(const struct nat_ends *e, uint8_t proto, uint8_t family);

/* ctl_json_flow - a flow, without what only its table knows: proto, orig, xlat, state, flags, counters */
json_t *ctl_json_flow(const struct nat_flow *f);

/* ctl_json_event - an event with its flow: "event" is new, state or end */
json_t *ctl_json_event(const struct nat_event *ev);

/* ctl_json_text - text of any octets as JSON: what is not printable ASCII becomes '?' */
json_t *ctl_json_text(const char *text);

/* ctl_json_line - the same for a line of any length */
json_t *ctl_json_line(const char *text);

#endif
