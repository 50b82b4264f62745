/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * connlog - one line when a flow begins and one when it ends
 * (`connection-log: on`): who talked to which guest, when, how much.
 *
 * Under systemd the lines go to the journal with fields of their own:
 * FLOW, PROTO, SRC, SRC_PORT, DST, DST_PORT, GUEST, GUEST_PORT, GUEST_NAME, FORWARD, and
 * at the end REASON, PACKETS_IN, OCTETS_IN, PACKETS_OUT, OCTETS_OUT; so
 * `journalctl FORWARD=web SRC=198.51.100.2` answers a complaint. Elsewhere
 * they are lines of the log.
 *
 * Threads  none: main process only; workers hand their events over by the tap
 */
#ifndef NFQ_CONNLOG_H
#define NFQ_CONNLOG_H

#include "nfq/tap.h"

/* connlog_set - on or off; needs watch_open(). Off at first. */
void connlog_set(bool on);

#endif
