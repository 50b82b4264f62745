/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fields - what a line of the log is about, as fields for the journal:
 * FLOW, FORWARD, PROTO, SRC, SRC_PORT, DST, DST_PORT, GUEST, GUEST_PORT,
 * GUEST_NAME, REASON, and counters of a flow that ended. For the next line
 * that this thread logs; see log_field().
 */
#ifndef NFQ_FIELDS_H
#define NFQ_FIELDS_H

#include "nat/nat.h"
#include "virt/resolve.h"

/* fields_event - of a flow event; @forward, @guest: names, "" if there is none, or not known here */
void fields_event(const struct nat_event *ev, const char *forward, const char *guest);

/* fields_packet - of a packet that was decided on; @forward: its name, "" if it has none */
void fields_packet(const struct nat_pkt *p, const char *forward);

/* fields_guest - of a forward that follows a guest: who it is, where, and why it is active or not */
void fields_guest(const struct virt_entry *e);

#endif
