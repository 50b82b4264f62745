/* SPDX-License-Identifier: GPL-2.0-or-later */
/* metrics - `nfqnatctl metrics`: OpenMetrics text */
#include "ctl/link.h"

static void piece(void *ctx, json_t *line)
{
	const struct ctl *c = ctx;
	const char *text = json_string_value(json_object_get(line, "text"));

	if (c->json)
		link_print(c, line);
	else if (text)
		fputs(text, c->plain);
}

int cmd_metrics(struct ctl *c, int argc, char **argv)
{
	if (argc > 1)
		return cmd_usage(argv[0]);
	return link_ask(c, json_pack("{s:s}", "cmd", "metrics"), piece, c, NULL);
}
