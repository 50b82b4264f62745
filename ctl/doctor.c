/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor - nfqnatctl doctor: the findings of doctor/, for people and for machines */
#include "doctor/doctor.h"

#include <getopt.h>
#include <jansson.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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
	fprintf(c->out, "%s%-8s%s %s: %s\n", out_on(c, paint[f->level]), doctor_level_name(f->level), out_off(c), f->check,
		f->what);
	if (f->why && !(before && before->why == f->why))
		print_wrapped(c, f->why);
	/* a command is not broken into lines: it is to be copied */
	if (f->mend)
		fprintf(c->out, "%*s%s%s%s\n", INDENT, "", out_on(c, OUT_BOLD), f->mend, out_off(c));
}

static void print_json(const struct ctl *c, const struct doctor_finding *f)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:s?, s:s?}", "check", f->check, "level", doctor_level_name(f->level), "what",
			      f->what, "why", f->why, "mend", f->mend);

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

int cmd_doctor(struct ctl *c, int argc, char **argv)
{
	static const struct option longs[] = { { "config", required_argument, NULL, 'c' }, { NULL, 0, NULL, 0 } };
	struct doctor d = { .running = daemon_runs(c) };
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
	conf = load(path);
	if (!conf)
		return EXIT_PROBLEM;
	d.conf = conf;
	d.conf_path = path ? path : CONFIG_DEFAULT;
	if (net_open(&d.net) < 0)
		cmd_error("this kernel does not tell its devices and routes; what depends on them is not looked at");
	if (doctor_run(&d, argv[optind])) {
		status = report(c, &d);
	} else {
		cmd_error("there is no check `%s`; there are:", argv[optind]);
		for (const struct doctor_check *k = doctor_checks; k->name; k++)
			fprintf(stderr, "  %-10s %s\n", k->name, k->looks);
		status = CMD_USAGE;
	}
	doctor_fini(&d);
	conf_free(conf);
	return status;
}
