/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine - the one engine of a worker, and whose turn it is to use it.
 *
 * A thread takes it for a batch, a microsecond or two. A batch of new flows, or
 * housekeeping, takes a hundred times that, and a mutex goes to whoever comes
 * first: a thread that gives it back and takes it again at once is always
 * sooner than one that has to be woken. So long work is done in pieces, with
 * engine_pass() between them. docs/decisions/0028.
 *
 * Threads  any, but engine_init()
 */
#ifndef NFQ_ENGINE_H
#define NFQ_ENGINE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "nat/nat.h"
#include "nfq/hold.h"

enum { ENGINE_TURN_NS = 5000 };	/* so long a thread may keep it while another waits */

struct engine {
	struct nat nat;			/* only between engine_enter() and engine_leave(), but for nat_look() */
	struct hold hold;		/* the same */
	pthread_mutex_t lock;		/* who has it is inside */
	pthread_mutex_t next;		/* the first of those who are in a hurry and wait has it */
	uint32_t waiting;		/* how many are */
};

/* engine_init - @nat: its view, copied; 0 or -ENOMEM */
int engine_init(struct engine *e, const struct nat *nat);

/*
 * engine_enter, engine_leave - begin and end to use it, also for nat_recover() (nat_enter())
 * @soon: others with long work shall make way: for a few packets, whose sender may wait for an answer. Not for a full
 *        batch: that has waited already, and two threads that are both full of new flows would only hinder each other.
 * Returns what the time is: taken inside, so no thread brings an earlier one than that of the one before.
 * Cost: an uncontended mutex and a reading of the clock; while another is inside, a futex(2).
 */
nat_ns engine_enter(struct engine *e, bool soon);
void engine_leave(struct engine *e);

/* engine_is_late - inside, since @since: is it time to make way for one in a hurry? Cost: a load if there is none */
bool engine_is_late(const struct engine *e, nat_ns since);

/* engine_pass - outside: if somebody is in a hurry, wait until it has its turn. Cost: a load if nobody is */
void engine_pass(struct engine *e);

#endif
