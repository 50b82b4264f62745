/* SPDX-License-Identifier: GPL-2.0-or-later */
/* forwards - `nfqnatctl forwards` */
#include <inttypes.h>
#include <string.h>

#include "ctl/json.h"
#include "ctl/link.h"
#include "ctl/out.h"

struct listing {
	struct ctl *c;
	struct out_table table;
	char **names;			/* wanted; all if none */
	int n_names;
	unsigned shown;
};

/* "*:8080-8090%eth0", "[2001:db8::1]:22"; icmp: no port */
static void endpoint(char *buf, size_t octets, const char *addr, const json_t *lo, long width, const char *dev)
{
	bool v6 = strchr(addr, ':');
	size_t n = 0;

	if (!lo)
		n = (size_t)snprintf(buf, octets, "%s", addr);
	else if (width)
		n = (size_t)snprintf(buf, octets, "%s%s%s:%" JSON_INTEGER_FORMAT "-%" JSON_INTEGER_FORMAT, v6 ? "[" : "", addr,
				     v6 ? "]" : "", json_integer_value(lo), json_integer_value(lo) + width);
	else
		n = (size_t)snprintf(buf, octets, "%s%s%s:%" JSON_INTEGER_FORMAT, v6 ? "[" : "", addr, v6 ? "]" : "",
				     json_integer_value(lo));
	if (*dev && n < octets)
		snprintf(buf + n, octets - n, "%%%s", dev);
}

static bool wanted(const struct listing *l, const char *name)
{
	for (int i = 0; i < l->n_names; i++)
		if (!strcmp(l->names[i], name))
			return true;
	return !l->n_names;
}

static void take(void *ctx, json_t *line)
{
	struct listing *l = ctx;
	const json_t *r = json_object_get(line, "row"), *port = json_object_get(r, "port");
	long width = (long)(json_integer_value(json_object_get(r, "port_end")) - json_integer_value(port));
	const char *listen = json_text(r, "listen"), *action = json_text(r, "action");
	bool active = !strcmp(action, "forward"), v6 = json_integer_value(json_object_get(r, "family")) == 6;
	char from[96], to[96], allow[32] = "", proto[16];
	char life[16] = "", span[16];
	const char *const cell[] = { json_text(r, "forward"), proto, from, to, allow, life };

	if (!r || !wanted(l, json_text(r, "forward")))
		return;
	l->shown++;
	if (l->c->json) {
		link_print(l->c, r);
		return;
	}
	snprintf(proto, sizeof(proto), "%s%s", json_text(r, "proto"), v6 ? "6" : "4");
	endpoint(from, sizeof(from), *listen ? listen : "*", port, width, json_text(r, "device"));
	if (active)
		endpoint(to, sizeof(to), json_text(r, "to"), json_object_get(r, "to_port"), width, "");
	else
		snprintf(to, sizeof(to), "no guest now: %s", action);
	if (json_object_get(r, "allowed_sources"))
		snprintf(allow, sizeof(allow), "%" JSON_INTEGER_FORMAT " prefix%s", json_number(r, "allowed_sources"),
			 json_number(r, "allowed_sources") == 1 ? "" : "es");
	if (json_object_get(r, "added"))
		snprintf(life, sizeof(life), "added");
	if (json_object_get(r, "left_s"))
		snprintf(life, sizeof(life), "for %s", out_span(span, (long)json_integer_value(json_object_get(r, "left_s"))));
	out_row(&l->table, active ? OUT_PLAIN : OUT_YELLOW, cell);
}

static bool is_active(const json_t *guest, const char *family)
{
	return json_is_true(json_object_get(json_object_get(guest, family), "active"));
}

/* What should be forwarded and is not, each with its reason. */
static void not_active(struct ctl *c, const json_t *status)
{
	json_t *list = json_object_get(status, "guests"), *o;
	size_t i;

	json_array_foreach(list, i, o)
		if (!is_active(o, "ipv4") && !is_active(o, "ipv6"))
			fprintf(c->out, "%snot active: %s%s\n", out_on(c, OUT_YELLOW), json_text(o, "words"), out_off(c));
	list = json_object_get(status, "waiting");
	json_array_foreach(list, i, o)
		fprintf(c->out, "%snot active: forward %s: %s%s\n", out_on(c, OUT_YELLOW), json_text(o, "forward"),
			json_text(o, "why"), out_off(c));
}

int cmd_forwards(struct ctl *c, int argc, char **argv)
{
	static const char *const title[] = { "forward", "proto", "listens on", "leads to", "sources", "until" };
	struct listing l = { .c = c, .table = { .columns = 6, .head = title }, .names = argv + 1, .n_names = argc - 1 };
	int ret;

	if (argc > 1 && argv[1][0] == '-')
		return cmd_usage(argv[0]);
	ret = link_ask(c, json_pack("{s:s}", "cmd", "forwards"), take, &l, NULL);
	if (!c->json && l.table.rows)
		out_table_print(c, &l.table);
	if (!ret && !c->json && !l.n_names) {
		json_t *end;

		ret = link_ask(c, json_pack("{s:s}", "cmd", "status"), NULL, NULL, &end);
		if (!ret)
			not_active(c, json_object_get(end, "status"));
		json_decref(end);
	}
	if (!ret && l.n_names && !l.shown) {
		cmd_error("there is no forward of this name; `nfqnatctl forwards` lists all");
		return CMD_NO;
	}
	return ret;
}
