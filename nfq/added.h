/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * added - forwards that somebody added while the daemon runs (nfqnatctl add).
 *
 * A source of live.h. They live until they are deleted, their time is over,
 * or the daemon is stopped; a reload keeps them. What the file publishes comes
 * first: an added forward whose ports a new file takes is passive until the
 * file gives them back.
 *
 * They are handed over with the flows (handover.h), as text in a memfd: so a
 * main process that is killed, restarted or upgraded does not lose them.
 *
 * Threads  none: main process only
 */
#ifndef NFQ_ADDED_H
#define NFQ_ADDED_H

#include <ev.h>

#include "nfq/live.h"

enum { ADDED_MAX = 1024 };

enum added_err {
	ADDED_OK,
	ADDED_FULL,		/* there are ADDED_MAX */
	ADDED_NAME,		/* a forward of this name exists */
	ADDED_TAKEN,		/* a port of it is somebody's; @other names the forward */
	ADDED_NO_MEMORY,
};

/* added_open - the source to put into live.source[], with what a main process before us left; forwards whose time is over ask @live to look again */
struct live_source added_open(struct ev_loop *loop, struct live *live);
void added_close(void);

/**
 * added_add - keep a forward
 * @conf:  with one forward and its rows; taken over if ADDED_OK is returned
 * @text:  that conf_parse() makes it of, one line
 * @for_s: seconds it lives; 0: until it is deleted
 * @other: out, with ADDED_TAKEN
 * The caller then calls live_refresh().
 */
enum added_err added_add(struct conf *conf, const char *text, uint32_t for_s, const char **other);

/* added_del - forget a forward; false: none of this name was added. The caller then calls live_refresh(). */
bool added_del(const char *name);

/**
 * added_guests - forwards that follow a guest: resolved by who knows guests, as if they were the last of the file
 * @out: room for ADDED_MAX; valid until one is added or deleted
 * Returns how many.
 */
unsigned added_guests(const struct conf_forward **out);

/* added_libvirt - how libvirt is watched for them, if the file says nothing of it; NULL: there are none */
const struct conf_libvirt *added_libvirt(void);

/* added_left_s - seconds that an added forward still has; 0: no limit; -1: it was not added. *@why: if passive, else NULL */
long added_left_s(const char *name, const char **why);

/* added_waiting - the @i-th added forward that is passive; NULL: there are no more */
const char *added_waiting(unsigned i);

#endif
