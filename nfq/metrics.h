/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * metrics - everything that is counted, as OpenMetrics text
 * (https://prometheus.io/docs/specs/om/open_metrics_spec/, version 1.0).
 *
 * Threads  none: main process only
 */
#ifndef NFQ_METRICS_H
#define NFQ_METRICS_H

#include <stdio.h>

#include "nfq/ctl/world.h"
#include "nfq/tally.h"

/* metrics_write - the whole text, `# EOF` included. O(flow table): about 5 ms for 262144 slots. */
void metrics_write(FILE *out);

/**
 * metrics_tally - what each forward and guest has had so far
 * @now:    out; flows, packets and octets since the daemon's start
 * @living: out; `flows` are those that live
 * Never goes back: a flow that ends while it is counted is missing until the next time.
 */
void metrics_tally(struct tally *now, struct tally *living);

#endif
