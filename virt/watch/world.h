/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * world - one picture of all: what libvirt knows of guests and networks, joined
 * with what lease files and the kernel know of addresses.
 *
 * No descriptor and no clock in here.
 * Threads  none
 */
#ifndef VIRT_WATCH_WORLD_H
#define VIRT_WATCH_WORLD_H

#include <jansson.h>

#include "virt/watch/agents.h"
#include "virt/watch/claims.h"
#include "virt/watch/kernel.h"

struct world {
	json_t *connections;	/* arrays, as in virt/protocol.h */
	json_t *networks;
	json_t *guests;
};

/* world_init - three empty arrays; false: no memory */
bool world_init(struct world *w);
void world_fini(struct world *w);

/**
 * world_add - what one libvirt connection knows
 * @fragment: a world message of source.h; not changed
 * @metadata: false: forwards in metadata, and warnings about them, are left out
 * Guests get "uri"; their "generation" is the caller's, already in @fragment.
 * What would break a limit of the protocol is left out.
 */
void world_add(struct world *w, const char *uri, const json_t *fragment, bool metadata);

/* world_bridges - call @each once for each bridge that a known network has */
void world_bridges(const struct world *w, void (*each)(void *arg, const char *bridge), void *arg);

/**
 * world_join - give each NIC of a guest that is on its addresses, and say if it is up
 * @c: leases; `<dhcp><host>' and neighbours are added here
 * @k: neighbours of guests that are off are forgotten in it
 * @a: what agents say is added to @c, and new ones are asked
 * A refused claim is a warning of its guest.
 */
void world_join(struct world *w, struct claims *c, struct kernel *k, struct agents *a);

/* world_text - the message, free() it; NULL: no memory */
char *world_text(const struct world *w, bool pretty);

#endif
