/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live - the running configuration, and how another takes its place.
 *
 * In this order, so that no packet meets half of a change: the new mapping
 * table is written into the spare area; the worker swaps and ends the flows
 * that lost their forward; then the rules follow. If the rules cannot be
 * changed, everything goes back to what ran before.
 *
 * Threads  none: main process only
 */
#ifndef NFQ_LIVE_H
#define NFQ_LIVE_H

#include "conf/conf.h"
#include "nfq/state.h"
#include "nfq/steer.h"
#include "nfq/table.h"

/* A configuration on its way into the kernel. */
struct change {
	struct conf *conf;		/* NULL: the running one, but the host's routes or devices changed */
	struct table table;
	uint32_t area;			/* mapping area that the worker shall swap to */
	bool under_way;
	bool again;			/* routes changed meanwhile: look once more after it */
	bool reload;			/* asked for meanwhile: the file is read again after it */
};

struct live {
	const char *path;		/* of the configuration */
	struct conf *conf;
	struct table table;
	struct state state;
	struct steer steer;
	unsigned threads;		/* queue pairs that the rules spread packets over */
	struct change change;
	void (*ask_swap)(uint32_t area);	/* ask the worker; its answer comes to live_swapped() */
};

/* live_params - what the engine's block is made by: all that a configuration decides; state_make() does the rest */
void live_params(const struct conf *c, struct nat_params *p);

/**
 * live_open - make state and first mapping table; no rules yet
 * @l: path, conf, threads and ask_swap are set by the caller
 * Returns 0, or -errno after one line in the log; then nothing is left.
 */
int live_open(struct live *l);

/* live_steer - install the rules; 0, or -errno after one line in the log, then no rule is left */
int live_steer(struct live *l);

/* live_unsteer - remove the rules if there are any */
void live_unsteer(struct live *l);

/* live_close - free everything but the rules; the worker is gone */
void live_close(struct live *l);

/* live_reload - read the configuration again; a bad one is reported and the running one stays */
void live_reload(struct live *l);

/* live_refresh - routes or devices may have changed: swap tables and rules if that matters to any row */
void live_refresh(struct live *l);

/* live_worker_ready - a new worker runs: it is asked for the swap that the last one may not have done */
void live_worker_ready(struct live *l);

/* live_swapped - the worker works by the table in @area; @ended flows lost their forward */
void live_swapped(struct live *l, uint32_t area, uint32_t ended);

#endif
