/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * leases - the directory of libvirt's lease files, watched by inotify.
 *
 * The files are written under another name and renamed (IN_MOVED_TO), about
 * 1 ms before libvirt itself would answer. The directory is watched, not the
 * files; if it is not there yet, leases_watch() may be called again.
 *
 * Threads  none
 */
#ifndef VIRT_WATCH_LEASES_H
#define VIRT_WATCH_LEASES_H

#include "virt/watch/claims.h"

enum leases_event {
	LEASES_NOTHING = 0,
	LEASES_CHANGED = 1,	/* a lease file */
	LEASES_HOSTS = 2,	/* what dnsmasq is told about `<dhcp><host>': libvirt has no event for that */
};

struct leases {
	int fd;			/* inotify; readable: leases_event() */
	int watch;		/* -1: the directory is not there */
	char *dir;
};

/* leases_open - 0 or -errno; the descriptor lives until leases_close(), whatever directories are watched */
int leases_open(struct leases *l);
void leases_close(struct leases *l);

/* leases_watch - from now on @dir (absolute); false: it cannot be watched (yet) */
bool leases_watch(struct leases *l, const char *dir);

/* leases_event - take what inotify has told; or'ed enum leases_event */
unsigned leases_event(struct leases *l);

/**
 * leases_read - add the leases of @bridge to @c
 * @next_s: see lease_read()
 * Returns 0 (also when there is no such file), -errno, or -EBADMSG: no lease file.
 */
int leases_read(const struct leases *l, const char *bridge, int64_t *next_s, struct claims *c);

#endif
