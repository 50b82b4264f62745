/* SPDX-License-Identifier: GPL-2.0-or-later */
/* connlog - see connlog.h */
#include "nfq/connlog.h"

#include <inttypes.h>

#include "nfq/ctl/world.h"
#include "nfq/fields.h"
#include "nfq/log.h"
#include "nfq/show.h"
#include "nfq/watch.h"

enum { LOST_EVERY_MS = 10000 };

static struct {
	int slot;			/* of the tap; -1: off */
	uint64_t lost;			/* tap_lost() as last told */
	struct log_rate rate;
	const struct tap_record *current;
} self = { .slot = -1 };

static const char *name_of(uint32_t forward)
{
	(void)forward;
	return self.current->forward;
}

static void take(void *ctx, const struct tap_record *r)
{
	char line[SHOW_LINE_OCTETS];

	(void)ctx;
	if (r->kind != TAP_EVENT || r->event.type == NAT_EV_STATE)
		return;
	self.current = r;
	show_event(line, sizeof(line), &r->event, name_of);
	fields_event(&r->event, r->forward, ctl_guest(&r->event.flow));
	log_info("%s", line);
}

static void done(void *ctx)
{
	uint64_t lost = tap_lost(watch_tap()), held;

	(void)ctx;
	if (lost == self.lost || !log_rate_pass(&self.rate, LOST_EVERY_MS, &held))
		return;
	log_warn("connection log: %" PRIu64 " events are missing, they came faster than they could be written", lost - self.lost);
	self.lost = lost;
}

void connlog_set(bool on)
{
	const struct watcher w = { .take = take, .done = done };

	if (on == (self.slot >= 0))
		return;
	if (!on) {
		watch_del((unsigned)self.slot);
		self.slot = -1;
		return;
	}
	self.slot = watch_add(&w, TAP_EVENTS, 0, NULL, 0);
	if (self.slot < 0)
		log_warn("connection-log: no place among the watchers; end a trace, capture or events, then reload");
	else
		self.lost = tap_lost(watch_tap());
}
