/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reset - tell both sides of a TCP flow that it is over.
 *
 * When a forward is removed or leads to another guest, its flows end at
 * once instead of hanging until their timers do: each side gets a RST from
 * where it believes its peer to be, with the sequence number that it has
 * acknowledged last, the only one it must accept (RFC 5961 3.2).
 *
 * A side that has just received and has not acknowledged it yet expects a later
 * number and ignores that one. So the initiator gets a probe behind it: where the
 * connection still is, the answer comes here with the right number, and who has
 * no such connection any more, guest or host, resets it.
 */
#ifndef NFQ_RESET_H
#define NFQ_RESET_H

#include "nat/flow.h"
#include "nfq/raw.h"

enum { RESET_OCTETS = 60 };	/* IPv6 and TCP header */

/**
 * reset_build - the RST that one side gets
 * @to:  NAT_ORIG: the initiator, NAT_REPLY: the guest
 * @buf: out; RESET_OCTETS
 * Returns its length in octets, 0 if that side has acknowledged nothing yet.
 */
size_t reset_build(const struct nat_flow *f, enum nat_dir to, uint8_t *buf);

/**
 * reset_probe_build - a segment that a side must answer if it has this connection
 * It is from before what that side has acknowledged last, so the answer says where it is (RFC 9293 3.10.7.4),
 * whatever it believes; translated, it reaches a peer who has no such connection, and resets it.
 * @to:  as for reset_build()
 * @buf: out; RESET_OCTETS
 * Returns its length in octets, 0 if that side has acknowledged nothing yet.
 */
size_t reset_probe_build(const struct nat_flow *f, enum nat_dir to, uint8_t *buf);

/* reset_repeat - by @raw, a struct raw, tell the guest alone, which may have been set back to when another number was right */
void reset_repeat(void *raw, const struct nat_flow *f);

/* reset_again - by @raw, a struct raw, tell the initiator alone, once more (retell.h) */
void reset_again(void *raw, const struct nat_flow *f);

/* reset_send - send to both sides, three packets at most; returns how many of them were told */
unsigned reset_send(const struct raw *r, const struct nat_flow *f);

#endif
