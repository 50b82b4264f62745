/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * marks - the kernel's rules for the rewrites of nat/mark.h.
 *
 * A table of nft of our own, whatever program steers packets to the queues:
 *
 *     table inet nfqnat-headers {
 *             map pre { type mark : verdict; elements = { 0x4e460001 : goto m1, ... } }
 *             chain m1 { ip daddr 203.0.113.5 tcp dport 8080 ip daddr set 192.168.122.50 tcp dport set 80 meta mark set 0 }
 *             chain prerouting { type filter hook prerouting priority -299; meta mark vmap @pre }
 *             ...
 *
 * one priority behind the hooks that queue, before conntrack and routing see
 * the packet. A rule writes only into packets that have the old address and
 * port, and takes the mark off: a mark that is somebody else's does nothing.
 * The kernel keeps the checksum as it is, finished or not, and copies nothing.
 *
 * Base chains stay from start to stop: when one goes, the kernel drops
 * everything that waits in any queue.
 *
 * Threads  none: main process only. Each change is one run of nft, about 10 ms.
 */
#ifndef NFQ_MARKS_H
#define NFQ_MARKS_H

#include <stdbool.h>
#include <stdio.h>

#include "nat/mark.h"

#define MARKS_TABLE "nfqnat-headers"

/**
 * marks_start - make the table, empty, and try on the way whether this kernel can do all that is needed
 * @why: out on error: what failed
 * Returns 0; -ENOENT: no nft; -EIO: refused; -ENOMEM. On error nothing of ours is left.
 */
int marks_start(char *why, size_t octets);

/**
 * marks_attach - the rules for everything that @m has, in place of what is there, in one transaction; then it is open
 * For a table that marks_start() made, that an earlier process left, or that somebody removed.
 * Returns 0, or as marks_start(): then @m is closed, and marks_update() tries again.
 */
int marks_attach(struct marks *m, char *why, size_t octets);

/* marks_update - rules for what is wanted since the last time, and none any more for what retired a while ago; cheap if nothing did */
void marks_update(struct marks *m, nat_tick now);

/* marks_doubt - somebody (netlink port @who, 0: unknown) took something out of a table of this name: ours? Then nothing is marked until marks_look() */
void marks_doubt(struct marks *m, const char *table, uint32_t who);

/* marks_look - if there was doubt: are all rules there? If not, put them back. Returns whether they had to be. */
bool marks_look(struct marks *m, nat_tick now);

/* marks_stop - remove the table, if there is one; also what a run before may have left */
void marks_stop(void);

/* marks_write - text for nft: all rules of @m, replacing what is there; @fresh: also what it replaces may be anything, and try IPv6 */
void marks_write(const struct marks *m, bool fresh, FILE *out);

/* marks_write_add, marks_write_del - text for nft: the rule of slot @i, whether or not there was one */
void marks_write_add(const struct marks *m, uint32_t i, FILE *out);
void marks_write_del(const struct marks *m, uint32_t i, FILE *out);

#endif
