/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl_flows - `flows`: the flow table, as fast as the client reads it */
#include <stdlib.h>

#include "nfq/ctl/json.h"
#include "nfq/ctl/request.h"
#include "nfq/ctl/world.h"
#include "nfq/peek.h"

enum { SLOTS_AT_ONCE = 16384 };		/* looked at without a pause: about 100 us if all are free */

struct flows_job {
	json_t *req;			/* the filter points into it */
	struct ctl_filter filter;
	uint32_t at, shown;
};

static void drop(void *arg)
{
	struct flows_job *job = arg;

	json_decref(job->req);
	free(job);
}

static json_t *flow_json(const struct nat *n, uint32_t index, const struct nat_flow *f, const char *forward)
{
	json_t *o = ctl_json_flow(f);

	json_object_set_new(o, "flow", json_integer(index));
	json_object_set_new(o, "left_s", json_integer(peek_left_s(n, f, state_clock())));
	if (*ctl_guest(f))
		json_object_set_new(o, "guest", ctl_json_text(ctl_guest(f)));
	if (*forward)
		json_object_set_new(o, "forward", ctl_json_text(forward));
	return o;
}

static enum ctl_more more(struct ctl_client *c, void *arg)
{
	const struct state *s = &ctl_world()->live->state;
	struct flows_job *job = arg;

	for (unsigned i = 0; i < SLOTS_AT_ONCE && job->at < flow_slots(&s->nat.flows); i++, job->at++) {
		struct nat_flow f;
		const char *forward;

		if (!peek_flow(&s->nat, job->at, &f))
			continue;
		forward = state_flow_name(s, &f);
		if (!ctl_filter_has(&job->filter, &f, forward, job->filter.guest ? ctl_guest(&f) : ""))
			continue;
		if (ctl_raw_room(c) < CTL_LINE_OCTETS)
			return CTL_MORE;
		ctl_line(c, flow_json(&s->nat, job->at, &f, forward));
		job->shown++;
	}
	if (job->at < flow_slots(&s->nat.flows))
		return CTL_MORE;
	ctl_end(c, json_pack("{s:I}", "shown", (json_int_t)job->shown));
	return CTL_DONE;
}

void ctl_run_flows(struct ctl_client *c, json_t *req)
{
	static const char *const known[] = { CTL_FILTER_KEYS, NULL };
	struct flows_job *job = calloc(1, sizeof(*job));
	char why[CTL_WHY_OCTETS];

	if (!job) {
		ctl_error(c, "nfqnatd has no memory for this");
		return;
	}
	job->req = json_incref(req);
	if (!ctl_request_known(req, known, why, sizeof(why)) || !ctl_filter_parse(req, &job->filter, why, sizeof(why))) {
		ctl_error(c, "%s", why);
		drop(job);
		return;
	}
	ctl_job(c, more, drop, job);
}
