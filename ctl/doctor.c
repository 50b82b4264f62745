/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor - nfqnatctl doctor: the findings of doctor/, for people and for machines */
#include "ctl/doctor/doctor.h"

#include <getopt.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "conf/ip.h"
#include "ctl/cmd.h"
#include "ctl/link.h"
#include "ctl/out.h"

#define CONFIG_DEFAULT "/etc/nfqnat/nfqnat.yaml"

enum { WIDTH = 80, INDENT = 9 };

/* Beside enum cmd_exit: what the worst finding is. */
enum { EXIT_WARNING = 1, EXIT_PROBLEM = 4 };

static bool daemon_runs(const struct ctl *c)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool runs;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", c->socket);
	runs = fd >= 0 && connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0;
	if (fd >= 0)
		close(fd);
	return runs;
}

/* @path NULL: the default, and none at all if it is not there. NULL after the mistakes were printed. */
static struct conf *load(const char *path)
{
	struct conf *c = NULL;

	if (!path && access(CONFIG_DEFAULT, F_OK) < 0) {
		cmd_error("there is no " CONFIG_DEFAULT "; what depends on forwards is not looked at");
		conf_parse("none", "forwards: []\n", 13, &c, stderr);
	} else if (conf_load(path ? path : CONFIG_DEFAULT, &c, stderr) < 0) {
		return NULL;
	}
	return c;
}

/* The forward of this name; made if there is none: added live, or a guest's that a pattern stands for. UINT32_MAX: no memory. */
static uint32_t forward_of(struct conf *c, const char *name)
{
	struct conf_forward *more;

	for (unsigned i = 0; i < c->n_forwards; i++)
		if (!strcmp(c->forwards[i].name, name))
			return i;
	more = reallocarray(c->forwards, c->n_forwards + 1ul, sizeof(*more));
	if (!more)
		return UINT32_MAX;
	c->forwards = more;
	more[c->n_forwards] = (struct conf_forward){ .name = strdup(name), .file = strdup("nfqnatd") };
	if (!more[c->n_forwards].name || !more[c->n_forwards].file)
		return UINT32_MAX;
	return c->n_forwards++;
}

static bool read_addr(const json_t *row, const char *key, const struct conf_row *r, struct nat_addr *a)
{
	const char *text = json_string_value(json_object_get(row, key));
	enum nat_family family;

	return text && conf_ip_parse(text, strlen(text), a, &family) && family == r->family;
}

static bool has_row(const struct conf *c, const struct conf_row *r)
{
	for (unsigned i = 0; i < c->n_rows; i++) {
		const struct conf_row *o = &c->rows[i];

		if (o->family == r->family && o->proto == r->proto && o->lo == r->lo &&
		    nat_addr_eq(&o->listen, &r->listen) && nat_addr_eq(&o->to, &r->to))
			return true;
	}
	return false;
}

/* A row that runs and is not in the file: of a guest that libvirt knows, or added live. TCP and UDP only. */
static void take_row(void *ctx, json_t *line)
{
	const json_t *row = json_object_get(line, "row");
	const char *proto = json_string_value(json_object_get(row, "proto"));
	const char *name = json_string_value(json_object_get(row, "forward"));
	struct conf_row r = { .family = (uint8_t)json_integer_value(json_object_get(row, "family")),
			      .lo = (uint16_t)json_integer_value(json_object_get(row, "port")),
			      .hi = (uint16_t)json_integer_value(json_object_get(row, "port_end")),
			      .host_source = json_object_get(row, "source"),
			      .to_lo = (uint16_t)json_integer_value(json_object_get(row, "to_port")) };
	struct conf *c = ctx;
	struct conf_row *more;

	if (!proto || !name || (strcmp(proto, "tcp") != 0 && strcmp(proto, "udp") != 0) ||
	    !read_addr(row, "to", &r, &r.to))
		return;
	r.proto = !strcmp(proto, "tcp") ? IPPROTO_TCP : IPPROTO_UDP;
	read_addr(row, "listen", &r, &r.listen);
	if (has_row(c, &r))
		return;
	r.forward = forward_of(c, name);
	more = reallocarray(c->rows, c->n_rows + 1ul, sizeof(*more));
	if (!more || r.forward == UINT32_MAX) {
		c->rows = more ? more : c->rows;
		return;
	}
	c->rows = more;
	c->rows[c->n_rows++] = r;
}

/* Text in lines of WIDTH, each indented. */
static void print_wrapped(const struct ctl *c, const char *text)
{
	while (*text) {
		size_t n = strlen(text), room = WIDTH - INDENT;

		if (n > room) {
			for (n = room; n && text[n] != ' '; n--)
				;
			n = n ? n : room;
		}
		fprintf(c->out, "%*s%.*s\n", INDENT, "", (int)n, text);
		text += n;
		text += *text == ' ';
	}
}

/* @before: the finding printed before, NULL: none; the same explanation is not given twice in a row. */
static void print_text(const struct ctl *c, const struct doctor_finding *f, const struct doctor_finding *before)
{
	static const enum out_paint paint[] = { OUT_GREEN, OUT_PLAIN, OUT_YELLOW, OUT_RED };

	_Static_assert(sizeof(paint) / sizeof(paint[0]) == DOCTOR_LEVELS, "one colour per level");
	fprintf(c->out, "%s%-8s%s %s: %s\n", out_on(c, paint[f->level]), doctor_level_name(f->level), out_off(c),
		f->check, f->what);
	if (f->why && !(before && before->why == f->why))
		print_wrapped(c, f->why);
	/* a command is not broken into lines: it is to be copied */
	if (f->mend)
		fprintf(c->plain, "%*s%s%s%s\n", INDENT, "", out_on(c, OUT_BOLD), f->mend, out_off(c));
}

static void print_json(const struct ctl *c, const struct doctor_finding *f)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s?, s:s?}", "check", f->check, "level", doctor_level_name(f->level),
			      "what", f->what, "why", f->why, "mend", f->mend);

	if (o)
		link_print(c, o);
	json_decref(o);
}

static int report(const struct ctl *c, const struct doctor *d)
{
	enum doctor_level worst = doctor_worst(d);
	json_t *end;

	for (unsigned i = 0; i < d->n; i++) {
		if (c->json)
			print_json(c, &d->list[i]);
		else
			print_text(c, &d->list[i], i ? &d->list[i - 1] : NULL);
	}
	if (c->json) {
		end = json_pack("{s:b, s:s}", "end", 1, "worst", doctor_level_name(worst));
		link_print(c, end);
		json_decref(end);
	}
	return worst == DOCTOR_PROBLEM ? EXIT_PROBLEM : worst == DOCTOR_WARNING ? EXIT_WARNING : CMD_OK;
}

static bool is_check(const char *name)
{
	for (const struct doctor_check *k = doctor_checks; k->name; k++)
		if (!strcmp(k->name, name))
			return true;
	cmd_error("there is no check `%s`; there are:", name);
	for (const struct doctor_check *k = doctor_checks; k->name; k++)
		fprintf(stderr, "  %-10s %s\n", k->name, k->looks);
	return false;
}

int cmd_doctor(struct ctl *c, int argc, char **argv)
{
	static const struct option longs[] = { { "config", required_argument, NULL, 'c' }, { NULL, 0, NULL, 0 } };
	struct doctor d = { 0 };
	const char *path = NULL;
	struct conf *conf;
	int opt, status;

	optind = 1;
	while ((opt = getopt_long(argc, argv, "c:", longs, NULL)) != -1) {
		if (opt != 'c')
			return cmd_usage("doctor");
		path = optarg;
	}
	if (argc - optind > 1)
		return cmd_usage("doctor");
	if (argv[optind] && !is_check(argv[optind]))
		return CMD_USAGE;
	conf = load(path);
	if (!conf)
		return EXIT_PROBLEM;
	d.running = daemon_runs(c);
	if (d.running)
		link_ask(c, json_pack("{s:s}", "cmd", "forwards"), take_row, conf, NULL);
	d.conf = conf;
	d.conf_path = path ? path : CONFIG_DEFAULT;
	if (net_open(&d.net) < 0)
		cmd_error("this kernel does not tell its devices and routes; what depends on them is not looked at");
	doctor_run(&d, argv[optind]);
	status = report(c, &d);
	doctor_fini(&d);
	conf_free(conf);
	return status;
}
