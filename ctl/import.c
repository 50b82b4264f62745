/* SPDX-License-Identifier: GPL-2.0-or-later */
/* import - nfqnatctl import: a file of another program in, nfqnat.yaml out */
#include "conf/import/import.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cmd.h"

enum { OCTETS_MAX = 16 << 20 };

/* All of @in, ended by NUL; to be freed. NULL: said. */
static char *slurp(FILE *in, const char *name)
{
	char *text = malloc(OCTETS_MAX + 1);
	size_t n = text ? fread(text, 1, OCTETS_MAX + 1, in) : 0;
	char *less;

	if (!text) {
		cmd_error("%s: no memory", name);
	} else if (ferror(in)) {
		cmd_error("%s: %s", name, strerror(errno));
	} else if (n > OCTETS_MAX) {
		cmd_error("%s: is larger than %d MiB; cut it into files", name, OCTETS_MAX >> 20);
	} else if (memchr(text, '\0', n)) {
		cmd_error("%s: is not text: it has an octet of value 0", name);
	} else {
		text[n] = '\0';
		less = realloc(text, n + 1);
		return less ? less : text;
	}
	free(text);
	return NULL;
}

/* Returns -1 to go on, or the exit status. */
static int options(int argc, char **argv, struct import_args *args)
{
	static const struct option longs[] = { { "to", required_argument, NULL, 't' }, { NULL, 0, NULL, 0 } };
	int opt;

	optind = 1;
	while ((opt = getopt_long(argc, argv, "t:", longs, NULL)) != -1) {
		if (opt != 't')
			return cmd_usage("import");
		if (!plan_target(&args->to, optarg)) {
			cmd_error("--to %s is not an address; write that of the guest, once for each family", optarg);
			return CMD_USAGE;
		}
	}
	return -1;
}

int cmd_import(struct ctl *c, int argc, char **argv)
{
	struct import_args args = { 0 };
	const struct import_kind *kind;
	const char *name;
	FILE *in = stdin;
	char *text;
	int status = options(argc, argv, &args);

	if (status >= 0)
		return status;
	kind = optind < argc ? import_kind(argv[optind]) : NULL;
	if (!kind || argc - optind > 2) {
		cmd_usage("import");
		for (const struct import_kind *k = import_kinds; k->name; k++)
			fprintf(stderr, "  %-9s %s\n", k->name, k->what);
		return CMD_USAGE;
	}
	if (kind->needs_to && !args.to.has4 && !args.to.has6) {
		cmd_error("import %s: name the guest that the ports go to, as in --to 192.168.122.50", kind->name);
		return CMD_USAGE;
	}
	name = optind + 1 < argc ? argv[optind + 1] : "-";
	if (strcmp(name, "-") != 0 && !(in = fopen(name, "re"))) {
		cmd_error("%s: %s", name, strerror(errno));
		return CMD_NO;
	}
	text = slurp(in, name);
	if (in != stdin)
		fclose(in);
	if (!text)
		return CMD_NO;
	status = import_run(kind, name, text, &args, c->plain, stderr) ? CMD_NO : CMD_OK;
	free(text);
	return status;
}
