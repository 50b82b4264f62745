/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * daemon - the main process: configuration, rules, and the worker's life.
 *
 * It never handles a packet. Order of things, so that none is lost or
 * misled: queues are bound before there are rules; a new mapping table is
 * active before the rules that need it; rules go before the worker does.
 */
#ifndef NFQ_DAEMON_H
#define NFQ_DAEMON_H

#include "conf/conf.h"

enum { DAEMON_LEFT = 75 };		/* exit status: another main process shall come (EX_TEMPFAIL) */

/**
 * daemon_run - forward until told to stop
 * @path: of the configuration, read again on SIGHUP
 * @conf: as it is now; owned by the daemon from here on
 *
 * SIGHUP reloads, SIGUSR1 logs flows and counters, SIGTERM and SIGINT stop.
 * Returns the exit status: 0 after a stop, 1 if it could not start, after one
 * line in the log that says why; no rule is left in either case. DAEMON_LEFT
 * after SIGQUIT: everything is left as it is for the next main process.
 */
int daemon_run(const char *path, struct conf *conf);

#endif
