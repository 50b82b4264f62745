/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tap - what packet workers tell the main process: records of packets and
 * flow events for those who watch, counters, and how long packets wait.
 *
 * One piece of memory, made by main before it forks and shared by both. Each
 * thread writes a ring of its own; main reads them all. A thread never waits:
 * where there is no room the record is lost and counted. A worker may die
 * anywhere: a record counts only when `head` has passed it.
 *
 * Watchers have a slot each, with a program of pcap's filter language. Main
 * fills a slot and then sets `on`; a slot is filled again only when no thread
 * is inside (busy). While nobody watches, a batch costs one branch.
 *
 * Threads  a writer belongs to one worker thread; everything else to main
 */
#ifndef NFQ_TAP_H
#define NFQ_TAP_H

#include <pcap/pcap.h>

#include "nat/nat.h"
#include "nfq/state.h"
#include "nfq/tally.h"

enum {
	TAP_SLOTS = 8,
	TAP_INSNS = 1024,
	TAP_RING_OCTETS = 4 << 20,	/* per thread; pages are taken when they are used */
	TAP_HEADERS_OCTETS = 512,	/* what the engine may rewrite lies within: kept from before it */
	TAP_BUCKETS = 20,		/* bucket i: waited less than 1 us << i; the last: all others */
	TAP_SAMPLE = 17,		/* one batch in so many is timed; odd: requests and answers take turns, both are to be met */
};

enum tap_want {
	TAP_EVENTS = 1 << 0,
	TAP_PACKETS = 1 << 1,
};

/* What no packet can be blamed for. A thread counts for itself and tells main after each batch. */
struct tap_counts {
	uint64_t packets, batches;
	uint64_t bad_messages;		/* netlink messages that made no sense */
	uint64_t lost_verdicts;		/* answered by the kernel with an error: the packet was gone */
	uint64_t send_errors;		/* verdicts that could not be sent at all */
	uint64_t overruns;		/* ENOBUFS on receive */
};

/* Of packets in timed batches: how long something took. */
struct tap_times {
	uint64_t packets[TAP_BUCKETS];
	uint64_t sum_ns;
};

struct tap_slot {
	uint32_t on;			/* enum tap_want; 0: free */
	uint32_t snap;			/* octets of a packet to keep, each before and after; 0: none */
	uint32_t n_insns;		/* 0: every packet */
	struct bpf_insn insn[TAP_INSNS];	/* over an IP packet (DLT_RAW), checked by main */
};

/* Each side has cache lines of its own: that is what the padding is for. */
struct tap_thread {	/* NOLINT(clang-analyzer-optin.performance.Padding) */
	uint64_t head;			/* octets written so far */
	uint32_t busy;			/* a thread is looking at slots */
	struct tap_counts counts;
	struct tap_times times;		/* from the read of their batch to the end of its verdicts */
	struct tap_times waits;		/* from the kernel's stamp to the read: of those that have one, nfq/stamp.h */
	_Alignas(64) uint64_t tail;	/* octets read so far */
	uint64_t lost;			/* records without room; written by the thread */
	_Alignas(64) uint8_t ring[TAP_RING_OCTETS];
};

struct tap {
	uint32_t on;			/* enum tap_want of all slots together */
	uint32_t threads;
	struct tap_slot slot[TAP_SLOTS];
	struct tally tally;		/* of flows that ended */
	struct tap_thread thread[];
};

enum tap_kind {
	TAP_PAD,			/* nothing: the rest of the ring was too short */
	TAP_EVENT,
	TAP_PACKET,
	TAP_LOST,			/* only towards clients: `lost` records are missing here */
};

/* One record, also what `watch` sends to nfqnatctl. 8-aligned; `octets` long, packet octets included. */
struct tap_record {
	uint32_t octets;
	uint8_t kind;			/* enum tap_kind */
	uint8_t slots;			/* bit per slot that wants it */
	uint8_t thread, spare;
	nat_ns when;			/* state_clock() */
	uint64_t lost;
	char forward[STATE_NAME_OCTETS];	/* "": none */
	struct nat_event event;		/* TAP_EVENT */
	struct nat_pkt pkt;		/* TAP_PACKET; data is NULL */
	uint64_t waited_ns;		/* from its receipt by the kernel to the read of its batch; 0: not known */
	uint32_t latency_ns;		/* from there to the end of the batch's verdicts */
	uint32_t before, after;		/* octets of the packet that follow, as it came and as it went; after 0: the same */
};

/* ---- the worker's side ---- */

struct tap_writer;			/* one thread's; NULL: nobody can watch */

/* tap_writer_new - for thread @index of @tap; NULL: no memory. tap_writer_free - may be NULL. */
struct tap_writer *tap_writer_new(struct tap *tap, unsigned index);
void tap_writer_free(struct tap_writer *w);

/* tap_wants - does anybody watch what is in @want? One load; @tap may be NULL. */
static inline bool tap_wants(const struct tap *tap, uint32_t want)
{
	return tap && (__atomic_load_n(&tap->on, __ATOMIC_RELAXED) & want);
}

/* tap_event - record an event if it is wanted; @forward: its name. May be called under the engine's lock. */
void tap_event(struct tap_writer *w, const struct nat_event *ev, const char *forward);

/* tap_before - keep the headers of a batch, before the engine rewrites them; @n <= 64 */
void tap_before(struct tap_writer *w, const struct nat_pkt *p, unsigned n);

/* tap_after - record those packets of the batch that somebody wants; verdicts are out, data is still there */
void tap_after(struct tap_writer *w, const struct nat_pkt *p, unsigned n, const char *(*name)(uint32_t forward));

/* tap_counts_at - where the thread tells its counters; a new worker goes on from there */
struct tap_counts *tap_counts_at(struct tap_writer *w);

/* tap_timed - note how long a batch of @n packets took */
void tap_timed(struct tap_writer *w, unsigned n, uint64_t took_ns);

/* tap_waited - of a timed batch that was just read: note how long its packets lay in the kernel, where that is known */
void tap_waited(struct tap_writer *w, const struct nat_pkt *p, unsigned n);

/* ---- the main process's side ---- */

/* tap_new - shared memory for @threads threads; NULL: no memory */
struct tap *tap_new(unsigned threads);
void tap_free(struct tap *tap);

/**
 * tap_slot_open - begin to watch
 * @want:  enum tap_want
 * @insn:  @n_insns of a filter; checked here
 * Returns the slot; -EINVAL: the program is not one; -EBUSY: all slots are taken, or a thread was inside all the time.
 */
int tap_slot_open(struct tap *tap, uint32_t want, uint32_t snap, const struct bpf_insn *insn, uint32_t n_insns);
void tap_slot_close(struct tap *tap, unsigned slot);

/**
 * tap_read - hand over what the threads wrote, oldest first
 * @take: called per record, a checked copy, which is gone when @take returns; what makes no sense is left out
 * @budget: at most so many octets
 * Returns whether more is waiting. Cost: one copy of each record.
 */
bool tap_read(struct tap *tap, uint64_t budget, void (*take)(void *ctx, const struct tap_record *r), void *ctx);

/* tap_counts_sum, tap_times_sum, tap_waits_sum - of all threads */
struct tap_counts tap_counts_sum(const struct tap *tap);
struct tap_times tap_times_sum(const struct tap *tap);
struct tap_times tap_waits_sum(const struct tap *tap);

/* tap_lost - records that found no room so far */
uint64_t tap_lost(const struct tap *tap);

#endif
