/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plan - what was understood of another program's forwards, to be written as our YAML.
 *
 * Readers (import.h) add forwards and items; plan_write() writes text that
 * `nfqnatd --check` accepts: it asks the same parser, and what that refuses
 * is left out and said. Nothing is ever opened wider than it was: an item
 * whose restriction we do not have is left out as a whole.
 *
 * Memory   all belongs to the plan and goes with plan_fini()
 */
#ifndef IMPORT_PLAN_H
#define IMPORT_PLAN_H

#include <stdio.h>

#include "conf/publish.h"

enum {
	PLAN_NAME = 48,			/* octets of a forward's name, NUL included */
	PLAN_ALLOW = 16,		/* sources of one forward */
};

/* Who is forwarded to, for whom. Equal ones share a forward. */
struct plan_head {
	char name[PLAN_NAME];		/* "": none; letters, digits and . _ - : */
	bool has4, has6;
	struct nat_addr to4, to6;
	struct nat_prefix allow[PLAN_ALLOW];	/* host bits zero */
	unsigned n_allow;		/* 0: everyone */
};

struct plan_item {
	struct publish p;
	unsigned line;			/* of the source */
	unsigned at;			/* line of the YAML it was written to last */
	bool out;			/* left out, and said */
};

struct plan_forward {
	struct plan_head head;
	char base[PLAN_NAME];		/* the name before it was made the only one */
	struct plan_item *item;
	unsigned n, room;
	unsigned from, to;		/* lines of the YAML it was written to last */
};

struct plan {
	const char *name;		/* of the source, for messages */
	FILE *notes;			/* where messages go */
	struct plan_forward *forward;
	unsigned n, room;
	unsigned left_out;		/* messages of plan_leave() */
	bool oom;
};

/* plan_leave - say that line @line could not be carried over; "what; what to do" */
void plan_leave(struct plan *p, unsigned line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* plan_note - say something about line @line that was carried over */
void plan_note(struct plan *p, unsigned line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* plan_name - @text as a name: what may not be in one becomes '-'; longer ones are cut */
void plan_name(char name[PLAN_NAME], const char *text);

/* plan_target - take @text as the address of a guest. False: it is none. */
bool plan_target(struct plan_head *h, const char *text);

/* plan_allow - let @text in, an address or prefix. False: it is none, or there is no room. */
bool plan_allow(struct plan_head *h, const char *text);

/**
 * plan_add - forward one item
 * @item: proto, lo, hi and to_lo at least; checked by the grammar of publish.h
 * An item that is there already is not added again. What cannot be is said.
 */
void plan_add(struct plan *p, unsigned line, const struct plan_head *head, const struct publish *item);

/* plan_write - the YAML. Returns how many items were written. */
unsigned plan_write(struct plan *p, FILE *out);

void plan_fini(struct plan *p);

#endif
