/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status - `nfqnatctl status` */
#include <stdlib.h>
#include <string.h>

#include "ctl/json.h"
#include "ctl/link.h"
#include "ctl/out.h"

static void head(struct ctl *c, const json_t *s)
{
	char up[16];
	bool runs = json_number(s, "worker") > 0;
	json_int_t restored = json_number(json_object_get(s, "rules"), "restored");

	fprintf(c->out, "nfqnatd %s, pid %" JSON_INTEGER_FORMAT ", up %s, %s\n", json_text(s, "version"), json_number(s, "pid"),
		out_span(up, (long)json_number(s, "up_s")), json_text(s, "config"));
	if (runs)
		fprintf(c->out, "worker   pid %" JSON_INTEGER_FORMAT ", %" JSON_INTEGER_FORMAT " threads", json_number(s, "worker"),
			json_number(s, "threads"));
	else
		fprintf(c->out, "worker   %snot running: forwarded ports are closed%s", out_on(c, OUT_RED), out_off(c));
	if (json_number(s, "worker_deaths"))
		fprintf(c->out, ", %s%" JSON_INTEGER_FORMAT " died and were replaced%s", out_on(c, OUT_YELLOW),
			json_number(s, "worker_deaths"), out_off(c));
	fprintf(c->out, "\nrules    by %s, host's FORWARD rules %s%s", json_text(s, "steering"),
		json_is_true(json_object_get(s, "firewall_respected")) ? "respected" : "passed",
		json_is_true(json_object_get(s, "fail_open")) ? ", open on failure" : "");
	if (restored)
		fprintf(c->out, ", %sput back %" JSON_INTEGER_FORMAT " times%s", out_on(c, OUT_YELLOW), restored, out_off(c));
	fputc('\n', c->out);
	fprintf(c->out, "forwards %" JSON_INTEGER_FORMAT ", in %" JSON_INTEGER_FORMAT " rows\n", json_number(s, "forwards"),
		json_number(s, "rows"));
}

static void flows(struct ctl *c, const json_t *f)
{
	json_int_t used = json_number(f, "used"), most = json_number(f, "max");
	const char *class;
	json_t *n;

	fprintf(c->out, "flows    %s%" JSON_INTEGER_FORMAT "%s of %" JSON_INTEGER_FORMAT ", %" JSON_INTEGER_FORMAT
			" opened, %" JSON_INTEGER_FORMAT " ended\n", out_on(c, used * 10 > most * 9 ? OUT_RED : OUT_PLAIN), used,
		used * 10 > most * 9 ? out_off(c) : "", most, json_number(f, "opened"), json_number(f, "ended"));
	json_object_foreach(json_object_get(f, "classes"), class, n)
		fprintf(c->out, "         %8" JSON_INTEGER_FORMAT " %s\n", json_integer_value(n), class);
}

static void queues(struct ctl *c, const json_t *list)
{
	static const char *const title[] = { "queue", "for", ">packets", ">waiting", ">dropped", ">dropped (socket)" };
	struct out_table t = { .columns = 6, .head = title };
	size_t i;
	json_t *q;

	json_array_foreach(list, i, q) {
		char num[24], packets[24], waiting[24], full[24], sock[24];
		const char *const cell[] = { num, json_text(q, "kind"), packets, waiting, full, sock };
		bool lost = json_number(q, "dropped_full") || json_number(q, "dropped_socket");

		snprintf(num, sizeof(num), "%" JSON_INTEGER_FORMAT, json_number(q, "queue"));
		snprintf(packets, sizeof(packets), "%" JSON_INTEGER_FORMAT, json_number(q, "packets"));
		snprintf(waiting, sizeof(waiting), "%" JSON_INTEGER_FORMAT, json_number(q, "waiting"));
		snprintf(full, sizeof(full), "%" JSON_INTEGER_FORMAT, json_number(q, "dropped_full"));
		snprintf(sock, sizeof(sock), "%" JSON_INTEGER_FORMAT, json_number(q, "dropped_socket"));
		out_row(&t, lost ? OUT_YELLOW : OUT_PLAIN, cell);
	}
	fputc('\n', c->out);
	out_table_print(c, &t);
}

/* The road that large TCP packets take (docs/decisions/0017). */
static void large(struct ctl *c, const json_t *h)
{
	if (!h)
		return;
	if (strcmp(json_text(h, "road"), "headers") != 0) {
		fprintf(c->out, "\nlarge TCP comes whole: %s\n", json_text(h, "why"));
		return;
	}
	fprintf(c->out, "\nlarge TCP %s%s%s: %" JSON_INTEGER_FORMAT " packets by mark, %" JSON_INTEGER_FORMAT " asked for whole\n",
		out_on(c, json_is_true(json_object_get(h, "open")) ? OUT_PLAIN : OUT_YELLOW),
		json_is_true(json_object_get(h, "open")) ? "by its headers" : "comes whole until its rules are back", out_off(c),
		json_number(h, "by_mark"), json_number(h, "asked_whole"));
	fprintf(c->out, "          %" JSON_INTEGER_FORMAT " rewrites in the kernel, %" JSON_INTEGER_FORMAT " being made, %"
		JSON_INTEGER_FORMAT " had no room\n", json_number(h, "installed"), json_number(h, "wanted"),
		json_number(h, "full"));
}

/* What should not be: shown only if it is. */
static void troubles(struct ctl *c, const json_t *counts, const json_t *watchers)
{
	static const struct { const char *key, *words; } rows[] = {
		{ "overruns", "times the socket of a queue was full (ENOBUFS)" },
		{ "lost_verdicts", "packets were gone when their verdict came" },
		{ "send_errors", "verdicts could not be sent" },
		{ "bad_messages", "messages of the kernel made no sense" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (json_number(counts, rows[i].key))
			fprintf(c->out, "%s%" JSON_INTEGER_FORMAT " %s%s\n", out_on(c, OUT_YELLOW), json_number(counts, rows[i].key),
				rows[i].words, out_off(c));
	if (json_number(watchers, "now") || json_number(watchers, "lost_records"))
		fprintf(c->out, "%" JSON_INTEGER_FORMAT " watch packets or events, %" JSON_INTEGER_FORMAT " records were lost\n",
			json_number(watchers, "now"), json_number(watchers, "lost_records"));
}

static void reasons(struct ctl *c, const json_t *list)
{
	static const char *const title[] = { ">packets", "verdict", "why" };
	struct out_table t = { .columns = 3, .head = title };
	size_t i;
	json_t *r;

	if (!json_array_size(list))
		return;
	json_array_foreach(list, i, r) {
		bool is_drop = json_is_true(json_object_get(r, "drop"));
		char packets[24];
		const char *const cell[] = { packets, is_drop ? "drop" : "accept", json_text(r, "words") };

		snprintf(packets, sizeof(packets), "%" JSON_INTEGER_FORMAT, json_number(r, "packets"));
		out_row(&t, is_drop ? OUT_YELLOW : OUT_PLAIN, cell);
	}
	fputc('\n', c->out);
	out_table_print(c, &t);
}

/* Forwards that follow guests of libvirt, each with why it is active or not. */
static void guests(struct ctl *c, const json_t *list)
{
	size_t i;
	json_t *g;

	if (json_array_size(list))
		fprintf(c->out, "\n%sguests%s\n", out_on(c, OUT_BOLD), out_off(c));
	json_array_foreach(list, i, g) {
		bool active = json_is_true(json_object_get(json_object_get(g, "ipv4"), "active")) ||
			      json_is_true(json_object_get(json_object_get(g, "ipv6"), "active"));

		fprintf(c->out, "  %s%s%s\n", out_on(c, active ? OUT_PLAIN : OUT_YELLOW), json_text(g, "words"), out_off(c));
	}
}

/* A section that another part of the daemon registered: shown as it is, one `key value` a line. */
static void section(struct ctl *c, const char *name, json_t *s)
{
	const char *key;
	json_t *v;
	size_t i;

	if (json_is_array(s)) {
		json_array_foreach(s, i, v)
			section(c, name, v);
		return;
	}
	fprintf(c->out, "\n%s%s%s\n", out_on(c, OUT_BOLD), name, out_off(c));
	json_object_foreach(s, key, v) {
		char *shown = json_is_string(v) ? NULL : json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);

		fprintf(c->out, "  %-16s %s\n", key, shown ? shown : json_is_string(v) ? json_string_value(v) : "");
		free(shown);
	}
}

static void show(struct ctl *c, json_t *s)
{
	static const char *const known[] = { "protocol", "version", "pid", "up_s", "worker", "worker_deaths", "threads", "config",
					     "steering", "firewall_respected", "fail_open", "forwards", "rows", "flows",
					     "queues", "reasons", "control", "watchers", "worker_counts", "guests", "headers", "rules",
					     NULL };
	const char *key;
	json_t *v;

	head(c, s);
	flows(c, json_object_get(s, "flows"));
	queues(c, json_object_get(s, "queues"));
	large(c, json_object_get(s, "headers"));
	troubles(c, json_object_get(s, "worker_counts"), json_object_get(s, "watchers"));
	reasons(c, json_object_get(s, "reasons"));
	guests(c, json_object_get(s, "guests"));
	json_object_foreach(s, key, v) {
		unsigned i;

		for (i = 0; known[i] && strcmp(known[i], key) != 0; i++)
			;
		if (!known[i])
			section(c, key, v);
	}
}

int cmd_status(struct ctl *c, int argc, char **argv)
{
	json_t *end;
	int ret;

	if (argc > 1)
		return cmd_usage(argv[0]);
	ret = link_ask(c, json_pack("{s:s}", "cmd", "status"), NULL, NULL, &end);
	if (ret)
		return ret;
	if (c->json)
		link_print(c, json_object_get(end, "status"));
	else
		show(c, json_object_get(end, "status"));
	json_decref(end);
	return CMD_OK;
}
