/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * queues - all queues of the daemon: a set for each thread of the worker.
 *
 * The main process opens and keeps them (docs/decisions/0001), or takes those
 * that one before it has left, with the packets that wait in them.
 *
 * Threads  none: main process only
 */
#ifndef NFQ_QUEUES_H
#define NFQ_QUEUES_H

#include "conf/conf.h"
#include "nfq/worker.h"

/* Which road large TCP packets take. */
struct queues_road {
	bool headers;			/* each set has a queue for headers alone, and the kernel a table for marks (steer/marks.h) */
	char why_whole[256];		/* if not: why they come whole */
};

/**
 * queues_open - take or open all queues that the configuration asks for
 * @q:       out, WORKER_THREADS_MAX; all zero before
 * @threads: out: how many sets; as many as there are CPUs if @c does not say
 * @road:    out
 *
 * Waits up to a second for queues whose worker is still ending.
 * Returns 0, or -errno after a line in the log; then none is open.
 */
int queues_open(struct worker_queues *q, const struct conf *c, unsigned *threads, struct queues_road *road);

void queues_close(struct worker_queues *q, unsigned threads);

#endif
