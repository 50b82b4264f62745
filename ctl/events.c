/* SPDX-License-Identifier: GPL-2.0-or-later */
/* events - `nfqnatctl events`: like conntrack -E */
#include <string.h>

#include "ctl/filter.h"
#include "ctl/link.h"
#include "ctl/stream.h"
#include "nfq/ctl/json.h"
#include "nfq/show.h"

static json_t *event_json(const struct stream *s, const struct tap_record *r)
{
	json_t *o = ctl_json_event(&r->event);

	json_object_set_new(o, "time", json_real((double)((int64_t)r->when + s->wall_ns) / 1e9));
	if (*r->forward)
		json_object_set_new(o, "forward", json_string(r->forward));
	return o;
}

static bool take(struct stream *s, const struct tap_record *r)
{
	char line[SHOW_LINE_OCTETS], when[24];

	if (r->kind != TAP_EVENT)
		return true;
	s->shown++;
	if (s->ctl->json) {
		json_t *o = event_json(s, r);

		link_print(s->ctl, o);
		json_decref(o);
		return true;
	}
	show_event(line, sizeof(line), &r->event, stream_forward);
	fprintf(s->ctl->out, "%s %s\n", stream_time(s, r, when), line);
	return true;
}

int cmd_events(struct ctl *c, int argc, char **argv)
{
	static const struct option longs[] = { FILTER_OPTIONS, { "count", required_argument, NULL, 'c' }, { 0 } };
	json_t *req = json_pack("{s:s, s:s}", "cmd", "watch", "what", "events");
	struct stream s = { .ctl = c };
	int opt;

	while ((opt = getopt_long(argc, argv, "c:", longs, NULL)) != -1) {
		if (opt == 'c' ? stream_count(optarg, &s.most) : filter_option(req, opt, optarg))
			continue;
		json_decref(req);
		return opt == '?' ? cmd_usage(argv[0]) : CMD_USAGE;
	}
	if (optind < argc && optind + filter_tuple(req, argv + optind, argc - optind) != argc) {
		json_decref(req);
		return cmd_usage(argv[0]);
	}
	return stream_run(&s, req, take);
}
