/* SPDX-License-Identifier: GPL-2.0-or-later */
/* headers - see headers.h */
#include "nfq/headers.h"

#include <inttypes.h>

#include "nfq/ctl/world.h"
#include "nfq/log.h"
#include "nfq/steer/marks.h"

enum { WHY_OCTETS = 640 };

static struct live *live;

static json_t *status(void *ctx)
{
	const struct marks *m = &live->state.nat.marks;

	(void)ctx;
	if (!live->road.headers)
		return json_pack("{s:s, s:s}", "road", "whole", "why", live->road.why_whole);
	return json_pack("{s:s, s:b, s:I, s:I, s:i, s:i, s:I}", "road", "headers", "open", mark_open(m), "by_mark",
			 (json_int_t)m->head->packets, "asked_whole",
			 (json_int_t)live->state.nat.block->reasons[NAT_WHY_HEADERS_ONLY], "installed",
			 (int)mark_count(m, MARK_INSTALLED), "wanted", (int)mark_count(m, MARK_WANTED), "full",
			 (json_int_t)m->head->full);
}

void headers_begin(struct live *l)
{
	struct marks *m = &l->state.nat.marks;
	char why[WHY_OCTETS];

	live = l;
	ctl_status_add("headers", status, NULL);
	if (!l->road.headers) {
		mark_set_open(m, false);
		log_info("large TCP packets come whole: %s", l->road.why_whole);
	} else if (marks_attach(m, why, sizeof(why)) < 0) {
		log_warn("rules for large TCP packets: %s; they come whole until there are", why);
	} else {
		log_info("of large TCP packets the headers come, the kernel rewrites them by marks");
	}
}

void headers_update(void)
{
	if (live->road.headers)
		marks_update(&live->state.nat.marks, nat_tick_of(state_clock()));
}

static void one(FILE *out, const char *name, const char *type, const char *help, uint64_t value)
{
	fprintf(out, "# TYPE nfqnat_%s %s\n# HELP nfqnat_%s %s\nnfqnat_%s%s %" PRIu64 "\n", name, type, name, help, name,
		*type == 'c' ? "_total" : "", value);
}

void headers_metrics(FILE *out)
{
	const struct marks *m;

	if (!live)
		return;
	m = &live->state.nat.marks;
	one(out, "headers_open", "gauge", "1 if the kernel rewrites large TCP packets by marks; else they come whole.",
	    live->road.headers && mark_open(m));
	one(out, "headers_marked", "counter", "Packets that were given a mark for it.", m->head->packets);
	one(out, "headers_rewrites", "gauge", "Rewrites that the kernel has a rule for.", mark_count(m, MARK_INSTALLED));
	one(out, "headers_wanted", "gauge", "Rewrites that wait for their rule.", mark_count(m, MARK_WANTED));
	one(out, "headers_full", "counter", "Packets that found no room for another rewrite.", m->head->full);
}
