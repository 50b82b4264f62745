/* SPDX-License-Identifier: GPL-2.0-or-later */
/* import - nfqnatctl import: a file of another program in, nfqnat.yaml out */
#include "conf/import/import.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/link.h"
#include "nfq/steer/run.h"

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

/* {"yaml":"...","said":["FILE:LINE: left out: ...",...]} */
static int as_json(const struct ctl *c, char *yaml, char *said)
{
	json_t *o = json_pack("{s:s?, s:[]}", "yaml", yaml, "said");
	char *save = NULL;

	for (char *line = said && o ? strtok_r(said, "\n", &save) : NULL; line; line = strtok_r(NULL, "\n", &save))
		json_array_append_new(json_object_get(o, "said"), json_string(line));
	if (!yaml || !said || !o) {
		json_decref(o);
		cmd_error("import: no memory, or what came out is not UTF-8");
		return CMD_NO;
	}
	link_print(c, o);
	json_decref(o);
	return CMD_OK;
}

/* What import_run() says, on both its streams, as one object. */
static int run_json(const struct ctl *c, const struct import_kind *kind, const char *name, char *text, const struct import_args *args)
{
	struct run_text yaml, said;
	char *out = NULL, *err = NULL;
	int status = CMD_NO;

	if (run_text_open(&yaml)) {
		if (run_text_open(&said)) {
			status = import_run(kind, name, text, args, yaml.out, said.out) ? CMD_NO : CMD_OK;
			err = run_text_close(&said);
		}
		out = run_text_close(&yaml);
	}
	if (as_json(c, out, err) != CMD_OK)
		status = CMD_NO;
	free(out);
	free(err);
	return status;
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
	if (c->json)
		status = run_json(c, kind, name, text, &args);
	else
		status = import_run(kind, name, text, &args, c->plain, stderr) ? CMD_NO : CMD_OK;
	free(text);
	return status;
}
