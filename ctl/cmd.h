/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd - the commands of nfqnatctl: one row in cmd.c, one file each.
 *
 * A command gets what stands behind its name, argv[0] being the name itself,
 * and returns the exit status. It parses its own options with getopt_long();
 * global options (--json, --socket, --colour, --wide) were taken out before, wherever
 * they stood.
 */
#ifndef CTL_CMD_H
#define CTL_CMD_H

#include <stdbool.h>
#include <stdio.h>

/* Exit statuses, the same for every command. */
enum cmd_exit {
	CMD_OK = 0,
	CMD_NO = 1,		/* understood, and the answer is no: refused, not found, something is wrong */
	CMD_USAGE = 2,		/* not understood: the usage was printed */
	CMD_NO_DAEMON = 3,	/* nfqnatd does not run, or may not be asked */
};

/* What the global options say; given to every command. */
struct ctl {
	const char *socket;	/* of the daemon */
	bool json;		/* print JSON, one object per line, and nothing else on @out */
	bool colour;		/* escape sequences may be used on @out: see out.h */
	bool wide;		/* lines are not folded */
	int width;		/* columns of @out; 0: no limit */
	FILE *out;		/* text for people: folded to @width */
	FILE *plain;		/* the same place, never folded: what is copied, or read by a program */
};

struct cmd {
	const char *name;
	const char *args;	/* for usage: "[--guest NAME] ..." */
	const char *what;	/* one line, for help */
	int (*run)(struct ctl *c, int argc, char **argv);
};

/* cmd_find - a row of cmd_table, NULL if there is none of this name */
const struct cmd *cmd_find(const char *name);

/* cmd_usage - say on standard error how @name is used; returns CMD_USAGE */
int cmd_usage(const char *name);

/* cmd_help - what a command is for and how it is used, on standard output */
void cmd_help(const struct cmd *c);

/* cmd_error - "nfqnatctl: text" on standard error, as printf */
void cmd_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* cmd_table - every command; ends with a name of NULL */
extern const struct cmd cmd_table[];

int cmd_add(struct ctl *c, int argc, char **argv);
int cmd_capture(struct ctl *c, int argc, char **argv);
int cmd_del(struct ctl *c, int argc, char **argv);
int cmd_events(struct ctl *c, int argc, char **argv);
int cmd_flush(struct ctl *c, int argc, char **argv);
int cmd_flows(struct ctl *c, int argc, char **argv);
int cmd_forwards(struct ctl *c, int argc, char **argv);
int cmd_doctor(struct ctl *c, int argc, char **argv);
int cmd_import(struct ctl *c, int argc, char **argv);
int cmd_metrics(struct ctl *c, int argc, char **argv);
int cmd_reload(struct ctl *c, int argc, char **argv);
int cmd_status(struct ctl *c, int argc, char **argv);
int cmd_top(struct ctl *c, int argc, char **argv);
int cmd_trace(struct ctl *c, int argc, char **argv);
int cmd_why(struct ctl *c, int argc, char **argv);

#endif
