/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctl_change - `add`, `del`, `reload`: answered when the change works, or when
 * it was refused. For a forward that follows a guest libvirt is given a moment
 * to say where that is.
 */
#include <stdlib.h>
#include <string.h>

#include "nfq/added.h"
#include "nfq/ctl/json.h"
#include "nfq/ctl/request.h"
#include "nfq/ctl/world.h"
#include "nfq/log.h"
#include "virt/resolve.h"

/* A change that a client waits for. */
struct change_job {
	struct ctl_client *client;
	char *name;			/* of a forward that must be there afterwards; NULL: none */
	bool must_be_gone;
	ev_tstamp until;		/* so long libvirt may take to say where the guest is */
	struct change_job *next;
};

static struct change_job *waiting;
static ev_timer poll_timer;

static const double POLL_S = 0.01, LIBVIRT_S = 2;

static void drop(void *arg)
{
	struct change_job *job = arg;

	for (struct change_job **p = &waiting; *p; p = &(*p)->next)
		if (*p == job) {
			*p = job->next;
			break;
		}
	free(job->name);
	free(job);
}

static bool is_waiting(const struct change_job *job)
{
	for (const struct change_job *j = waiting; j; j = j->next)
		if (j == job)
			return true;
	return false;
}

static bool runs(const char *name)
{
	const struct conf *c = ctl_world()->live->conf;

	for (unsigned i = 0; i < c->n_forwards; i++)
		if (!strcmp(c->forwards[i].name, name))
			return true;
	return false;
}

/* What is known of the guest that forward @name follows, as in `guests` of the status; NULL: it follows none */
static json_t *guests_of(const char *name, bool *unanswered)
{
	json_t *all = ctl_status_section("guests"), *found = NULL, *o;
	size_t i;

	*unanswered = false;
	json_array_foreach(all, i, o) {
		const char *of = json_string_value(json_object_get(o, "forward")),
			   *why = json_string_value(json_object_get(json_object_get(o, "ipv4"), "reason"));

		if (!of || strcmp(of, name) != 0 || json_is_true(json_object_get(o, "metadata")))
			continue;
		if (!found)
			found = json_array();
		json_array_append(found, o);
		*unanswered |= why && !strcmp(why, virt_why_name(VIRT_WHY_WAITING));
	}
	json_decref(all);
	return found;
}

static enum ctl_more more(struct ctl_client *c, void *arg)
{
	struct change_job *job = arg;
	json_t *guests = NULL, *end;
	bool unanswered;

	if (ctl_world()->live->change.under_way)
		return CTL_WAIT;
	if (job->name && runs(job->name) == job->must_be_gone) {
		if (!job->must_be_gone && added_del(job->name))
			live_refresh(ctl_world()->live);
		ctl_error(c, "the change could not be made; nfqnatd's log says why, and what ran before goes on");
		return CTL_DONE;
	}
	if (job->name && !job->must_be_gone)
		guests = guests_of(job->name, &unanswered);
	if (guests && unanswered && ev_now(ctl_world()->loop) < job->until) {
		json_decref(guests);
		return CTL_WAIT;
	}
	end = json_pack("{s:i, s:i}", "rows", (int)ctl_world()->live->conf->n_rows, "forwards",
			(int)ctl_world()->live->conf->n_forwards);
	if (job->name)
		json_object_set_new(end, "forward", ctl_json_text(job->name));
	if (guests)
		json_object_set_new(end, "guests", guests);
	ctl_end(c, end);
	return CTL_DONE;
}

static void on_poll(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)events;
	if (ctl_world()->live->change.under_way)
		return;
	/* The kick ends this job, or leaves it; it may end others too: clients that have no right any more are hung up on. */
	for (struct change_job *job = waiting, *next; job; job = is_waiting(next) ? next : NULL) {
		next = job->next;
		ctl_job_kick(job->client);
	}
	if (!waiting)
		ev_timer_stop(loop, w);
}

/* Answer when the change in hand is over. */
static void answer_after(struct ctl_client *c, const char *name, bool must_be_gone)
{
	struct change_job *job = calloc(1, sizeof(*job));

	if (job && name)
		job->name = strdup(name);
	if (!job || (name && !job->name)) {
		free(job);
		ctl_error(c, "nfqnatd has no memory to wait for the change; look with `nfqnatctl forwards`");
		return;
	}
	job->client = c;
	job->must_be_gone = must_be_gone;
	job->until = ev_now(ctl_world()->loop) + LIBVIRT_S;
	job->next = waiting;
	waiting = job;
	ctl_job(c, more, drop, job);
	if (!ev_is_active(&poll_timer)) {
		ev_init(&poll_timer, on_poll);
		poll_timer.repeat = POLL_S;
	}
	ev_timer_again(ctl_world()->loop, &poll_timer);
}

/* Each mistake as a line of its own, and how many as the error. @text is what conf_parse() wrote. */
static void answer_mistakes(struct ctl_client *c, char *text, const char *skip)
{
	unsigned n = 0;
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		/* "request:1:17: " means nothing to somebody who wrote a command line */
		if (*skip && !strncmp(line, skip, strlen(skip))) {
			char *colon = strstr(line, ": ");

			line = colon ? colon + 2 : line;
		}
		ctl_line(c, json_pack("{s:o}", "mistake", ctl_json_line(line)));
		n++;
	}
	ctl_error(c, "%u mistake%s; nothing was changed", n, n == 1 ? "" : "s");
}

/* The forward as the text of a configuration: JSON is YAML, so its grammar and its messages are the file's. */
static char *as_config(json_t *req)
{
	static const char *const keys[] = { "name", "to", "guest", "network", "when-off", "isolated", "publish", "allow", "source" };
	const struct conf *c = ctl_world()->live->conf;
	json_t *forward = json_object(), *all;
	char ports[32], *text;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (json_object_get(req, keys[i]))
			json_object_set(forward, keys[i], json_object_get(req, keys[i]));
	snprintf(ports, sizeof(ports), "%u-%u", c->source_lo, c->source_hi);
	all = json_pack("{s:s, s:[o]}", "source-ports", ports, "forwards", forward);
	text = json_dumps(all, JSON_ENSURE_ASCII);
	json_decref(all);
	return text;
}

static void added(struct ctl_client *c, struct conf *conf, const char *text, uint32_t for_s)
{
	const char *other = "";

	switch (added_add(conf, text, for_s, &other)) {
	case ADDED_OK:
		log_field("FORWARD", "%s", conf->forwards[0].name);
		log_info("forward %s was added by hand", conf->forwards[0].name);
		live_refresh(ctl_world()->live);
		/* With a pattern there are as many as guests match, of other names. */
		answer_after(c, conf->forwards[0].guest && conf->forwards[0].guest->is_glob ? NULL : conf->forwards[0].name, false);
		return;
	case ADDED_FULL:
		ctl_error(c, "there are %d added forwards; write them into a file below forwards.d", ADDED_MAX);
		break;
	case ADDED_NAME:
		ctl_error(c, "a forward named %s exists; choose another --name", conf->forwards[0].name);
		break;
	case ADDED_TAKEN:
		ctl_error(c, "one of these ports is published by forward %s; choose others", other);
		break;
	case ADDED_NO_MEMORY:
		ctl_error(c, "nfqnatd has no memory for it");
		break;
	}
	conf_free(conf);
}

void ctl_run_add(struct ctl_client *c, json_t *req)
{
	static const char *const known[] = { "name", "to", "guest", "network", "when-off", "isolated", "publish", "allow", "source", "for_s", NULL };
	char why[CTL_WHY_OCTETS], *text, *said = NULL;
	uint32_t for_s = 0;
	struct conf *conf;
	bool is_set;
	size_t n;
	FILE *err;
	int bad = -1;

	if (!ctl_request_known(req, known, why, sizeof(why)) ||
	    !ctl_request_number(req, "for_s", 1, 366 * 86400, &for_s, &is_set, why, sizeof(why))) {
		ctl_error(c, "%s", why);
		return;
	}
	text = as_config(req);
	err = open_memstream(&said, &n);
	if (text && err)
		bad = conf_parse("request", text, strlen(text), &conf, err);
	if (err)
		fclose(err);
	if (!bad)
		added(c, conf, text, for_s);
	else if (text && said)
		answer_mistakes(c, said, "request:");
	else
		ctl_error(c, "nfqnatd has no memory for it");
	free(text);
	free(said);
}

void ctl_run_del(struct ctl_client *c, json_t *req)
{
	static const char *const known[] = { "name", NULL };
	char why[CTL_WHY_OCTETS];
	const char *name;

	if (!ctl_request_known(req, known, why, sizeof(why)) || !ctl_request_text(req, "name", &name, why, sizeof(why))) {
		ctl_error(c, "%s", why);
		return;
	}
	if (!name) {
		ctl_error(c, "'name' is missing: which forward shall go?");
		return;
	}
	if (!added_del(name)) {
		if (runs(name))
			ctl_error(c, "forward %.64s was not added by hand; take it out of its file and reload", name);
		else
			ctl_error(c, "there is no forward %.64s", name);
		return;
	}
	log_field("FORWARD", "%s", name);
	log_info("forward %s was deleted by hand", name);
	live_refresh(ctl_world()->live);
	answer_after(c, name, true);
}

void ctl_run_reload(struct ctl_client *c, json_t *req)
{
	struct live *live = ctl_world()->live;
	struct conf *conf = NULL;
	char *said = NULL;
	size_t n;
	FILE *err = open_memstream(&said, &n);
	int bad;

	(void)req;
	if (!err) {
		ctl_error(c, "nfqnatd has no memory to read the configuration");
		return;
	}
	/* Read twice: here for the answer, there for the change; only one place changes what runs. */
	bad = conf_load(live->path, &conf, err);
	fclose(err);
	conf_free(conf);
	if (bad) {
		answer_mistakes(c, said, "");
	} else {
		live_reload(live);
		answer_after(c, NULL, false);
	}
	free(said);
}
