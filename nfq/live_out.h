/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live_out - which ports masqueraded guests may have, as the host changes under it (R22).
 *
 * Never given out: ports of the host's sockets, of forwards, and those that
 * the steering rules leave out because something listens there. The worker
 * sees a change at once; mappings that exist already keep their ports.
 */
#ifndef NFQ_LIVE_OUT_H
#define NFQ_LIVE_OUT_H

#include "nfq/live.h"
#include "nfq/steer/rules.h"

/**
 * live_out_rules - rules_make(), with outbound rules
 * Ports left out of them are blocked from now on; those of mappings that exist are never left out.
 */
int live_out_rules(struct live *l, const struct conf *c, rules_way_fn way, struct rules *r);

/* live_out_warn - say which masquerades share ports with the host's own sockets, and what to do */
void live_out_warn(const struct conf *c);

/* live_out_block - look at the host's sockets again; to be called every few seconds, and costs nothing without masquerade */
void live_out_block(struct live *l);

#endif
