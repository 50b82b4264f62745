/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * outside - what the host has to offer masqueraded guests: an address of a device, and ports that are not its own.
 */
#ifndef NFQ_OUTSIDE_H
#define NFQ_OUTSIDE_H

#include "conf/conf.h"
#include "nat/out.h"
#include "nat/pool.h"

/**
 * outside_addr - the address of a device that guests go out with (R25, R74)
 * @device: its name
 * @a:      out; untouched on error
 *
 * IPv4: a primary address of global scope, one of a subnet before one by itself. IPv6: global scope, neither
 * tentative nor deprecated nor detected double; the one the kernel would use
 * itself if it is one of these, else a lasting one before a temporary one
 * (RFC 8981), a global one before a unique local one (RFC 4193).
 * Returns 0; -ENODEV: there is no such device, or it is down; -EADDRNOTAVAIL:
 * it has no such address; -errno: the kernel could not be asked. About 100 us.
 */
int outside_addr(const char *device, enum nat_family family, struct nat_addr *a);

/**
 * outside_ranges - the ports that a masquerade may take
 * As the configuration says; else all from 600 on but net.ipv4.ip_local_port_range, which the host's own sockets
 * are given (R22; 600-1023 is Linux' range for well-known source ports).
 */
void outside_ranges(const struct conf_out *o, struct out_range range[OUT_RANGES]);

/**
 * outside_shared - would a masquerade take ports that the host's own sockets may be given?
 * Only with `ports:` inside net.ipv4.ip_local_port_range and not in net.ipv4.ip_local_reserved_ports (R22).
 * Returns the first such port, or 0.
 */
unsigned outside_shared(const struct conf_out *o);

/* Ports that are taken, a bit each, host order: as pool_head.blocked. */
struct outside_taken {
	uint32_t bit[POOL_PROTOS][65536 / 32];
};

/**
 * outside_sockets - mark the ports of this host's sockets
 * @t:         bits are set, none is cleared
 * @listening: only of sockets that strangers can reach: TCP that listens, UDP that is not connected
 * From /proc/net; what cannot be read is not marked. Cost: about 1 us a socket.
 */
void outside_sockets(struct outside_taken *t, bool listening);

/* outside_forwards - mark the ports that @c listens on, and its icmp */
void outside_forwards(struct outside_taken *t, const struct conf *c);

static inline bool outside_is_taken(const struct outside_taken *t, unsigned proto, unsigned port)
{
	return t->bit[proto][port / 32] >> port % 32 & 1;
}

#endif
