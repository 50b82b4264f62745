/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * headers - which road large TCP packets take: whole through the queues, or
 * headers only, and the kernel rewrites them by marks (nat/mark.h, steer/marks.h).
 *
 * Threads  none: main process only
 */
#ifndef NFQ_HEADERS_H
#define NFQ_HEADERS_H

#include <stdio.h>

#include "nfq/live.h"

/**
 * headers_begin - the state is there: let the kernel have the rewrites that it knows, or take the whole road
 * The table of an earlier process may have anything in it; that of queues_open() is empty.
 * `headers` in `nfqnatctl status` from now on; @live stays the caller's.
 */
void headers_begin(struct live *live);

/* headers_update - about once a second, and when rewrites are wanted; cheap if nothing is to be done */
void headers_update(void);

/* headers_metrics - for metrics_write() */
void headers_metrics(FILE *out);

#endif
