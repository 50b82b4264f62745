/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flows - `nfqnatctl flows`: like conntrack -L */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/filter.h"
#include "ctl/flow_text.h"
#include "ctl/link.h"
#include "ctl/out.h"

enum sort { SORT_NONE, SORT_OCTETS, SORT_PACKETS, SORT_LEFT, SORT_GUEST, SORT_FORWARD, SORT_CLIENT, SORTS };

static const char *const sort_names[] = {
	[SORT_NONE] = "table", [SORT_OCTETS] = "octets", [SORT_PACKETS] = "packets", [SORT_LEFT] = "left",
	[SORT_GUEST] = "guest", [SORT_FORWARD] = "forward", [SORT_CLIENT] = "client",
};

struct listing {
	struct ctl *c;
	bool tuples;			/* one full line each, not a table */
	json_t **flow;			/* kept for sorting and for the table */
	size_t n, room;
	bool oom;
};

static enum sort sort_by;

static json_int_t both(const json_t *f, const char *key)
{
	return json_integer_value(json_object_get(json_object_get(f, "sent"), key)) +
	       json_integer_value(json_object_get(json_object_get(f, "answers"), key));
}

static const char *sub(const json_t *f, const char *a, const char *b)
{
	const json_t *o = b ? json_object_get(f, a) : f;
	const char *s = json_string_value(json_object_get(o, b ? b : a));

	return s ? s : "";
}

static int order(const void *x, const void *y)
{
	const json_t *a = *(const json_t *const *)x, *b = *(const json_t *const *)y;
	json_int_t p = 0, q = 0;

	switch (sort_by) {
	case SORT_OCTETS:
		p = both(b, "octets"), q = both(a, "octets");
		break;
	case SORT_PACKETS:
		p = both(b, "packets"), q = both(a, "packets");
		break;
	case SORT_LEFT:
		p = json_integer_value(json_object_get(a, "left_s"));
		q = json_integer_value(json_object_get(b, "left_s"));
		break;
	case SORT_GUEST:
		return strcmp(sub(a, "xlat", "dst"), sub(b, "xlat", "dst"));
	case SORT_FORWARD:
		return strcmp(sub(a, "forward", NULL), sub(b, "forward", NULL));
	case SORT_CLIENT:
		return strcmp(sub(a, "orig", "src"), sub(b, "orig", "src"));
	case SORT_NONE:
	case SORTS:
		break;
	}
	return (p > q) - (p < q);
}

static void take(void *ctx, json_t *line)
{
	struct listing *l = ctx;

	if (l->c->json && sort_by == SORT_NONE) {
		link_print(l->c, line);
		return;
	}
	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : 1024;
		json_t **more = reallocarray(l->flow, room, sizeof(json_t *));

		if (!more) {
			l->oom = true;
			return;
		}
		l->flow = more;
		l->room = room;
	}
	l->flow[l->n++] = json_incref(line);
}

static void table(struct listing *l)
{
	static const char *const title[] = { "proto", "state", "client > listener", "guest", ">left", ">in", ">out" };
	struct out_table t = { .columns = 7, .head = title };

	for (size_t i = 0; i < l->n; i++) {
		const json_t *f = l->flow[i];
		char client[FLOW_TEXT_OCTETS], guest[FLOW_TEXT_OCTETS], left[16], in[12], out[12];
		const char *const cell[] = { sub(f, "proto", NULL), flow_state(f), client, guest, left, in, out };
		bool answered = json_is_true(json_object_get(f, "answered"));

		flow_client(client, f);
		flow_guest(guest, f);
		out_span(left, (long)json_integer_value(json_object_get(f, "left_s")));
		out_octets(in, (double)json_integer_value(json_object_get(json_object_get(f, "sent"), "octets")));
		out_octets(out, (double)json_integer_value(json_object_get(json_object_get(f, "answers"), "octets")));
		out_row(&t, answered ? OUT_PLAIN : OUT_DIM, cell);
	}
	if (l->n)
		out_table_print(l->c, &t);
}

static void print(struct listing *l)
{
	if (sort_by != SORT_NONE)
		qsort(l->flow, l->n, sizeof(json_t *), order);
	if (!l->c->json && !l->tuples) {
		table(l);
		return;
	}
	for (size_t i = 0; i < l->n; i++) {
		char line[FLOW_LINE_OCTETS];

		if (l->c->json) {
			link_print(l->c, l->flow[i]);
			continue;
		}
		flow_line(line, l->flow[i]);
		fprintf(l->c->out, "%s\n", line);
	}
}

static bool sort_option(const char *word)
{
	for (unsigned i = 0; i < SORTS; i++)
		if (!strcmp(sort_names[i], word)) {
			sort_by = (enum sort)i;
			return true;
		}
	cmd_error("--sort %s is not known; write octets, packets, left, guest, forward or client", word);
	return false;
}

int cmd_flows(struct ctl *c, int argc, char **argv)
{
	static const struct option longs[] = {
		FILTER_OPTIONS, { "sort", required_argument, NULL, 'o' }, { "long", no_argument, NULL, 'l' }, { 0 },
	};
	struct listing l = { .c = c };
	json_t *req = json_pack("{s:s}", "cmd", "flows");
	int opt, ret;

	sort_by = SORT_NONE;
	while ((opt = getopt_long(argc, argv, "l", longs, NULL)) != -1) {
		bool good = opt == 'o' ? sort_option(optarg) : opt == 'l' || filter_option(req, opt, optarg);

		l.tuples = l.tuples || opt == 'l';
		if (good)
			continue;
		json_decref(req);
		return opt == '?' ? cmd_usage(argv[0]) : CMD_USAGE;
	}
	if (optind < argc && !(optind + filter_tuple(req, argv + optind, argc - optind) == argc)) {
		json_decref(req);
		return cmd_usage(argv[0]);
	}
	ret = link_ask(c, req, take, &l, NULL);
	print(&l);
	for (size_t i = 0; i < l.n; i++)
		json_decref(l.flow[i]);
	free(l.flow);
	if (l.oom)
		cmd_error("no memory for so many flows; use a filter");
	return l.oom ? CMD_NO : ret;
}
