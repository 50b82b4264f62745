/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nfqnatctl - options, and which command runs */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/cmd.h"
#include "ctl/out.h"
#include "ctl/wrap.h"
#include "nfq/ctl/ctl.h"

static void help(FILE *out)
{
	fputs("usage: nfqnatctl [--json] [--wide] [--socket PATH]\n"
	      "                 [--colour auto|always|never] COMMAND [ARGUMENT...]\n\n", out);
	for (const struct cmd *c = cmd_table; c->name; c++)
		fprintf(out, "  %-10s %s\n", c->name, c->what);
	fputs("\nExit status: 0 done, 1 refused or not found, 2 not understood,\n"
	      "3 nfqnatd does not answer.\n"
	      "Manual: nfqnatctl(8).\n", out);
}

struct options {
	struct ctl ctl;
	const char *colour;
	char *rest[256];		/* the command and its arguments */
	int n_rest;
	bool version, help;
};

static bool matches(const char *arg, const char *name, char **argv, int *i, const char **value)
{
	size_t len = strlen(name);

	if (strncmp(arg, name, len) != 0)
		return false;
	if (arg[len] == '=') {
		*value = arg + len + 1;
		return true;
	}
	if (arg[len])
		return false;
	*value = argv[*i + 1];
	*i += *value != NULL;
	return true;
}

/* Global options may stand anywhere, up to a "--"; everything else is the command's. Returns -1 or the exit status. */
static int options_take(int argc, char **argv, struct options *o)
{
	bool open = true;

	for (int i = 1; i < argc; i++) {
		char *arg = argv[i];
		const char *value = "";

		if (open && !strcmp(arg, "--json"))
			o->ctl.json = true;
		else if (open && !strcmp(arg, "--wide"))
			o->ctl.wide = true;
		else if (open && (!strcmp(arg, "--help") || (!strcmp(arg, "-h") && o->n_rest < 2)))
			o->help = true;
		else if (open && !o->n_rest && !strcmp(arg, "--version"))
			o->version = true;
		else if (open && matches(arg, "--socket", argv, &i, &value))
			o->ctl.socket = value;
		else if (open && matches(arg, "--colour", argv, &i, &value))
			o->colour = value;
		else if (o->n_rest + 1 < (int)(sizeof(o->rest) / sizeof(o->rest[0])))
			o->rest[o->n_rest++] = arg;
		else
			value = NULL;
		if (!value) {
			cmd_error("`%s`: its value is missing, or there are too many arguments", arg);
			return CMD_USAGE;
		}
		open = open && strcmp(arg, "--") != 0;
	}
	return -1;
}

static void fold(struct ctl *c)
{
	FILE *folded = NULL;

	c->width = c->wide || c->json ? 0 : wrap_width(stdout);
	if (c->width)
		folded = wrap_open(stdout, c->width);
	if (folded)
		c->out = folded;
}

int main(int argc, char **argv)
{
	struct options o = { .ctl = { .socket = getenv("NFQNAT_SOCKET"), .out = stdout, .plain = stdout }, .colour = "auto" };
	const struct cmd *c;
	int status = options_take(argc, argv, &o);

	if (status >= 0)
		return status;
	if (!o.ctl.socket || !*o.ctl.socket)
		o.ctl.socket = CTL_SOCKET;
	if (o.version) {
		puts("nfqnatctl " NFQNAT_VERSION);
		return CMD_OK;
	}
	if (o.n_rest && !strcmp(o.rest[0], "help")) {
		o.help = true;
		o.rest[0] = o.rest[1];
		o.n_rest--;
	}
	if (!o.n_rest) {
		help(o.help ? stdout : stderr);
		return o.help ? CMD_OK : CMD_USAGE;
	}
	if (!out_colour(o.colour, stdout, &o.ctl.colour)) {
		cmd_error("--colour %s is not known; write auto, always or never", o.colour);
		return CMD_USAGE;
	}
	c = cmd_find(o.rest[0]);
	if (!c) {
		cmd_error("there is no command `%s`; `nfqnatctl --help` lists them", o.rest[0]);
		return CMD_USAGE;
	}
	if (o.help) {
		cmd_help(c);
		return CMD_OK;
	}
	fold(&o.ctl);
	status = c->run(&o.ctl, o.n_rest, o.rest);
	if (o.ctl.out != stdout)
		fclose(o.ctl.out);
	if (fflush(stdout) == EOF || ferror(stdout)) {
		if (errno != EPIPE)
			cmd_error("what was to be printed could not be written: %s", strerror(errno));
		return status ? status : CMD_NO;	/* a full disk must not look like success */
	}
	return status;
}
