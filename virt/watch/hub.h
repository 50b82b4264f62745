/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hub - joins what the connections, the kernel and the lease files tell, and
 * sends the world to the main process whenever it is another.
 *
 * Its loop never calls libvirt, so its heartbeat goes on whatever libvirtd does.
 */
#ifndef VIRT_WATCH_HUB_H
#define VIRT_WATCH_HUB_H

#include <stdbool.h>

enum hub_mode {
	HUB_SERVE,	/* VIRT_FD is the main process: virt/protocol.h */
	HUB_FOLLOW,	/* each world as a line on standard output */
	HUB_ONCE,	/* one world on standard output, for people, then the end */
};

struct hub_options {
	enum hub_mode mode;
	const char *const *uris;	/* not with HUB_SERVE: the main process says which */
	unsigned n_uris;
	const char *lease_dir;
	int broker;			/* broker.h; -1: no agent is asked */
};

/**
 * hub_run - until the other side closes, SIGTERM or SIGINT; with HUB_ONCE until every connection has said how it is
 * Returns the exit status: 0, or 1 after a line on standard error (HUB_ONCE: a connection is down).
 */
int hub_run(const struct hub_options *options);

#endif
