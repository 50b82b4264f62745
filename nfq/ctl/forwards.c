/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl_forwards - `forwards`: each row of what runs, and what it does */
#include <netinet/in.h>
#include <stdlib.h>

#include "conf/publish.h"
#include "nfq/added.h"
#include "nfq/ctl/json.h"
#include "nfq/ctl/request.h"
#include "nfq/ctl/world.h"

struct forwards_job {
	const struct conf *conf;	/* what ran when the question came; only compared */
	uint32_t at;
};

static const char *action_name(enum conf_action a)
{
	static const char *const names[] = {
		[CONF_FORWARD] = "forward", [CONF_REJECT] = "reject", [CONF_DROP] = "drop", [CONF_HOLD] = "hold",
	};

	return names[a];
}

static json_t *row_json(const struct conf *c, const struct conf_row *r)
{
	const struct conf_forward *f = &c->forwards[r->forward];
	json_t *o = json_pack("{s:o, s:s, s:i, s:s}", "forward", ctl_json_text(f->name), "proto", publish_proto_name(r->proto),
			      "family", r->family, "action", action_name(r->action));
	const char *why;
	long left;

	if (!nat_addr_is_any(&r->listen))
		json_object_set_new(o, "listen", ctl_json_addr(&r->listen, r->family));
	if (*r->dev)
		json_object_set_new(o, "device", ctl_json_text(r->dev));
	if (nat_proto_has_ports(r->proto)) {
		json_object_set_new(o, "port", json_integer(r->lo));
		json_object_set_new(o, "port_end", json_integer(r->hi));
	}
	if (r->action == CONF_FORWARD) {
		json_object_set_new(o, "to", ctl_json_addr(&r->to, r->family));
		if (nat_proto_has_ports(r->proto))
			json_object_set_new(o, "to_port", json_integer(r->to_lo));
	}
	if (r->host_source)
		json_object_set_new(o, "source", json_string("host"));
	if (f->n_allow)
		json_object_set_new(o, "allowed_sources", json_integer(f->n_allow));
	if (*f->file) {
		json_object_set_new(o, "file", ctl_json_text(f->file));
		json_object_set_new(o, "line", json_integer(r->line));
	}
	left = added_left_s(f->name, &why);
	if (left >= 0)
		json_object_set_new(o, "added", json_true());
	if (left > 0)
		json_object_set_new(o, "left_s", json_integer(left));
	return o;
}

static enum ctl_more more(struct ctl_client *c, void *arg)
{
	const struct conf *conf = ctl_world()->live->conf;
	struct forwards_job *job = arg;

	if (conf != job->conf) {
		ctl_error(c, "the forwards changed while they were listed; ask again");
		return CTL_DONE;
	}
	for (; job->at < conf->n_rows; job->at++) {
		if (ctl_raw_room(c) < CTL_LINE_OCTETS)
			return CTL_MORE;
		ctl_line(c, json_pack("{s:o}", "row", row_json(conf, &conf->rows[job->at])));
	}
	ctl_end(c, json_pack("{s:i, s:i}", "rows", (int)conf->n_rows, "forwards", (int)conf->n_forwards));
	return CTL_DONE;
}

void ctl_run_forwards(struct ctl_client *c, json_t *req)
{
	static const char *const known[] = { NULL };
	struct forwards_job *job = calloc(1, sizeof(*job));
	char why[CTL_WHY_OCTETS];

	if (!job) {
		ctl_error(c, "nfqnatd has no memory for this");
		return;
	}
	if (!ctl_request_known(req, known, why, sizeof(why))) {
		ctl_error(c, "%s", why);
		free(job);
		return;
	}
	job->conf = ctl_world()->live->conf;
	ctl_job(c, more, free, job);
}
