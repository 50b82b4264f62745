/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guard - rules of ours that somebody else removed come back.
 *
 * `nft flush ruleset`, a firewall's restart or iptables -F take our rules
 * along; then packets to forwarded ports reach the host itself. The kernel
 * tells of every nft change, iptables-nft's included (NFNLGRP_NFTABLES); for
 * iptables-legacy it tells nobody, so the size of each table is asked for
 * ten times a second, one cheap call each. Only when something was taken away is
 * a program run to count what is there. A rule of ours that somebody replaced
 * is left as it is now; the next reload installs all (not with legacy tables).
 *
 * What reaches the host in the meantime is not refused: shield.h.
 *
 * Threads  none: main process only
 */
#ifndef NFQ_GUARD_H
#define NFQ_GUARD_H

#include <ev.h>

#include "nfq/live.h"

/* guard_start - watch over the rules of @live; a kernel that cannot tell is said once. `rules` in `nfqnatctl status` counts */
void guard_start(struct ev_loop *loop, struct live *live);
void guard_stop(void);

/* guard_follow - @conf runs from now on: what the shield covers; what it cannot is said once */
void guard_follow(const struct conf *conf);

#endif
