/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * prefix - translation of one prefix into another, without state.
 *
 * NPTv6 (RFC 6296): the adjusted word keeps the sum of the address, so no
 * checksum anywhere changes and every protocol passes, fragments too.
 * One-to-one: the host bits stay as they are and checksums follow; works for
 * IPv4, and for single IPv6 addresses, which have no word to adjust.
 *
 * At POST the source becomes the outside one, at PRE the destination the
 * inside one; ICMP errors with the packet they quote. Internal to nat/.
 */
#ifndef NAT_PREFIX_H
#define NAT_PREFIX_H

#include "nat/nat.h"

/* prefix_out - the outside address of @inside under @r; false: RFC 6296 3.7, 3.1: it has none */
bool prefix_out(const struct out_rule *r, const struct nat_addr *inside, struct nat_addr *outside);

/* prefix_in - the way back */
bool prefix_in(const struct out_rule *r, const struct nat_addr *outside, struct nat_addr *inside);

/**
 * prefix_translate - translate a packet that no flow and no forward wanted
 * @why: why it was left alone; its addresses have been parsed
 * Returns PREFIX, or PREFIX_UNMAPPABLE, ERROR_CSUM, TRUNCATED; @why if no rule concerns it.
 */
enum nat_reason prefix_translate(struct nat *n, struct nat_pkt *p, enum nat_reason why);

#endif
