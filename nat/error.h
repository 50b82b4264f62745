/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * error - ICMP errors, translated together with the packet they quote.
 *
 * RFC 5508 4, RFC 792, RFC 4443 (REQUIREMENTS R52-R59). An error belongs to
 * the flow of the packet it quotes, read backwards. It never makes, refreshes
 * or ends a flow (R57), so path MTU discovery and traceroute work through a
 * forward and a forged error can do no harm to the table. Internal to nat/.
 */
#ifndef NAT_ERROR_H
#define NAT_ERROR_H

#include "nat/nat.h"

/* error_translate - translate the ICMP error @p; always returns a reason */
enum nat_reason error_translate(struct nat *n, struct nat_pkt *p, nat_tick now);

#endif
