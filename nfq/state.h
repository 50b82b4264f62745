/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * state - the memory that main and workers share: the engine's block in a
 * memfd, and behind it the names that the numbers in it stand for, and signs
 * of life.
 *
 *     | block | name[2][] | state_shared |
 *
 * The main process makes it, or takes over what an earlier one left; workers
 * inherit the mapping by fork and may die without harm to it. Pages are only
 * taken when they are used.
 *
 * Only one worker at a time writes flows, whatever happened to the main
 * process that started it: it holds a record lock on the memfd (state_lock()).
 */
#ifndef NFQ_STATE_H
#define NFQ_STATE_H

#include <stddef.h>

#include "conf/outbound.h"
#include "nat/nat.h"

enum {
	STATE_TAKEOVERS_MAX = 5,
	STATE_MAX_ROWS = 131072,	/* rows in a mapping table: twice every port once */
	STATE_MAX_ALLOW = 65536,
	STATE_MAX_NAMES = 65536,
	STATE_MAX_OUTS = CONF_OUTS,
	STATE_MAX_MAPPINGS = 131072,	/* of masqueraded guests; memory is taken as they are made */
	STATE_MAX_POLICIES = 4096,	/* forwards with limits of their own, and one for all */
	STATE_NAME_OCTETS = 48,
	STATE_THREADS_MAX = 64,
};

/* Behind block and names. */
struct state_shared {
	uint32_t version;		/* of names and this: STATE_VERSION */
	uint32_t takeovers;		/* since the last time that one went well; see state_take() */
	uint32_t steer_want, steer_backend, steer_conntrack;	/* how rules are installed, so that it need not be tried out */
	char steer_flavour[16];
	uint32_t beat[STATE_THREADS_MAX];	/* each thread of the worker counts its own up while it lives */
};

struct state {
	int fd;				/* memfd of the block */
	struct nat nat;			/* the main process's view; a worker uses its inherited copy */
	uint64_t octets;		/* of the block */
	uint64_t mapped;		/* of all */
	bool taken;			/* an earlier main process made it */
	struct state_shared *shared;
	char (*name)[STATE_MAX_NAMES][STATE_NAME_OCTETS];	/* two: one per mapping area */
};

/**
 * state_make - make block and names
 * @p: max_rows, max_allow and key are filled in here
 * Returns 0 or -errno: -ENOMEM, -ENOSPC: too many flows for this machine; lower `max-flows`.
 */
int state_make(struct state *s, struct nat_params *p);

/**
 * state_take - take over what an earlier main process left
 * @fd:  of its memfd; owned by @s on success
 * @why: out on error; @octets of text
 *
 * Flows and mapping table are as they were; the next worker makes good what
 * the last one left half done (nat_recover()). Waits for that one's end.
 * Returns 0 or -errno: the flows are lost, make new ones. -EPROTO: made by
 * another version; -EBADMSG: damaged, or not a state at all; -ELOOP: taken
 * over STATE_TAKEOVERS_MAX times and never for long; -EBUSY: its worker does
 * not end.
 */
int state_take(struct state *s, int fd, char *why, size_t octets);

/* state_good - it has worked for a while with what was taken over */
void state_good(struct state *s);

/* state_lock - wait until no other process holds the state, and hold it until unlocked or dead; 0 or -errno: -EBUSY */
int state_lock(const struct state *s, int wait_ms);
void state_unlock(const struct state *s);

/* state_beat - thread @index of the worker is alive */
static inline void state_beat(const struct state *s, unsigned index)
{
	__atomic_fetch_add(&s->shared->beat[index], 1, __ATOMIC_RELAXED);
}

/* state_free - give it all back; no worker may be left */
void state_free(struct state *s);

/* state_set_name - name of forward @forward in mapping area @area; a longer one is cut */
void state_set_name(struct state *s, unsigned area, uint32_t forward, const char *name);

/* state_name - name of a forward in the active mapping table, "?" if it has none */
const char *state_name(const struct state *s, uint32_t forward);

/*
 * state_flow_name - name of a flow's forward, "" if it has none
 * Also of a flow that lost its forward by the latest swap: the spare table still has it.
 */
const char *state_flow_name(const struct state *s, const struct nat_flow *f);

/* state_clock - now, for nat_packet(): CLOCK_BOOTTIME */
nat_ns state_clock(void);

#endif
