/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state - the memory that main and workers share: the engine's block in a
 * memfd, and beside it the names that the numbers in it stand for.
 *
 * The main process makes it; workers inherit the mapping by fork and may die
 * without harm to it. Pages are only taken when they are used.
 */
#ifndef NFQ_STATE_H
#define NFQ_STATE_H

#include "nat/nat.h"

enum {
	STATE_MAX_ROWS = 131072,	/* rows in a mapping table: twice every port once */
	STATE_MAX_ALLOW = 65536,
	STATE_MAX_NAMES = 65536,
	STATE_NAME_OCTETS = 48,
};

struct state {
	int fd;				/* memfd of the block */
	struct nat nat;			/* the main process's view; a worker uses its inherited copy */
	uint64_t octets;
	char (*name)[STATE_MAX_NAMES][STATE_NAME_OCTETS];	/* two: one per mapping area */
};

/**
 * state_make - make block and names
 * @p: max_rows, max_allow and key are filled in here
 * Returns 0 or -errno: -ENOMEM, -ENOSPC: too many flows for this machine; lower `max-flows`.
 */
int state_make(struct state *s, struct nat_params *p);

/* state_free - give it all back; no worker may be left */
void state_free(struct state *s);

/* state_set_name - name of forward @forward in mapping area @area; a longer one is cut */
void state_set_name(struct state *s, unsigned area, uint32_t forward, const char *name);

/* state_name - name of a forward in the active mapping table, "?" if it has none */
const char *state_name(const struct state *s, uint32_t forward);

/* state_clock - now, for nat_packet(): CLOCK_BOOTTIME */
nat_ns state_clock(void);

#endif
