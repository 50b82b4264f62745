/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keeper - a parent for the main process on hosts without systemd.
 *
 * It does what systemd does for us and nothing else: starts the main process
 * again when it dies or hangs, and keeps the descriptors it was given in the
 * meantime (notify.h), so that no flow and no waiting packet is lost. It
 * handles no packet, reads no file and has 300 lines, so it has little to die of.
 *
 * TERM and INT stop, HUP, USR1, USR2 and QUIT are passed on.
 */
#ifndef NFQ_KEEPER_H
#define NFQ_KEEPER_H

#include <stdbool.h>

/* keeper_is_parent - are we the process that a keeper has started? */
bool keeper_is_parent(void);

/**
 * keeper_run - start this program as the main process, and again and again, until it ends by itself
 * @argv: its arguments; there keeper_is_parent() holds
 * Returns its exit status: 0 after an orderly stop; what it said if it never became ready.
 */
int keeper_run(char **argv);

#endif
