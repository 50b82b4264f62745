/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watch - who watches packets and flow events in the main process.
 *
 * The tap is emptied every WATCH_MS while somebody watches: no packet ever
 * waits for a wake-up call to be made. Each watcher has a slot of the tap.
 *
 * Threads  none: main process only
 */
#ifndef NFQ_WATCH_H
#define NFQ_WATCH_H

#include <ev.h>

#include "nfq/tap.h"

struct watcher {
	void (*take)(void *ctx, const struct tap_record *r);	/* a record of its slot; gone when it returns */
	void (*done)(void *ctx);	/* all that there is now has been handed over; NULL: not interested */
	void *ctx;
};

/* watch_open - before any watcher; @tap must outlive it. watch_close - all watchers are gone. */
void watch_open(struct ev_loop *loop, struct tap *tap);
void watch_close(void);

/* watch_add - as tap_slot_open(); returns the slot or -errno. @w is copied. */
int watch_add(const struct watcher *w, uint32_t want, uint32_t snap, const struct bpf_insn *insn, uint32_t n_insns);

/* watch_del - may be called from inside take() and done() */
void watch_del(unsigned slot);

/* watch_lose - a watcher could not take a record. watch_lost - records that anybody missed: no room in a ring, or a slow reader. */
void watch_lose(void);
uint64_t watch_lost(void);

/* watch_count - how many there are */
unsigned watch_count(void);

/* watch_tap - as given to watch_open(), NULL before */
struct tap *watch_tap(void);

#endif
