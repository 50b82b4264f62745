/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * live - the running configuration, and how another takes its place.
 *
 * What runs is the file and, behind it, what each source contributes at run
 * time: forwards of guests, forwards of the control socket. Sources are asked
 * whenever anything may have changed, and nothing happens if nothing did. A
 * change that is asked for while another is under way comes after it, once.
 *
 * In this order, so that no packet meets half of a change: the rules for what
 * is new are added to those for what runs; the new mapping table is written
 * into the spare area; the worker swaps and ends the flows that lost their
 * forward; then the rules for what is gone are removed. If the rules cannot
 * be added, everything stays as it ran.
 *
 * A change of targets alone, and a guest that goes away or comes back with the
 * address that it had, waits for no rule: listeners keep theirs, and rules of
 * what is gone are kept for a while, and removed at a quiet time.
 *
 * Threads  none: main process only
 */
#ifndef NFQ_LIVE_H
#define NFQ_LIVE_H

#include "conf/dynamic.h"
#include "nfq/outside.h"
#include "nfq/queues.h"
#include "nfq/state.h"
#include "nfq/steer/steer.h"
#include "nfq/table.h"

/* Who contributes forwards at run time. */
struct live_source {
	/**
	 * contribute - say what shall be forwarded now, beside the file
	 * @file:   what the file says; may be one that is not running yet
	 * @claims: listeners and ports that are taken; every row of @out must have been added to it
	 * @out:    empty; filled with forwards and rows, freed by live
	 * Returns 0 or -errno; then the change is given up and what runs goes on running.
	 */
	int (*contribute)(void *ctx, const struct conf *file, struct conf_claims *claims, struct conf_dynamic *out);
	/* settled - does it know by now what it will contribute? NULL: always. Asked after a take-over, see live_refresh() */
	bool (*settled)(void *ctx);
	void *ctx;
};

/* Who comes first has a port that both want. */
enum {
	LIVE_ADDED,			/* by the control socket */
	LIVE_GUESTS,
	LIVE_SOURCES
};

enum { LIVE_KEPT = 256 };

/* A configuration on its way into the kernel. */
struct change {
	struct conf *file;		/* NULL: the running one, but sources, routes or devices changed */
	struct conf *conf;		/* file and sources */
	struct table table;
	uint32_t area;			/* mapping area that the worker shall swap to */
	bool under_way;
	nat_ns asked;			/* when the worker was asked to swap; after it waits for its answer */
	bool again;			/* something changed meanwhile: look once more after it */
	bool reload;			/* asked for meanwhile: the file is read again after it */
};

struct live {
	const char *path;		/* of the configuration */
	struct live_source source[LIVE_SOURCES];	/* in this order; those without contribute() are skipped */
	struct conf *file;		/* as it was read */
	struct conf *conf;		/* what runs: the file and the sources */
	struct table table;
	struct state state;
	struct steer steer;
	struct outside_taken unsteered;	/* ports that the rules for masquerade leave out: live_out.h */
	unsigned threads;		/* queue sets that the rules spread packets over */
	struct queues_road road;	/* the rules bring large TCP packets to these */
	struct change change;
	bool held;			/* taken over: table and rules stay as they are until the sources have settled */
	struct conf_row kept[LIVE_KEPT];	/* rows of sources that are gone, but have rules: they may come back */
	unsigned n_kept;
	bool touched;			/* somebody replaced or removed a rule of ours since all were installed: guard.h */
	bool untidy;			/* rules of what is gone may be left */
	void (*ask_swap)(uint32_t area);	/* ask the worker; its answer comes to live_swapped() */
	void (*ask_tidy)(void);		/* call live_tidy() in some minutes; asked again: later */
	void (*reloaded)(const struct conf *file);	/* another file runs now, or what it needs changed; NULL: nobody wants to know */
	void (*changed)(const struct conf *conf);	/* this runs now; NULL: nobody wants to know */
};

/* live_params - what the engine's block is made by: all that a configuration decides; state_make() does the rest */
void live_params(const struct conf *c, struct nat_params *p);

/**
 * live_open - make state and first mapping table; no rules yet
 * @kept: descriptor of the state that an earlier main process left, or -1; owned by @l
 *
 * A state that can be taken over stays as it is, flows, table and rules, and
 * so do the names in it; the worker goes on where the last one stopped.
 * @l: path, file, threads, sources, ask_swap and ask_tidy are set by the caller
 * Returns 0, or -errno after one line in the log; then nothing is left but the file.
 */
int live_open(struct live *l, int kept);

/* live_steer - install the rules; 0, or -errno after one line in the log, then no rule is left. Held: they are there */
int live_steer(struct live *l);

/**
 * live_settle - change to what file and sources say now, if that was held back
 * @wait: only if all sources have settled. Else whatever they say.
 * Called when the worker is ready, and when waiting takes too long.
 */
void live_settle(struct live *l, bool wait);

/* live_unsteer - remove the rules if there are any */
void live_unsteer(struct live *l);

/* live_close - free everything but the rules; the worker is gone */
void live_close(struct live *l);

/* live_reload - read the configuration again; a bad one is reported and the running one stays */
void live_reload(struct live *l);

/**
 * live_refresh - sources, routes or devices may have changed: ask them, and change what is different
 * Cheap if nothing is: no packet and no rule notices. With new targets or
 * ports it takes some runs of iptables or nft before the swap, otherwise none.
 */
void live_refresh(struct live *l);

/* live_tidy - remove the rules of what is gone */
void live_tidy(struct live *l);

/* live_restore - rules of ours were removed by others: put them back; not while a change is under way. 0 or -errno */
int live_restore(struct live *l);

/* live_worker_ready - a new worker runs: it is asked for the swap that the last one may not have done */
void live_worker_ready(struct live *l);

/* live_swapped - the worker works by the table in @area; @ended flows lost their forward */
void live_swapped(struct live *l, uint32_t area, uint32_t ended);

#endif
