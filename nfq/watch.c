/* SPDX-License-Identifier: GPL-2.0-or-later */
/* watch - see watch.h */
#include "nfq/watch.h"

#include <errno.h>

#include "nfq/pace.h"

/* Octets read between two looks at how long it took already. What is not read in time finds no room, and is counted. */
enum { READ_OCTETS = 256 << 10 };

/* Seldom: each burst takes CPU from the packets of that moment, and one in a hundred of them is p99. */
static const double WATCH_S = 0.05;

static struct {
	struct ev_loop *loop;
	struct tap *tap;
	ev_timer timer;
	struct watcher watcher[TAP_SLOTS];
	bool used[TAP_SLOTS];
	unsigned n;
	uint64_t lost;			/* by watchers */
	struct pace pace;
} self;

static void take(void *ctx, const struct tap_record *r)
{
	(void)ctx;
	for (unsigned i = 0; i < TAP_SLOTS; i++)
		if (self.used[i] && (r->slots & 1u << i))
			self.watcher[i].take(self.watcher[i].ctx, r);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)w;
	(void)events;
	pace_begin(&self.pace);
	while (tap_read(self.tap, READ_OCTETS, take, NULL) && !pace_spent(&self.pace))
		;
	for (unsigned i = 0; i < TAP_SLOTS; i++)
		if (self.used[i] && self.watcher[i].done)
			self.watcher[i].done(self.watcher[i].ctx);
}

void watch_open(struct ev_loop *loop, struct tap *tap)
{
	self.loop = loop;
	self.tap = tap;
	ev_init(&self.timer, on_timer);
	self.timer.repeat = WATCH_S;
}

void watch_close(void)
{
	if (self.loop)
		ev_timer_stop(self.loop, &self.timer);
	self.tap = NULL;
	self.n = 0;
}

/* What is in the rings from before is nobody's: it must not reach who comes into the slot now. */
static void drop(void *ctx, const struct tap_record *r)
{
	(void)ctx;
	(void)r;
}

int watch_add(const struct watcher *w, uint32_t want, uint32_t snap, const struct bpf_insn *insn, uint32_t n_insns)
{
	int slot;

	if (!self.tap)
		return -ENODEV;
	tap_read(self.tap, UINT64_MAX, self.n ? take : drop, NULL);
	slot = tap_slot_open(self.tap, want, snap, insn, n_insns);
	if (slot < 0)
		return slot;
	self.watcher[slot] = *w;
	self.used[slot] = true;
	if (!self.n++)
		ev_timer_again(self.loop, &self.timer);
	return slot;
}

void watch_del(unsigned slot)
{
	if (!self.tap || !self.used[slot])
		return;
	tap_slot_close(self.tap, slot);
	self.used[slot] = false;
	if (!--self.n)
		ev_timer_stop(self.loop, &self.timer);
}

void watch_lose(void)
{
	self.lost++;
}

uint64_t watch_lost(void)
{
	return self.tap ? self.lost + tap_lost(self.tap) : 0;
}

unsigned watch_count(void)
{
	return self.n;
}

struct tap *watch_tap(void)
{
	return self.tap;
}
