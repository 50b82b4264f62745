/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * out - messages to a reader that may be slow.
 *
 * Never blocks and never grows without limit: what counts is the last world,
 * so one that waits is replaced by the next; one heartbeat waits at most; log
 * lines wait up to OUT_LOG_OCTETS, then are counted and dropped. What has
 * been begun is always finished, so lines never break.
 *
 * Threads  none
 */
#ifndef VIRT_WATCH_OUT_H
#define VIRT_WATCH_OUT_H

#include <stdbool.h>
#include <stddef.h>

enum { OUT_LOG_OCTETS = 65536 };

struct out {
	int fd;			/* the caller's; non-blocking */
	char *now;		/* the line being written */
	size_t len, at;
	char *world;		/* the next world, or NULL */
	char *logs;		/* whole lines, or NULL */
	size_t logs_len;
	unsigned dropped;
	bool heartbeat;
};

/* Each takes a line without newline, which is copied. */
void out_world(struct out *o, const char *line);
void out_log(struct out *o, const char *line);
void out_heartbeat(struct out *o);

/* out_flush - write what the reader takes: 0 all is written, 1 more waits for the fd to be writable, -errno it is gone */
int out_flush(struct out *o);

void out_fini(struct out *o);	/* does not close the fd */

#endif
