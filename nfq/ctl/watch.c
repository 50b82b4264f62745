/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctl_watch - `watch`: a stream of records. {"cmd":"watch","what":"events"} with
 * the keys of a flow filter, or {"what":"packets","snap":N,"filter":[[code,jt,jf,k],...]}.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nfq/ctl/request.h"
#include "nfq/ctl/world.h"
#include "nfq/watch.h"

struct watch_job {
	struct ctl_client *client;
	json_t *req;			/* the filter points into it */
	struct ctl_filter filter;
	bool filtered;
	int slot;
	uint64_t lost_here;		/* since the last TAP_LOST: this client was too slow */
	uint64_t lost_tap;		/* tap_lost() as last told */
};

static void drop(void *arg)
{
	struct watch_job *job = arg;

	if (job->slot >= 0)
		watch_del((unsigned)job->slot);
	json_decref(job->req);
	free(job);
}

/* Say that records are missing, as soon as there is room for it. */
static bool tell_lost(struct watch_job *job)
{
	uint64_t tap = tap_lost(watch_tap());
	struct tap_record r = { .octets = sizeof(r), .kind = TAP_LOST, .when = state_clock() };

	r.lost = job->lost_here + (tap - job->lost_tap);
	if (!r.lost)
		return true;
	if (!ctl_raw(job->client, &r, sizeof(r)))
		return false;
	job->lost_here = 0;
	job->lost_tap = tap;
	return true;
}

static void take(void *ctx, const struct tap_record *r)
{
	struct watch_job *job = ctx;

	if (job->filtered && !ctl_filter_has(&job->filter, &r->event.flow, r->forward, job->filter.guest ? ctl_guest(&r->event.flow) : ""))
		return;
	if (!tell_lost(job) || !ctl_raw(job->client, r, r->octets)) {
		job->lost_here++;
		watch_lose();
	}
}

static void done(void *ctx)
{
	struct watch_job *job = ctx;

	tell_lost(job);
	ctl_job_kick(job->client);
}

/* Records come by take(); the job only keeps the answer open. */
static enum ctl_more more(struct ctl_client *c, void *arg)
{
	(void)c;
	(void)arg;
	return CTL_WAIT;
}

/* The program as numbers; what is no instruction will be found by tap_slot_open(). */
static bool read_program(json_t *list, struct bpf_insn *insn, uint32_t *n)
{
	size_t i;
	json_t *row;

	*n = 0;
	if (!list)
		return true;
	if (!json_is_array(list) || json_array_size(list) > TAP_INSNS)
		return false;
	json_array_foreach(list, i, row) {
		json_int_t v[4];

		if (json_array_size(row) != 4)
			return false;
		for (unsigned k = 0; k < 4; k++) {
			if (!json_is_integer(json_array_get(row, k)))
				return false;
			v[k] = json_integer_value(json_array_get(row, k));
		}
		if (v[0] < 0 || v[0] > UINT16_MAX || v[1] < 0 || v[1] > 255 || v[2] < 0 || v[2] > 255 || v[3] < 0 ||
		    v[3] > UINT32_MAX)
			return false;
		insn[i] = (struct bpf_insn){ (uint16_t)v[0], (uint8_t)v[1], (uint8_t)v[2], (uint32_t)v[3] };
	}
	*n = (uint32_t)json_array_size(list);
	return true;
}

static const char *open_job(struct watch_job *job, bool packets, uint32_t snap)
{
	static struct bpf_insn insn[TAP_INSNS];
	const struct watcher w = { .take = take, .done = done, .ctx = job };
	uint32_t n = 0;

	if (packets && !read_program(json_object_get(job->req, "filter"), insn, &n))
		return "'filter' must be a list of at most 1024 instructions, each [code,jt,jf,k]";
	job->slot = watch_add(&w, packets ? TAP_PACKETS : TAP_EVENTS, snap, insn, n);
	if (job->slot == -EINVAL)
		return "'filter' is not a valid program";
	if (job->slot < 0)
		return "all places for watchers are taken; end another trace, capture or events first";
	return NULL;
}

void ctl_run_watch(struct ctl_client *c, json_t *req)
{
	static const char *const known_events[] = { "what", CTL_FILTER_KEYS, NULL };
	static const char *const known_packets[] = { "what", "snap", "filter", NULL };
	struct watch_job *job = calloc(1, sizeof(*job));
	char why[CTL_WHY_OCTETS];
	const char *what, *wrong;
	uint32_t snap = 0;
	bool packets, is_set;

	if (!job) {
		ctl_error(c, "nfqnatd has no memory for this");
		return;
	}
	if (!watch_tap()) {
		ctl_error(c, "nfqnatd had no memory for this when it started; see its log");
		free(job);
		return;
	}
	job->client = c;
	job->slot = -1;
	job->req = json_incref(req);
	job->lost_tap = tap_lost(watch_tap());
	what = json_string_value(json_object_get(req, "what"));
	packets = what && !strcmp(what, "packets");
	job->filtered = !packets;
	if (!what || (!packets && strcmp(what, "events") != 0)) {
		snprintf(why, sizeof(why), "'what' must be events or packets");
		wrong = why;
	} else if (!ctl_request_known(req, packets ? known_packets : known_events, why, sizeof(why)) ||
		   (!packets && !ctl_filter_parse(req, &job->filter, why, sizeof(why))) ||
		   !ctl_request_number(req, "snap", 0, 65535, &snap, &is_set, why, sizeof(why))) {
		wrong = why;
	} else {
		wrong = open_job(job, packets, snap);
	}
	if (wrong) {
		ctl_error(c, "%s", wrong);
		drop(job);
		return;
	}
	ctl_line(c, json_pack("{s:b, s:i, s:s, s:i}", "stream", 1, "protocol", CTL_VERSION, "version", NFQNAT_VERSION, "octets",
			      (int)sizeof(struct tap_record)));
	ctl_job(c, more, drop, job);
}
