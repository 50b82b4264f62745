/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * handover - from one main process to the next, with no flow and no packet lost.
 *
 * What is handed over: the state (all flows, the mapping table), the queue
 * sockets, in which packets wait meanwhile, and what others ask for by
 * handover_also(). Rules stay where they are. Two ways:
 *
 *   death      a service manager keeps the descriptors (notify.h) and starts another main process with them
 *   upgrade    this process executes the program anew, whatever is installed by now (SIGUSR2)
 *
 * Threads  none: main process only
 */
#ifndef NFQ_HANDOVER_H
#define NFQ_HANDOVER_H

#include "nfq/worker.h"

/* handover_begin - at the very start: learn what was left to us; @argv: to be executed again by handover_exec() */
void handover_begin(char **argv);

/* handover_state - the state that was left, or -1; the caller's from here on */
int handover_state(void);

/* handover_take - what was left under @name, or -1; the caller's from here on, who must look at what it is. Before handover_queues() */
int handover_take(const char *name);

/* handover_also - hand @fd over too, if there is anybody to hand over to; @name: for handover_take(), not copied. It stays the caller's */
void handover_also(const char *name, int fd);

/* handover_queues - take the queues that were left and are what they claim, numbers from @first on; close the others */
void handover_queues(struct worker_queues *q, unsigned threads, uint16_t first);

/* handover_keep - give state and queues to the service manager, if there is one */
void handover_keep(const struct state *s, const struct worker_queues *q, unsigned threads);

/**
 * handover_exec - become the program that is installed now
 * @config: the new program must find it good before anything is done
 * @s:      NULL: the flows are left behind, on purpose
 *
 * No worker may run. Returns -errno if that program is not there, refuses the
 * configuration or cannot be executed: go on as before. Else it does not return.
 */
int handover_exec(const char *config, const struct state *s, const struct worker_queues *q, unsigned threads);

/* handover_check - would that program start? 0, or -errno after a line in the log */
int handover_check(const char *config);

#endif
