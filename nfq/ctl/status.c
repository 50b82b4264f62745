/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl_status - `status`: what runs, and how it goes */
#include <string.h>
#include <unistd.h>

#include "nfq/added.h"
#include "nfq/ctl/json.h"
#include "nfq/ctl/world.h"
#include "nfq/watch.h"

enum { SECTIONS_MAX = 16 };

static struct {
	const char *name;
	json_t *(*make)(void *ctx);
	void *ctx;
} sections[SECTIONS_MAX];
static unsigned n_sections;

void ctl_status_add(const char *name, json_t *(*make)(void *ctx), void *ctx)
{
	if (n_sections == SECTIONS_MAX)
		return;
	sections[n_sections].name = name;
	sections[n_sections].make = make;
	sections[n_sections++].ctx = ctx;
}

json_t *ctl_status_section(const char *name)
{
	for (unsigned i = 0; i < n_sections; i++)
		if (!strcmp(sections[i].name, name))
			return sections[i].make(sections[i].ctx);
	return NULL;
}

static json_t *queue_json(const struct queue *q, const char *kind)
{
	struct queue_stats st;

	if (queue_stats(q->num, &st) < 0)
		return json_pack("{s:i, s:s, s:b}", "queue", q->num, "kind", kind, "bound", 0);
	return json_pack("{s:i, s:s, s:b, s:I, s:I, s:I, s:I}", "queue", q->num, "kind", kind, "bound", 1, "waiting",
			 (json_int_t)st.waiting, "packets", (json_int_t)st.last_id, "dropped_full", (json_int_t)st.dropped,
			 "dropped_socket", (json_int_t)st.user_dropped);
}

static json_t *queues_json(void)
{
	const struct worker_queues *q = ctl_world()->queues;
	const unsigned n = ctl_world()->live->threads;
	json_t *list = json_array();

	/* in the order of their numbers */
	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list, queue_json(&q[i].tcp, "tcp"));
	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list, queue_json(&q[i].rest, "other"));
	for (unsigned i = 0; i < n && q[i].headers.nl; i++)
		json_array_append_new(list, queue_json(&q[i].headers, "headers"));
	return list;
}

static json_t *flows_json(const struct nat_block *b)
{
	json_t *classes = json_object();

	for (unsigned c = IDLE_FREE + 1; c < IDLE_CLASSES; c++)
		if (b->flows.count[c])
			json_object_set_new(classes, idle_class_name(c), json_integer(b->flows.count[c]));
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "used", (json_int_t)b->flows.used, "max", (json_int_t)b->max_flows,
			 "opened", (json_int_t)b->opened, "ended", (json_int_t)b->ended, "octets", (json_int_t)b->octets,
			 "classes", classes);
}

static json_t *reasons_json(const struct nat_block *b)
{
	json_t *list = json_array();

	for (unsigned r = 0; r < NAT_REASONS; r++)
		if (b->reasons[r])
			json_array_append_new(list, json_pack("{s:s, s:b, s:I, s:s}", "reason", nat_reason_name(r), "drop",
							      nat_reason_verdict(r) == NAT_DROP, "packets",
							      (json_int_t)b->reasons[r], "words", nat_reason_words(r)));
	return list;
}

static json_t *waiting_json(void)
{
	json_t *list = json_array();
	const char *name, *why;

	for (unsigned i = 0; (name = added_waiting(i)); i++) {
		added_left_s(name, &why);
		json_array_append_new(list, json_pack("{s:o, s:s}", "forward", ctl_json_text(name), "why", why));
	}
	return list;
}

static json_t *counts_json(void)
{
	struct tap_counts n = tap_counts_sum(watch_tap());

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "packets", (json_int_t)n.packets, "batches", (json_int_t)n.batches,
			 "overruns", (json_int_t)n.overruns, "lost_verdicts", (json_int_t)n.lost_verdicts, "send_errors",
			 (json_int_t)n.send_errors, "bad_messages", (json_int_t)n.bad_messages);
}

void ctl_run_status(struct ctl_client *c, json_t *req)
{
	const struct ctl_world *w = ctl_world();
	const struct nat_block *b = w->live->state.nat.block;
	struct ctl_counts n = ctl_server_counts();
	json_t *s;

	(void)req;
	s = json_pack("{s:i, s:s, s:i, s:I, s:i, s:i, s:i, s:s, s:s, s:b, s:b}", "protocol", CTL_VERSION, "version", NFQNAT_VERSION,
		      "pid", (int)getpid(), "up_s", (json_int_t)((state_clock() - w->since) / 1000000000u), "worker",
		      (int)*w->worker, "worker_deaths", (int)*w->worker_deaths, "threads", (int)w->live->threads, "config",
		      w->live->path, "steering", steer_name(&w->live->steer), "firewall_respected",
		      w->live->conf->respect_firewall, "fail_open", w->live->conf->fail_open);
	json_object_set_new(s, "forwards", json_integer(w->live->conf->n_forwards));
	json_object_set_new(s, "rows", json_integer(w->live->conf->n_rows));
	json_object_set_new(s, "flows", flows_json(b));
	json_object_set_new(s, "queues", queues_json());
	json_object_set_new(s, "reasons", reasons_json(b));
	json_object_set_new(s, "control", json_pack("{s:i, s:I, s:I, s:I}", "clients", (int)n.clients, "requests",
						    (json_int_t)n.requests, "refused", (json_int_t)n.refused, "dropped",
						    (json_int_t)n.dropped));
	if (watch_tap())
		json_object_set_new(s, "watchers", json_pack("{s:i, s:I}", "now", (int)watch_count(), "lost_records",
							     (json_int_t)watch_lost()));
	if (watch_tap())
		json_object_set_new(s, "worker_counts", counts_json());
	if (added_waiting(0))
		json_object_set_new(s, "waiting", waiting_json());
	for (unsigned i = 0; i < n_sections; i++) {
		json_t *section = sections[i].make(sections[i].ctx);

		if (section)
			json_object_set_new(s, sections[i].name, section);
	}
	ctl_end(c, json_pack("{s:o}", "status", s));
}
