/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guests - what libvirt says of guests, as forwards: the source of live.h
 * that joins the watcher (virt_child.h) and the decision (virt/resolve.h).
 *
 * Keeps the last world and the blocks of ports, which are written to
 * `blocks` in $STATE_DIRECTORY (systemd sets it), /var/lib/nfqnat by default.
 *
 * Threads  none: main process only
 */
#ifndef NFQ_GUESTS_H
#define NFQ_GUESTS_H

#include "nfq/live.h"
#include "nfq/virt_child.h"
#include "virt/resolve.h"

struct guests {
	struct live *live;
	struct virt_child watcher;
	struct virt_world *world;	/* NULL: none has come yet */
	struct virt_blocks blocks;
	struct virt_status status;	/* of the last decision */
	nat_ns started;			/* when libvirt was asked first */
	ev_timer wake;
};

/* guests_open - read the blocks, and be a source of @live; nothing is started yet */
void guests_open(struct guests *g, struct ev_loop *loop, struct live *live);

/* guests_configure - follow guests as @file says, which runs now */
void guests_configure(struct guests *g, const struct conf *file);

/* guests_close - end the watcher, free everything */
void guests_close(struct guests *g);

#endif
