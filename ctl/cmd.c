/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd - see cmd.h: the table of commands */
#include "ctl/cmd.h"

#include <stdarg.h>
#include <string.h>

#include "ctl/wrap.h"

const struct cmd cmd_table[] = {
	{ "status",   "", "what runs: queues, flows, drops, children, reasons", cmd_status },
	{ "forwards", "[NAME...]", "what is forwarded, and what is not and why", cmd_forwards },
	{ "flows",    "[--guest G] [--forward F] [--address A] [--port N] [--proto P] [--state S] [--family 4|6] "
	  "[--sort KEY] [--long] [TUPLE]",
	  "the flow table", cmd_flows },
	{ "events",   "[-c COUNT] [--guest G] [--forward F] [--address A] [--port N] [--proto P] [--state S] "
	  "[--family 4|6] [TUPLE]",
	  "flows as they begin, change their state and end", cmd_events },
	{ "why",      "[--in DEVICE] [--hook pre|in|fwd|out|post] PROTO SOURCE:PORT DESTINATION:PORT",
	  "what would happen to a packet, and which rule decides", cmd_why },
	{ "trace",    "[-c COUNT] [FILTER...]", "one line for each packet that matches a filter of pcap-filter(7)", cmd_trace },
	{ "capture",  "[-c COUNT] FILE.pcapng [FILTER...]", "packets before and after translation, for Wireshark", cmd_capture },
	{ "top",      "[--guests] [--every 2s] [--once]", "rates by forward or guest, full screen", cmd_top },
	{ "metrics",  "", "counters as OpenMetrics text", cmd_metrics },
	{ "add",      "[--name NAME] [--allow PREFIX]... [--for 20m] --to ADDRESS|guest:NAME... PUBLISH...",
	  "a forward, live; until `del`, its time or the end of nfqnatd", cmd_add },
	{ "del",      "NAME...", "forwards that were added", cmd_del },
	{ "reload",   "", "the configuration; with every mistake named if it has any", cmd_reload },
	{ "flush",    "--all | [--guest G] [--forward F] [--address A] [--port N] [--proto P] [TUPLE]",
	  "end flows; TCP is reset on both sides", cmd_flush },
	{ "doctor",   "[--config FILE] [CHECK]", "what of this host stands in the way, and what mends it", cmd_doctor },
	{ "import",   "hooks|iptables|docker|passt|natd [--to ADDRESS]... [FILE]",
	  "turn forwards of another program into nfqnat.yaml", cmd_import },
	{ NULL, NULL, NULL, NULL },
};

void cmd_error(const char *fmt, ...)
{
	char text[4096] = "nfqnatctl: ";
	const size_t n = strlen(text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + n, sizeof(text) - n, fmt, ap);
	va_end(ap);
	wrap_line(stderr, text, strlen(text), wrap_width(stderr));
}

const struct cmd *cmd_find(const char *name)
{
	for (const struct cmd *c = cmd_table; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

static void usage(const struct cmd *c, FILE *out)
{
	char text[512];

	snprintf(text, sizeof(text), "usage: nfqnatctl [--json] %s%s%s", c->name, *c->args ? " " : "", c->args);
	wrap_line(out, text, strlen(text), wrap_width(out));
}

int cmd_usage(const char *name)
{
	const struct cmd *c = cmd_find(name);

	if (c)
		usage(c, stderr);
	return CMD_USAGE;
}

void cmd_help(const struct cmd *c)
{
	printf("%s: %s\n", c->name, c->what);
	usage(c, stdout);
}
