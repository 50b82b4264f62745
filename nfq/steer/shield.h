/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shield - the host does not refuse what belongs to a forward.
 *
 * When others remove our rules (nft flush ruleset, iptables -F), packets to a
 * forwarded port reach the host's own stack until the rules are back. It knows
 * nothing of these connections and would end them: TCP by RST, the rest by
 * ICMP. The shield is a table of its own, `inet nfqnat-guard`, that drops just
 * these refusals at OUTPUT: sent by the kernel, not by a program, from an
 * address of this host and a forwarded port, and by the listener's device if it
 * has one. What a router says of others is none: no route, host unreachable,
 * what was for another address than a listener's. So what comes in that moment is lost and sent again, and no
 * connection ends. What programs send, our own RST too, is let pass.
 *
 * The table is owned (NFT_TABLE_F_OWNER, since 5.12) by our netlink socket: nobody
 * else can change it, and a flush of all rules leaves it alone. It goes when
 * the socket is closed; that is handed over to the next main process, since a
 * hook that goes drops all packets that wait in queues.
 *
 * Threads  none: main process only
 */
#ifndef NFQ_SHIELD_H
#define NFQ_SHIELD_H

#include <stddef.h>

#include "nfq/steer/rules.h"

#define SHIELD_TABLE "nfqnat-guard"

enum { SHIELD_MAX = 2048 };		/* ranges of ports; what is beyond is not shielded */

/* shield_open - take the socket that was left, or open one; 0 or -errno. Before handover_queues() */
int shield_open(void);

/**
 * shield_set - shield the listeners of @r that are not for the rest, in place of those before
 * One transaction; cost: one system call, about 0.3 us for each range.
 * Returns 0 or -errno, and then all is as before: -EPERM, another process owns the table; -EOPNOTSUPP: a kernel before 5.12,
 * or one without nf_tables; -ENOENT: one without its fib expression; -E2BIG: done, but for those beyond SHIELD_MAX.
 */
int shield_set(const struct rules *r);

/* shield_close - the table goes with our socket, if nobody else has it */
void shield_close(void);

/**
 * shield_write - what shield_set() sends, as a batch of netlink messages
 * @buf: SHIELD_OCTETS, 4-aligned
 * Returns how many octets. *@left: ranges that were too many.
 */
size_t shield_write(const struct rules *r, void *buf, unsigned *left);
enum { SHIELD_OCTETS = 8192 + SHIELD_MAX * 704 };

#endif
