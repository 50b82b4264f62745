/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * confine - what the processes that ask agents (ask.h, broker.h) can do.
 *
 * Both keep the user they were started as, for that is who may open libvirt's
 * read-write socket; so all else is taken from them.
 */
#ifndef VIRT_WATCH_CONFINE_H
#define VIRT_WATCH_CONFINE_H

#include <stdbool.h>

/**
 * confine_to_ask - no capability, no program, no file written or changed, no debugging, no core, few descriptors
 * Inherited by processes made later. False: it could not be had, and nobody should go on. Landlock is used where it is.
 */
bool confine_to_ask(void);

/* confine_to_talk - from now on nothing but talking on descriptors that are open: no new one, no new process. false as above */
bool confine_to_talk(void);

#endif
