/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * batch - packets from one queue through the engine and back, many at a time.
 *
 *     recvmmsg -> [lock] nat_packet ... nat_packet [unlock] -> checksums -> one sendmsg
 *
 * Each message has a slot of its own; verdicts are written in place and all
 * slots go out as one iovec. One clock reading and one lock per batch.
 *
 * Memory   allocated once by batch_init(); nothing on the data path
 * Threads  a batch belongs to one thread; the engine is shared under engine.lock
 */
#ifndef NFQ_BATCH_H
#define NFQ_BATCH_H

#include <sys/socket.h>

#include "nat/nat.h"
#include "nfq/engine.h"
#include "nfq/hold.h"
#include "nfq/msg.h"
#include "nfq/one_way.h"
#include "nfq/queue.h"
#include "nfq/reject.h"
#include "nfq/tap.h"

enum {
	BATCH_PACKETS = 64,
	BATCH_OCTETS = 256 << 10,	/* of messages; above it the kernel's copy of a send gets slow (vmalloc) */
	BATCH_EVENTS = 4 * BATCH_PACKETS,
};

struct batch {
	struct engine *engine;
	uint8_t *slots;			/* BATCH_PACKETS of MSG_SLOT_OCTETS */
	struct mmsghdr in[BATCH_PACKETS];
	struct iovec slot[BATCH_PACKETS];	/* where each message is; packet i is in slot[i] */
	struct nat_pkt pkt[BATCH_PACKETS];
	uint32_t id[BATCH_PACKETS];
	struct iovec out[BATCH_PACKETS];
	unsigned n;			/* packets in this batch */
	nat_ns now;			/* when they were decided */
	struct nat_recent recent;	/* flows of this thread's last packets */
	uint64_t asked_hash[BATCH_PACKETS];	/* flows of packets that were asked for whole */
	unsigned asked;			/* how many were: they wait in the queue that they were sent on to */
	struct nat_event event[BATCH_EVENTS];	/* for the log, filled under the lock and written after it */
	unsigned n_events, events_lost;
	struct one_way one_way;
	struct hold_list leaving;	/* fragments decided in this batch that came in earlier ones */
	struct tap_counts counts;
	struct tap_writer *tap;		/* NULL: nobody is told anything; with batch_tap() */
	struct tap *taps;		/* who watches; set with tap */
};

/* batch_slot - the message that packet @i of a batch came in */
static inline uint8_t *batch_slot(const struct batch *b, unsigned i)
{
	return b->slot[i].iov_base;
}

/* batch_init - 0 or -ENOMEM */
int batch_init(struct batch *b, struct engine *e);
void batch_fini(struct batch *b);

/* batch_tap - tell those who watch @taps as thread @index; 0 or -ENOMEM */
int batch_tap(struct batch *b, struct tap *taps, unsigned index);

/**
 * batch_run - handle what waits in a queue now, one batch of it
 * Returns how many packets were handled; fewer than BATCH_PACKETS means that
 * the queue was empty or large aggregates filled the batch; 0: nothing waited.
 */
unsigned batch_run(struct batch *b, struct queue *q);

/*
 * batch_run_headers - batch_run() for a queue of headers, and then all of @whole, where what was asked for waits
 *
 * So packets of one flow stay in order: those behind one that was asked for
 * are asked for too, and none is read before they are done.
 */
unsigned batch_run_headers(struct batch *b, struct queue *headers, struct queue *whole);

/* batch_on_want - who is told that rewrites are wanted of the kernel (mark.h); must not block */
void batch_on_want(void (*want)(void));

/* batch_expire_held - drop fragments that have waited too long for the first of their datagram */
void batch_expire_held(struct batch *b);

/* batch_listen - note flow events of this batch in b->event; to be set around nat_* calls, under the lock */
void batch_listen(struct batch *b);

/* batch_log_events - write the noted events to the log, outside the lock */
void batch_log_events(struct batch *b);

/* batch_names - how the log names forwards; once, before any batch_run() */
void batch_names(const char *(*name)(uint32_t forward));

/* batch_on_reject - who tells senders of packets that do not arrive; must not block. @mtu: for REJECT_TOO_BIG */
typedef void (*batch_reject_fn)(const uint8_t *packet, uint32_t octets, enum reject_how how, uint32_t mtu);
void batch_on_reject(batch_reject_fn reject);

/* batch_flow_names - how watchers and counters name a flow's forward, "" if it has none; once, before batch_tap() */
void batch_flow_names(const char *(*name)(const struct nat_flow *f));

/* batch_on_reset - who is told of TCP flows that lost their forward; called under the lock, must not block */
void batch_on_reset(void (*reset)(const struct nat_flow *f));

#endif
