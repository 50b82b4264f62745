/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpus - on which CPU a thread of the worker runs, docs/decisions/0028.
 *
 * What comes by --queue-cpu-fanout is on CPU n when it is queued to thread n: there
 * that thread finds it in the cache and wakes without asking another CPU. What comes
 * by a hash (TCP, docs/decisions/0005) may be on any: then the scheduler knows better
 * where there is room beside sender and receiver. So a thread stays on its CPU as long
 * as most of its packets are of the first kind, and goes where it likes otherwise.
 */
#ifndef NFQ_CPUS_H
#define NFQ_CPUS_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

struct cpus {
	cpu_set_t allowed;		/* by the admin: taskset(1), CPUAffinity= */
	int own;			/* CPU of the queue that cpu-fanout fills for this thread; -1: none */
	bool pinned;			/* to it */
	uint64_t by_cpu, by_hash;	/* packets since the last look; the caller counts */
};

/* cpus_init - of thread @index of several, called by itself: it begins on the CPU whose packets come to its queue */
void cpus_init(struct cpus *c, unsigned index);

/* cpus_look - now and then, called by the thread itself. Cost: none as long as nothing changes, else one system call */
void cpus_look(struct cpus *c);

#endif
