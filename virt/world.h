/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * world - one line of the watcher becomes one message.
 *
 * The watcher reads what guests and their owners write, so its lines are
 * read as if a guest had written them: (pointer, length), limits on everything
 * (protocol.h), and a message is right as a whole or refused as a whole.
 */
#ifndef VIRT_WORLD_H
#define VIRT_WORLD_H

#include <stddef.h>

#include "virt/model.h"

enum virt_message_type {
	VIRT_HELLO,
	VIRT_HEARTBEAT,
	VIRT_LOG,
	VIRT_WORLD,
};

enum virt_level { VIRT_ERROR, VIRT_WARN, VIRT_INFO, VIRT_DEBUG };

struct virt_message {
	enum virt_message_type type;
	int version;			/* VIRT_HELLO */
	enum virt_level level;		/* VIRT_LOG */
	char *text;			/* VIRT_LOG: printable; to be freed */
	struct virt_world *world;	/* VIRT_WORLD: to be freed with virt_world_free() */
};

enum { VIRT_FAULT_OCTETS = 200 };

/**
 * virt_message_read - read one message
 * @line:  @octets, without the newline; any
 * @m:     out; untouched on error
 * @fault: out on error: "guests[3].name: is missing", printable
 * Returns 0, or -1: refused, or no memory.
 */
int virt_message_read(const char *line, size_t octets, struct virt_message *m, char fault[VIRT_FAULT_OCTETS]);

/**
 * virt_world_keep - a watcher that starts while a libvirtd is away knows none of its guests: then @old's stay
 * @w:   new; of each connection that is down and of which it says nothing, networks and guests are moved here from @old
 * @old: what was known, still to be freed; NULL: nothing was
 * Returns how many guests were moved. With no memory @w stays as it is for what did not fit.
 */
unsigned virt_world_keep(struct virt_world *w, struct virt_world *old);

#endif
