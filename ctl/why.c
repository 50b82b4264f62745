/* SPDX-License-Identifier: GPL-2.0-or-later */
/* why - `nfqnatctl why`: what would happen to a packet, and what decides it */
#include <getopt.h>
#include <string.h>

#include "ctl/filter.h"
#include "ctl/flow_text.h"
#include "ctl/link.h"
#include "ctl/out.h"

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static void step(struct ctl *c, const char *title, const json_t *p)
{
	bool drop = !strcmp(text(p, "verdict"), "drop");
	char ends[FLOW_TEXT_OCTETS];

	flow_ends(ends, json_object_get(p, "before"));
	fprintf(c->out, "%-8s %s", title, ends);
	if (json_object_get(p, "after")) {
		flow_ends(ends, json_object_get(p, "after"));
		fprintf(c->out, " =>\n         %s", ends);
	}
	fprintf(c->out, "\n         at %s%s%s%s%s: %s%s%s%s\n", text(p, "hook"), *text(p, "in") ? " from " : "", text(p, "in"),
		*text(p, "out") ? " to " : "", text(p, "out"), out_on(c, drop ? OUT_RED : OUT_GREEN), drop ? "dropped, " : "",
		text(p, "words"), out_off(c));
}

static void flow(struct ctl *c, const json_t *w)
{
	const json_t *f = json_object_get(w, "flow");
	char span[16];

	if (f)
		fprintf(c->out, "flow     %" JSON_INTEGER_FORMAT ", %s, %s left if nothing comes\n",
			json_integer_value(json_object_get(f, "flow")), flow_state(f),
			out_span(span, (long)json_integer_value(json_object_get(f, "left_s"))));
	else
		fprintf(c->out, "flow     none yet%s\n", json_object_get(w, "new_flow") ? "; this packet opens one" : "");
	if (!*text(w, "forward"))
		fprintf(c->out, "forward  none\n");
	else if (*text(w, "file"))
		fprintf(c->out, "forward  %s, %s:%" JSON_INTEGER_FORMAT "\n", text(w, "forward"), text(w, "file"),
			json_integer_value(json_object_get(w, "line")));
	else
		fprintf(c->out, "forward  %s\n", text(w, "forward"));
}

static void show(struct ctl *c, const json_t *w)
{
	step(c, "packet", json_object_get(w, "packet"));
	flow(c, w);
	if (json_object_get(w, "at_forward"))
		step(c, "then", json_object_get(w, "at_forward"));
	if (!json_is_true(json_object_get(w, "to_this_host")) && !json_object_get(w, "flow") && !*text(w, "forward"))
		fprintf(c->out, "note     the destination is not an address of this host: no rule of nfqnat looks at it\n");
}

int cmd_why(struct ctl *c, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "in", required_argument, NULL, 'i' }, { "hook", required_argument, NULL, 'k' }, { 0 },
	};
	json_t *req = json_pack("{s:s}", "cmd", "why"), *end;
	int opt, used, ret;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if ((opt == 'i' || opt == 'k') &&
		    !json_object_set_new(req, opt == 'i' ? "in" : "hook", json_string(optarg)))
			continue;
		json_decref(req);
		return cmd_usage(argv[0]);
	}
	used = filter_tuple(req, argv + optind, argc - optind);
	if (!used || optind + used != argc || !json_object_get(req, "proto")) {
		json_decref(req);
		return cmd_usage(argv[0]);
	}
	ret = link_ask(c, req, NULL, NULL, &end);
	if (ret)
		return ret;
	if (c->json)
		link_print(c, json_object_get(end, "why"));
	else
		show(c, json_object_get(end, "why"));
	json_decref(end);
	return CMD_OK;
}
