/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kept - descriptors that the main process before us left: the state of all
 * flows, and the queues with the packets that wait in them.
 *
 * They come from a service manager by sd_listen_fds(3), or over exec(2) by
 * $NFQNAT_KEPT, "name=number" with blanks between. Whoever takes one must
 * look at what it is: names are only claims.
 *
 * Threads  none: main process only
 */
#ifndef NFQ_KEPT_H
#define NFQ_KEPT_H

enum { KEPT_MAX = 224, KEPT_NAME_OCTETS = 64 };

#define KEPT_ENV "NFQNAT_KEPT"

/* kept_open - learn what was left, from the environment, which is cleared of it; closed over exec from here on */
void kept_open(void);

/* kept_take - the descriptor of a name, from here on the caller's; -1: there is none */
int kept_take(const char *name);

/* kept_drop - close what nobody took, and have it forgotten; returns how many those were */
unsigned kept_drop(void);

/**
 * kept_leave - let a program that is executed next have a descriptor
 * Called for each, then exec(2); kept_undo() if that fails.
 * Returns 0 or -errno.
 */
int kept_leave(const char *name, int fd);

/* kept_undo - nothing is left to anybody */
void kept_undo(void);

#endif
