/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * masq - masquerade: guests' flows to the outside, behind an outside address of this host.
 *
 * A flow that a guest opens has the same struct as one that a forward leads
 * in (flow.h), with FLOW_MASQ and FLOW_OUT: its ORIG is what the guest sends,
 * i -> r, and its REPLY what comes back, r -> x. It is rewritten after
 * routing on the way out and before conntrack on the way in:
 *
 *     hook   of the guest            of the remote
 *     PRE    -                       r -> x becomes r -> i
 *     FWD    -                       passes the host's FORWARD rules
 *     POST   i -> r becomes x -> r   -
 *
 * A flow that the remote opens to a mapping (R29) is like a forward's, with
 * FLOW_MASQ alone; if the remote is itself masqueraded it is a hairpin whose
 * source is its own mapping (R75).
 *
 * Internal to nat/.
 */
#ifndef NAT_MASQ_H
#define NAT_MASQ_H

#include "nat/nat.h"

/**
 * masq_open - a packet leaves at POST and belongs to no flow: open one if it is masqueraded
 * Returns NAT_WHY_UNDECIDED and the flow in @out; NO_FLOW if no masquerade
 * concerns it; else why it is dropped, and nothing was changed.
 */
enum nat_reason masq_open(struct nat *n, const struct nat_pkt *p, nat_tick now, struct nat_flow **out);

/**
 * masq_invite - a packet arrives at PRE for no flow and no forward: is it for a mapping, and may it in?
 * Returns NAT_WHY_UNDECIDED and a new flow; NO_FORWARD if there is no such
 * mapping, FILTERED if its filter does not let it in: both go to the host; else why it is dropped.
 */
enum nat_reason masq_invite(struct nat *n, const struct nat_pkt *p, nat_tick now, struct nat_flow **out);

/* masq_refuses - R83: SPOOFED, or HIDDEN, for a packet at PRE that only a liar outside can have sent; else UNDECIDED */
enum nat_reason masq_refuses(const struct nat *n, const struct nat_pkt *p);

/* masq_leaves_right - false: @p is a guest's, and leaves by another device than its flow's masquerade is for */
bool masq_leaves_right(const struct nat *n, const struct nat_flow *f, const struct nat_pkt *p);

/* masq_leaks - R24: would this packet, unchanged, show a masqueraded subnet's address outside? */
bool masq_leaks(const struct nat *n, const struct nat_pkt *p);

/* masq_release - @f, a FLOW_MASQ, ends: let its mappings and peers go */
void masq_release(struct nat *n, const struct nat_flow *f);

/* masq_keeps - its rule in the active table, NAT_NONE if it must end */
uint32_t masq_keeps(const struct nat *n, const struct nat_flow *f);

/* masq_rebuild - make the pool anew from the flows; those that do not fit together are ended. Returns how many. */
uint32_t masq_rebuild(struct nat *n);

/* masq_check - does the pool have the mappings of all flows, and no others? NULL or what is wrong. O(flows). */
const char *masq_check(const struct nat *n);

#endif
