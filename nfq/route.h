/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * route - which interface leads to a guest, and when that changes.
 *
 * Asked of the kernel through rtnetlink (rtnetlink(7)); the answer tells a
 * hairpin (a packet that arrives where its guest is) and the address of this
 * host that the guest can answer.
 */
#ifndef NFQ_ROUTE_H
#define NFQ_ROUTE_H

#include "nat/addr.h"

struct mnl_socket;

/* The way toward a guest. */
struct route {
	uint32_t oif;			/* ifindex, 0: there is no route now */
	struct nat_addr near;		/* the source this host would use; all zero if oif is 0 */
	uint8_t bits;			/* length of the prefix that the route is for; 0: the default route, or unknown */
};

/* route_get - 0, or -errno if the kernel cannot be asked; no route is 0 with oif 0. About 10 us. */
int route_get(const struct nat_addr *to, enum nat_family family, struct route *r);

/* A socket that tells of changes to links, addresses and routes. */
struct route_watch {
	struct mnl_socket *nl;
	int fd;
};

/* route_watch_open - 0 or -errno */
int route_watch_open(struct route_watch *w);

/* route_watch_drain - read and forget all that has come; returns whether something had */
bool route_watch_drain(struct route_watch *w);

void route_watch_close(struct route_watch *w);

#endif
