/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * limits - from the configuration's limits, timeouts and segment sizes to the
 * engine's policies (nat/policy.h), and the MTUs of this host's interfaces.
 */
#ifndef NFQ_LIMITS_H
#define NFQ_LIMITS_H

#include "conf/conf.h"
#include "nat/block.h"

/* limits_idle - idle limits in seconds, by class; classes that @t does not set stay as they are */
void limits_idle(const struct conf_timeouts *t, uint32_t limit_s[IDLE_CLASSES]);

/* limits_half_open - how many flows that nobody answered there may be */
uint32_t limits_half_open(const struct conf *c);

/**
 * limits_policies - one policy for all, and one for each forward that has something of its own
 * @policy:    out; room for c->n_forwards + 1
 * @policy_of: out; c->n_forwards numbers, 0 for those without
 * Returns how many there are.
 */
uint32_t limits_policies(const struct conf *c, struct nat_policy *policy, uint16_t *policy_of);

/* limits_links - interfaces of this host, their MTUs and addresses, @room at most; returns how many */
uint32_t limits_links(struct nat_link *link, uint32_t room);

#endif
