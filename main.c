/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nfqnatd - options, and what they start */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "nfq/daemon.h"
#include "nfq/handover.h"
#include "nfq/keeper.h"
#include "nfq/log.h"
#include "replay/replay.h"

#define CONFIG_DEFAULT "/etc/nfqnat/nfqnat.yaml"

static const char usage[] =
	"usage: nfqnatd [-v | -vv] [--config FILE] [--check] [--keep] [--syslog]\n"
	"       nfqnatd --replay CAPTURE [--config FILE] [--write FILE] [-v]\n"
	"\n"
	"Forward ports of this host to virtual machines, by NFQUEUE.\n"
	"\n"
	"  -c, --config FILE  what to forward (" CONFIG_DEFAULT ")\n"
	"      --check        print the forwards as understood and exit: 0, or 1 with every mistake named\n"
	"      --replay FILE  run a capture (pcap, pcapng) through the engine, print each packet, and exit; needs no root\n"
	"      --write FILE   with --replay: write the translated packets as pcapng, the reasons as comments\n"
	"  -v, --verbose      log flows; twice: every packet\n"
	"      --control PATH  socket for nfqnatctl, in place of `control: { socket: ... }`\n"
	"      --keep         stay as a small parent that starts the main process again if it dies, on the same flows\n"
	"      --syslog       log to syslog instead of standard error\n"
	"      --version      print the version\n"
	"  -h, --help         print this\n"
	"\n"
	"Signals: HUP reloads the configuration, USR1 logs flows and counters, USR2 goes over to the program that is\n"
	"installed now, QUIT leaves all to the next main process, TERM stops and removes all rules.\n"
	"Manuals: nfqnatd(8), nfqnat.yaml(5).\n";

struct options {
	const char *config, *control, *replay, *write;
	bool check, syslog, keep;
	int verbose;
};

/* Returns -1 to go on, or the exit status. */
static int options_parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' }, { "check", no_argument, NULL, 'C' },
		{ "verbose", no_argument, NULL, 'v' },      { "syslog", no_argument, NULL, 's' },
		{ "control", required_argument, NULL, 'S' },
		{ "replay", required_argument, NULL, 'R' }, { "write", required_argument, NULL, 'W' },
		{ "keep", no_argument, NULL, 'k' },         { "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:vh", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 'S':
			o->control = optarg;
			break;
		case 'C':
			o->check = true;
			break;
		case 'v':
			o->verbose++;
			break;
		case 'k':
			o->keep = true;
			break;
		case 's':
			o->syslog = true;
			break;
		case 'R':
			o->replay = optarg;
			break;
		case 'W':
			o->write = optarg;
			break;
		case 'V':
			puts("nfqnatd " NFQNAT_VERSION);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (o->write && !o->replay) {
		fputs("nfqnatd: --write says where the packets of a --replay go; name a capture behind --replay\n", stderr);
		return 2;
	}
	if (optind == argc)
		return -1;
	fprintf(stderr, "nfqnatd: `%s` is not understood; the configuration goes behind --config\n", argv[optind]);
	return 2;
}

/* A closed 0, 1 or 2 would be given to a socket, and what we log would be sent to it. */
static void open_standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	struct options o = { .config = CONFIG_DEFAULT };
	struct conf *conf;
	int status;

	open_standard_files();
	handover_begin(argv);
	status = options_parse(argc, argv, &o);
	if (status >= 0)
		return status;
	if (conf_load(o.config, &conf, stderr) < 0)
		return 1;
	if (o.check) {
		conf_print(conf, stdout);
		conf_free(conf);
		return 0;
	}
	if (o.replay) {
		status = replay_files(o.replay, o.write, o.verbose, conf);
		conf_free(conf);
		return status;
	}
	if (o.control && strlen(o.control) >= sizeof(conf->control_socket)) {
		fprintf(stderr, "nfqnatd: --control %s: too long for a socket's name\n", o.control);
		conf_free(conf);
		return 2;
	}
	if (o.control) {
		memcpy(conf->control_socket, o.control, strlen(o.control) + 1);
		conf->control_given = true;
	}
	log_open(o.syslog ? LOG_TO_SYSLOG : LOG_TO_STDERR, o.verbose);
	if (o.keep && !keeper_is_parent()) {
		conf_free(conf);
		return keeper_run(argv);
	}
	return daemon_run(o.config, conf);
}
