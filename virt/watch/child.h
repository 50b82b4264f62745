/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * child - the process of one libvirt connection, as the hub sees it.
 *
 * Keeps what the connection said last, so a libvirtd that is gone or hangs
 * takes no guest out of the world.
 */
#ifndef VIRT_WATCH_CHILD_H
#define VIRT_WATCH_CHILD_H

#include <ev.h>
#include <jansson.h>
#include <stdbool.h>

#include "virt/watch/lines.h"

enum {
	CHILD_SLOW_S = 6,	/* without a message: its libvirtd does not answer */
	CHILD_HANGS_S = 25,	/* longer than libvirt's keepalive takes (20 s): it is killed and replaced */
	CHILD_AGAIN_MS = 500,	/* from its end to the next start */
};

struct child;
struct child_calls {
	void *arg;
	void (*changed)(void *arg);		/* its part of the world, or its state */
	void (*log)(void *arg, const char *level, const char *text);
};

struct child {
	struct child *next;
	const struct child_calls *calls;
	struct ev_loop *loop;
	char *uri;
	pid_t pid;		/* 0: none runs */
	int fd;
	struct lines lines;
	json_t *fragment;	/* the last world with the connection up; NULL: never was */
	json_t *runs;		/* by UUID: "run" as last seen and the "generation" made of it */
	json_t *connection;	/* the protocol's object */
	bool reported;		/* it said once how things are, or took too long to */
	ev_tstamp heard;
	ev_io io;
	ev_child exit;
	ev_timer again;
};

/**
 * child_start - a process that follows @uri, now and whenever it ends
 * @calls: stays the caller's, and must live as long
 * Returns NULL if there is no memory. A process that cannot be made is tried again.
 */
struct child *child_start(struct ev_loop *loop, const char *uri, const struct child_calls *calls);

/* child_stop - end the process and free @c */
void child_stop(struct child *c);

/* child_watch - call every second: notices silence, kills what hangs */
void child_watch(struct child *c);

/* child_ask - list all again */
void child_ask(struct child *c);

/* child_fragment - what goes into the world: always "connections", the rest if it was ever known. Caller's reference. */
json_t *child_fragment(const struct child *c);

#endif
