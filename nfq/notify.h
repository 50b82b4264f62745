/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * notify - what we and the process that keeps us running tell each other.
 *
 * The protocol of sd_notify(3), which is documented as stable and made to be
 * spoken without a library: systemd speaks it, and so does our own keeper
 * (keeper.h) on hosts without systemd. Without $NOTIFY_SOCKET nothing is sent.
 *
 * Descriptors that are handed over to be kept come back to the next main
 * process (kept.h) if this one dies.
 */
#ifndef NFQ_NOTIFY_H
#define NFQ_NOTIFY_H

#include <stdbool.h>

/* notify_wanted - does anybody listen? */
bool notify_wanted(void);

/* notify_send - e.g. "READY=1\nSTATUS=..."; 0, or -errno: nobody was told, and that is no reason to stop */
int notify_send(const char *text);

/**
 * notify_keep - give a descriptor to be kept beyond our death
 * @name: no colon, 64 octets at most; one descriptor a name
 * Returns 0 or -errno. It stays open here.
 */
int notify_keep(const char *name, int fd);

/* notify_forget - what is kept under a name is not needed any more */
int notify_forget(const char *name);

/* notify_watchdog_s - how often to send "WATCHDOG=1", in seconds: half of what is allowed; 0: never */
double notify_watchdog_s(void);

#endif
