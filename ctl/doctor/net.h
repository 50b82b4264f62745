/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * net - devices, default routes and neighbours of this network namespace.
 *
 * Asked of rtnetlink and /proc/net, never of /sys: that shows the namespace
 * in which it was mounted.
 */
#ifndef DOCTOR_NET_H
#define DOCTOR_NET_H

#include <net/if.h>
#include <stdbool.h>

#include "nat/addr.h"

enum { NET_DEFAULTS = 16 };

struct net_link {
	uint32_t index, master;		/* master: the bridge it is a port of, 0: none */
	uint32_t mtu;
	bool loopback, up;
	char name[IFNAMSIZ];
};

struct net {
	struct net_link *link;
	unsigned n, room;
	struct {
		uint8_t family;
		char dev[IFNAMSIZ];
		bool from_ra;		/* learned from a router advertisement */
	} defaults[NET_DEFAULTS];
	unsigned n_defaults;
};

/* net_open - 0 or -errno; net_close() in either case */
int net_open(struct net *n);
void net_close(struct net *n);

/* net_link - NULL: there is none of this index */
const struct net_link *net_link(const struct net *n, uint32_t index);

/* net_default - the first device of a default route of this family; "": none */
const char *net_default(const struct net *n, enum nat_family family);

enum net_neigh {
	NET_NEIGH_UNKNOWN,		/* never asked for */
	NET_NEIGH_ASKING,
	NET_NEIGH_ANSWERS,
	NET_NEIGH_SILENT,
};

/* net_neighbour - does the machine of this address answer ARP or neighbour solicitations on device @index? */
enum net_neigh net_neighbour(const struct nat_addr *a, enum nat_family family, uint32_t index);

/* net_has_proxy - does the kernel have an entry to answer for this address on device @index (`ip neigh add proxy`)? */
bool net_has_proxy(const struct nat_addr *a, enum nat_family family, uint32_t index);

/* net_owner - "name (pid N)" of the process that has socket @inode open; "?" if it cannot be found */
void net_owner(unsigned long inode, char *buf, size_t octets);

#endif
