/* SPDX-License-Identifier: GPL-2.0-or-later */
/* main - options, and the mode they ask for; see load.h */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/load/load.h"

static const struct mode {
	const char *name;
	bool connects;			/* takes ADDRESS PORT, not only PORT */
	int (*run)(const struct load_opts *o);
	const char *what;
} modes[] = {
	{ "udp-send", true, load_udp_send, "datagrams at a rate: --octets --rate --seconds --flows --sources" },
	{ "udp-recv", false, load_udp_recv, "count them and their delay, until SIGTERM" },
	{ "echo", false, load_echo, "the answering end of rr and crr, until SIGTERM" },
	{ "rr", true, load_rr, "request/response latency: --udp --flows --seconds" },
	{ "crr", true, load_crr, "whole connections per second: --flows --seconds" },
};

enum { MODES = sizeof(modes) / sizeof(modes[0]) };

static int usage(void)
{
	fputs("usage: load MODE [OPTION...] [ADDRESS] PORT\n", stderr);
	for (unsigned i = 0; i < MODES; i++)
		fprintf(stderr, "  %-9s %s\n", modes[i].name, modes[i].what);
	return 2;
}

static int options(int argc, char **argv, struct load_opts *o)
{
	static const struct option longs[] = {
		{ "octets", required_argument, NULL, 'o' },  { "rate", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 's' }, { "flows", required_argument, NULL, 'f' },
		{ "sources", required_argument, NULL, 'S' }, { "udp", no_argument, NULL, 'u' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'o':
			o->octets = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'r':
			o->rate = strtod(optarg, NULL);
			break;
		case 's':
			o->seconds = strtod(optarg, NULL);
			break;
		case 'f':
			o->flows = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'S':
			o->sources = optarg;
			break;
		case 'u':
			o->udp = true;
			break;
		default:
			return -1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct load_opts o = { .octets = 36, .seconds = 1, .flows = 1 };

	for (unsigned i = 0; argc > 1 && i < MODES; i++) {
		if (strcmp(argv[1], modes[i].name) != 0)
			continue;
		if (options(argc - 1, argv + 1, &o) < 0 || argc - 1 - optind != (modes[i].connects ? 2 : 1))
			return usage();
		if (modes[i].connects)
			o.address = argv[1 + optind];
		o.port = argv[argc - 1];
		return modes[i].run(&o);
	}
	return usage();
}
