/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl_flush - `flush`: end the flows that a filter means; TCP is reset on both sides */
#include <errno.h>
#include <stdlib.h>

#include "nfq/control.h"
#include "nfq/ctl/request.h"
#include "nfq/ctl/world.h"
#include "nfq/log.h"
#include "nfq/peek.h"

enum { SLOTS_AT_ONCE = 16384 };

struct flush_job {
	struct ctl_client *client;
	json_t *req;			/* the filter points into it */
	struct ctl_filter filter;
	uint32_t at;
	bool asked;			/* the worker was told that these were all */
	bool answered;
	uint32_t ended;
};

/* One at a time: the worker's answer bears no name. */
static struct flush_job *current;

static void drop(void *arg)
{
	struct flush_job *job = arg;

	if (current == job)
		current = NULL;
	json_decref(job->req);
	free(job);
}

/* The worker's socket is full: its answers must be read first, so let the loop go round. */
static enum ctl_more send_or_wait(const struct control_msg *m, bool *sent)
{
	int err = control_send(*ctl_world()->control, m);

	*sent = !err;
	return err == -EAGAIN ? CTL_MORE : CTL_WAIT;
}

static enum ctl_more scan(struct ctl_client *c, struct flush_job *job)
{
	const struct state *s = &ctl_world()->live->state;
	bool sent;

	for (unsigned i = 0; i < SLOTS_AT_ONCE && job->at < flow_slots(&s->nat.flows); i++, job->at++) {
		struct control_msg m = { .type = CONTROL_FLUSH, .area = job->at };
		const char *forward;

		if (!peek_flow(&s->nat, job->at, &m.flow))
			continue;
		forward = state_flow_name(s, &m.flow);
		if (!ctl_filter_has(&job->filter, &m.flow, forward, job->filter.guest ? ctl_guest(&m.flow) : ""))
			continue;
		if (send_or_wait(&m, &sent) == CTL_MORE)
			return CTL_MORE;
		if (!sent) {
			ctl_error(c, "no packet worker runs now; its flows are kept, try again when it is back");
			return CTL_DONE;
		}
	}
	return CTL_MORE;
}

static enum ctl_more more(struct ctl_client *c, void *arg)
{
	const struct control_msg last = { .type = CONTROL_FLUSH, .area = NAT_NONE };
	struct flush_job *job = arg;
	bool sent;

	if (job->answered) {
		log_info("%u flows were ended by hand", job->ended);
		ctl_end(c, json_pack("{s:I}", "flows", (json_int_t)job->ended));
		return CTL_DONE;
	}
	if (job->asked)
		return CTL_WAIT;
	if (job->at < flow_slots(&ctl_world()->live->state.nat.flows))
		return scan(c, job);
	if (send_or_wait(&last, &sent) == CTL_MORE)
		return CTL_MORE;
	job->asked = sent;
	if (sent)
		return CTL_WAIT;
	ctl_error(c, "no packet worker runs now; its flows are kept, try again when it is back");
	return CTL_DONE;
}

void ctl_flushed(uint32_t ended)
{
	if (!current || !current->asked)
		return;
	current->answered = true;
	current->ended = ended;
	ctl_job_kick(current->client);
}

void ctl_flush_lost(void)
{
	struct flush_job *job = current;

	if (!job)
		return;
	/* Whatever the dead worker did not end goes on; say so by the count. */
	job->asked = job->answered = true;
	ctl_job_kick(job->client);
}

void ctl_run_flush(struct ctl_client *c, json_t *req)
{
	static const char *const known[] = { CTL_FILTER_KEYS, "all", NULL };
	struct flush_job *job;
	char why[CTL_WHY_OCTETS];
	struct ctl_filter filter;
	const json_t *all = json_object_get(req, "all");

	if (!ctl_request_known(req, known, why, sizeof(why)) || !ctl_filter_parse(req, &filter, why, sizeof(why))) {
		ctl_error(c, "%s", why);
		return;
	}
	if (json_object_size(req) < 2) {
		ctl_error(c, "which flows? give a guest, a forward or a tuple; --all ends every flow");
		return;
	}
	if (all && (!json_is_true(all) || json_object_size(req) > 2)) {
		ctl_error(c, "'all' must be true, and then there is nothing beside it: it ends every flow");
		return;
	}
	if (current) {
		ctl_error(c, "another flush is under way; try again");
		return;
	}
	job = calloc(1, sizeof(*job));
	if (!job) {
		ctl_error(c, "nfqnatd has no memory for this");
		return;
	}
	job->client = c;
	job->req = json_incref(req);
	job->filter = filter;
	current = job;
	ctl_job(c, more, drop, job);
}
