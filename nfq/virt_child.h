/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virt_child - the child that follows libvirt, kept alive.
 *
 * nfqnat-virt is started, listened to, killed when it has been silent for
 * VIRT_SILENCE_S or talks nonsense, and started again whenever it ends, after
 * a pause that doubles up to VIRT_CHILD_PAUSE_MAX_S. What it said last stays in
 * force meanwhile: forwarding never depends on it.
 *
 * The program is looked for beside nfqnatd, then in PATH; NFQNAT_VIRT in the
 * environment names another.
 *
 * Threads  none: main process only
 */
#ifndef NFQ_VIRT_CHILD_H
#define NFQ_VIRT_CHILD_H

#include <ev.h>
#include <sys/types.h>

#include "conf/conf.h"
#include "virt/world.h"

enum { VIRT_CHILD_PAUSE_MAX_S = 30 };

struct virt_child {
	struct ev_loop *loop;
	void (*hear)(void *ctx, struct virt_world *world);	/* a world, which is the callee's from then on */
	void *ctx;
	bool agents;			/* it is one that may ask agents in guests */
	char *order;			/* the line that it is told; NULL: none shall run */
	pid_t pid;			/* 0: none runs */
	int fd;				/* -1: none */
	char *line;			/* octets of a line that is not complete */
	size_t line_octets, line_room;
	double pause_s, since;
	bool missing;			/* the program was not found, and that was said */
	ev_io io;
	ev_child child;
	ev_timer silence, again;
};

/* virt_child_init - nothing runs yet; loop, hear and ctx are set by the caller */
void virt_child_init(struct virt_child *w);

/* virt_child_configure - let it watch as @conf says: start, stop or tell it */
void virt_child_configure(struct virt_child *w, const struct conf_libvirt *conf);

/* virt_child_stop - end it and wait for its end */
void virt_child_stop(struct virt_child *w);

#endif
