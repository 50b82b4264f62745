/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stamp - let the kernel note when it receives packets.
 *
 * It does so for all of them as long as any socket of the host wants to know
 * (net_enable_timestamp(); a time service usually does already), and gives the
 * stamp along with a queued packet in the hooks up to FORWARD: NFQA_TIMESTAMP.
 * Later hooks have none. What it costs: docs/bench.md, "stamps".
 */
#ifndef NFQ_STAMP_H
#define NFQ_STAMP_H

/* stamp_open - a socket that wants to know, and never receives anything; close() ends it. -errno: no stamps of ours */
int stamp_open(void);

#endif
