/* SPDX-License-Identifier: GPL-2.0-or-later */
/* change - `nfqnatctl add`, `del`, `reload` and `flush` */
#include <stdlib.h>
#include <string.h>

#include "ctl/filter.h"
#include "ctl/json.h"
#include "ctl/link.h"
#include "ctl/span.h"
#include "ctl/wrap.h"

static void mistake(void *ctx, json_t *line)
{
	const struct ctl *c = ctx;
	const char *text = json_string_value(json_object_get(line, "mistake"));

	if (c->json)
		link_print(c, line);
	else if (text)
		wrap_line(stderr, text, strlen(text), wrap_width(stderr));
}

/* "added web; 2 forwards in 5 rows run", and where its guest is */
static void tell(struct ctl *c, const json_t *end, const char *done)
{
	json_int_t forwards = json_number(end, "forwards"), rows = json_number(end, "rows");
	const char *name = json_text(end, "forward");
	size_t i;
	json_t *g;

	if (json_object_get(end, "flows")) {
		fprintf(c->out, "%" JSON_INTEGER_FORMAT " flow%s ended\n", json_number(end, "flows"),
			json_number(end, "flows") == 1 ? "" : "s");
		return;
	}
	fprintf(c->out, "%s%s%s; %" JSON_INTEGER_FORMAT " forward%s in %" JSON_INTEGER_FORMAT " row%s run\n", done, *name ? " " : "",
		name, forwards, forwards == 1 ? "" : "s", rows, rows == 1 ? "" : "s");
	json_array_foreach(json_object_get(end, "guests"), i, g)
		fprintf(c->out, "  %s\n", json_text(g, "words"));
}

static int run(struct ctl *c, json_t *req, const char *done)
{
	json_t *end = NULL;
	int ret = link_ask(c, req, mistake, c, &end);

	if (ret)
		return ret;
	if (c->json)
		link_print(c, end);
	else
		tell(c, end, done);
	json_decref(end);
	return CMD_OK;
}

static bool append(json_t *req, const char *key, const char *text)
{
	json_t *list = json_object_get(req, key), *v = json_string(text);

	if (!v) {
		cmd_error("%s: not text in UTF-8", key);
		return false;
	}
	if (!list) {
		list = json_array();
		json_object_set_new(req, key, list);
	}
	return !json_array_append_new(list, v);
}

static bool set(json_t *req, const char *key, const char *text)
{
	if (!json_object_set_new(req, key, json_string(text)))
		return true;
	cmd_error("%s: not text in UTF-8", key);
	return false;
}

/* "guest:web1": the guest is a key of its own, and --to can say its addresses as well */
static bool add_to(json_t *req, char *list)
{
	char *save = NULL;

	for (char *word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		if (strncmp(word, "guest:", 6) != 0) {
			if (!append(req, "to", word))
				return false;
			continue;
		}
		if (json_object_get(req, "guest")) {
			cmd_error("--to guest:%s: a forward follows one guest", word + 6);
			return false;
		}
		if (!set(req, "guest", word + 6))
			return false;
	}
	return true;
}

/* "192.168.122.0/24,fd00:122::/64" and several --allow are the same */
static bool append_all(json_t *req, const char *key, char *list)
{
	char *save = NULL;

	for (char *word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save))
		if (!append(req, key, word))
			return false;
	return true;
}

static bool add_option(json_t *req, int opt, char *value)
{
	uint32_t seconds;

	switch (opt) {
	case 'n':
		return set(req, "name", value);
	case 't':
		return add_to(req, value);
	case 'w':
		return set(req, "network", value);
	case 'o':
		return set(req, "when-off", value);
	case 'i':
		return set(req, "isolated", value);
	case 's':
		return set(req, "source", value);
	case 'a':
		return append_all(req, "allow", value);
	case 'f':
		if (!span_parse(value, &seconds)) {
			cmd_error("--for %s: write for example 90s, 20m, 8h or 2d, at most a year", value);
			return false;
		}
		json_object_set_new(req, "for_s", json_integer(seconds));
		return true;
	default:
		return false;
	}
}

int cmd_add(struct ctl *c, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "name", required_argument, NULL, 'n' }, { "to", required_argument, NULL, 't' },
		{ "allow", required_argument, NULL, 'a' }, { "for", required_argument, NULL, 'f' },
		{ "network", required_argument, NULL, 'w' }, { "when-off", required_argument, NULL, 'o' },
		{ "isolated", required_argument, NULL, 'i' }, { "source", required_argument, NULL, 's' }, { 0 },
	};
	json_t *req = json_pack("{s:s}", "cmd", "add");
	int opt;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (add_option(req, opt, optarg))
			continue;
		json_decref(req);
		return opt == '?' ? cmd_usage(argv[0]) : CMD_USAGE;
	}
	for (; optind < argc; optind++)
		if (!append_all(req, "publish", argv[optind])) {
			json_decref(req);
			return CMD_USAGE;
		}
	if ((!json_object_get(req, "to") && !json_object_get(req, "guest")) || !json_object_get(req, "publish")) {
		json_decref(req);
		return cmd_usage(argv[0]);
	}
	return run(c, req, "added");
}

int cmd_del(struct ctl *c, int argc, char **argv)
{
	int ret = CMD_OK;

	if (argc < 2 || argv[1][0] == '-')
		return cmd_usage(argv[0]);
	for (int i = 1; i < argc; i++) {
		int one = run(c, json_pack("{s:s, s:s}", "cmd", "del", "name", argv[i]), "deleted");

		ret = one ? one : ret;
	}
	return ret;
}

int cmd_reload(struct ctl *c, int argc, char **argv)
{
	if (argc > 1)
		return cmd_usage(argv[0]);
	return run(c, json_pack("{s:s}", "cmd", "reload"), "reloaded");
}

int cmd_flush(struct ctl *c, int argc, char **argv)
{
	static const struct option longs[] = { FILTER_OPTIONS, { "all", no_argument, NULL, 'A' }, { 0 } };
	json_t *req = json_pack("{s:s}", "cmd", "flush");
	int opt;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (opt == 'A' ? !json_object_set_new(req, "all", json_true()) : filter_option(req, opt, optarg))
			continue;
		json_decref(req);
		return opt == '?' ? cmd_usage(argv[0]) : CMD_USAGE;
	}
	if (optind < argc && optind + filter_tuple(req, argv + optind, argc - optind) != argc) {
		json_decref(req);
		return cmd_usage(argv[0]);
	}
	return run(c, req, "");
}
