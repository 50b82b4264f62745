/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report - the daemon's inner state for people: flows, reasons, queues.
 */
#ifndef NFQ_REPORT_H
#define NFQ_REPORT_H

#include "nfq/state.h"
#include "nfq/worker.h"

/* report_log - log every flow, every counter that is not zero, and the kernel's queue statistics (R91) */
void report_log(const struct state *s, const struct worker_queues *q, unsigned threads);

#endif
