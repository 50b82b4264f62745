/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nfqnat-virt - follows libvirt's guests for nfqnatd; the only program of nfqnat that is linked with libvirt. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdbool.h>
#include <string.h>

#include "virt/protocol.h"
#include "virt/watch/broker.h"
#include "virt/watch/hub.h"
#include "virt/watch/privilege.h"

static const char usage[] =
	"usage: nfqnat-virt [--agents] [--user NAME]  started by nfqnatd, which it talks to on descriptor 3\n"
	"       nfqnat-virt --once   [OPTION...]      print what is known of guests and networks, as JSON\n"
	"       nfqnat-virt --follow [OPTION...]      print it as a line whenever it changes\n"
	"  --uri URI          libvirt connection, may be given again (qemu:///system)\n"
	"  --lease-dir DIR    where libvirt's dnsmasq keeps leases (/var/lib/libvirt/dnsmasq)\n"
	"  --agents           ask agents in guests for addresses, too\n"
	"  --user NAME        become this user, who must be able to read both (nobody)\n"
	"  --help, --version\n";

struct arguments {
	struct hub_options hub;
	const char *uris[VIRT_CONNECTIONS];
	const char *user;
	bool agents;
};

/* -1: go on; else the exit status */
static int read_arguments(int argc, char **argv, struct arguments *a)
{
	static const struct option options[] = {
		{ "once", no_argument, NULL, 'o' },	{ "follow", no_argument, NULL, 'f' },
		{ "uri", required_argument, NULL, 'u' }, { "lease-dir", required_argument, NULL, 'l' },
		{ "user", required_argument, NULL, 'U' }, { "agents", no_argument, NULL, 'a' }, { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },	{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'o':
			a->hub.mode = HUB_ONCE;
			break;
		case 'f':
			a->hub.mode = HUB_FOLLOW;
			break;
		case 'u':
			if (a->hub.n_uris == VIRT_CONNECTIONS) {
				fprintf(stderr, "nfqnat-virt: --uri %s: %d connections are all that it follows\n", optarg, VIRT_CONNECTIONS);
				return 2;
			}
			a->uris[a->hub.n_uris++] = optarg;
			break;
		case 'l':
			a->hub.lease_dir = optarg;
			break;
		case 'a':
			a->agents = true;
			break;
		case 'U':
			a->user = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'V':
			puts("nfqnat-virt " NFQNAT_VERSION);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind < argc || (a->hub.mode == HUB_SERVE && a->hub.n_uris)) {
		fputs(usage, stderr);
		return 2;
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct arguments a = { .hub = { .mode = HUB_SERVE, .lease_dir = "/var/lib/libvirt/dnsmasq" }, .user = "nobody" };
	int status = read_arguments(argc, argv, &a);
	const char *bad;

	if (status >= 0)
		return status;
	if (a.hub.mode != HUB_SERVE && !a.hub.n_uris)
		a.uris[a.hub.n_uris++] = "qemu:///system";
	a.hub.uris = a.uris;
	/* As whoever we are still: it alone may open libvirt's read-write socket. */
	a.hub.broker = a.agents ? broker_start() : -1;
	if (a.agents && a.hub.broker < 0) {
		fprintf(stderr, "nfqnat-virt: agents cannot be asked: %s\n", strerror(errno));
		return 1;
	}
	bad = privilege_drop(a.user);
	if (bad) {
		fprintf(stderr, "nfqnat-virt: %s: %s: %s\n", a.user, bad, strerror(errno));
		return 1;
	}
	return hub_run(&a.hub);
}
