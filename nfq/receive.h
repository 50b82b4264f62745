/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * receive - messages of one queue into the slots of a batch.
 *
 * Several by one recvmmsg(2): a system call costs a worker more than others,
 * for each passes its filter (syscalls.h). docs/decisions/0024.
 *
 * Threads  as the batch
 */
#ifndef NFQ_RECEIVE_H
#define NFQ_RECEIVE_H

struct batch;
struct queue;

/* receive_init - once, when @b has its slots */
void receive_init(struct batch *b);

/*
 * receive_batch - what waits in @q now, until the batch is full: fills b->n, pkt, id and slot
 * A message that makes no sense, but tells its packet, is answered with a drop. Never waits.
 */
void receive_batch(struct batch *b, struct queue *q);

#endif
