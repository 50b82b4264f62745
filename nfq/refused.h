/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * refused - what the host's own rules say to a client whose first packet they reject.
 *
 * With `firewall: respect` they may reject what we have translated, and then
 * say so in the guest's name: a RST from its address, an ICMP error that
 * quotes it. The kernel queues neither (docs/decisions/0004), so rules log
 * them to us and drop them (steer/rules.h), and here they are said again, as
 * from the address that was called. What is about nobody's forward, as a
 * client's that called the guest by its own address, is said as it was.
 *
 * Threads  none: main process only
 */
#ifndef NFQ_REFUSED_H
#define NFQ_REFUSED_H

#include <stddef.h>

#include "nat/nat.h"
#include "nfq/raw.h"

struct ev_loop;

/**
 * refused_translate - how the client of a forward must hear it
 * @n:      the engine; only read (peek.h)
 * @packet: @octets of it, IP header first, any octets; rewritten in place
 * @dst:    out; whom it is for, and @family
 * Returns octets to send; 0: it is neither a RST nor an ICMP error. Cost: a lookup in the flow table.
 */
size_t refused_translate(const struct nat *n, uint8_t *packet, uint32_t octets, struct nat_addr *dst, enum nat_family *family);

/* refused_begin - the engine is there, and raw sockets to speak by; both stay the caller's until refused_end() */
void refused_begin(struct ev_loop *loop, const struct nat *n, struct raw *raw);
void refused_end(void);

/**
 * refused_listen - hear what the rules log from now on
 * Returns false, after one line in the log, if the kernel does not let us:
 * then nothing may be logged and dropped. Cheap if it listens already.
 */
bool refused_listen(void);

#endif
