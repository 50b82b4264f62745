/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worker - the process that handles packets.
 *
 * A child of the main process. It inherits the state block and the queue
 * sockets, gives everything else up (sandbox.h), and runs one pinned thread per
 * queue set on the one engine. If it dies, the main process starts
 * another on the same block and the same queues.
 */
#ifndef NFQ_WORKER_H
#define NFQ_WORKER_H

#include <stdbool.h>
#include <sys/types.h>

#include "nfq/queue.h"
#include "nfq/sandbox.h"
#include "nfq/state.h"
#include "nfq/tap.h"

enum { WORKER_THREADS_MAX = STATE_THREADS_MAX };

/* A thread's queues: aggregates of TCP, everything else one packet at a time, and headers of TCP if its nl is not NULL. */
struct worker_queues {
	struct queue tcp, rest, headers;
};

struct worker_args {
	struct state *state;
	struct worker_queues *queues;	/* one set per thread */
	unsigned threads;
	int control;			/* the worker's end; closing the other end ends the worker */
	struct tap *tap;		/* NULL: nobody can watch */
	bool drop_unanswered;		/* see queue_reclaim() */
	struct sandbox sandbox;		/* uid and gid of the worker; the rest is filled in there */
	bool first;			/* say what protection this host does not have */
};

/* worker_start - fork a worker; returns its pid or -errno. It says CONTROL_READY when it handles packets. */
pid_t worker_start(const struct worker_args *a);

#endif
