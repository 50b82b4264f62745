/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rtnl - what one message of rtnetlink says about a link, a neighbour or an address.
 *
 * Only octets are seen here; kernel.h has the tables.
 */
#ifndef VIRT_WATCH_RTNL_H
#define VIRT_WATCH_RTNL_H

#include <linux/netlink.h>
#include <net/if.h>

#include "nat/addr.h"

enum rtnl_what {
	RTNL_OTHER,		/* nothing for us */
	RTNL_LINK,		/* there is a link: index, master, name */
	RTNL_LINK_GONE,		/* index */
	RTNL_NEIGHBOUR,		/* index, addr, mac; heard of */
	RTNL_NEIGHBOUR_FAILED,	/* index, addr; did not answer */
	RTNL_NEIGHBOUR_GONE,	/* index, addr; the kernel forgot it */
	RTNL_ADDRESS,		/* index, addr: the host's own */
	RTNL_ADDRESS_GONE,
};

struct rtnl {
	enum rtnl_what what;
	uint32_t index;
	uint32_t master;	/* 0: none */
	bool up;		/* switched on, and its other end is there (carrier) */
	char name[IFNAMSIZ];
	struct nat_addr addr;
	enum nat_family family;
	uint8_t mac[6];
};

/* rtnl_read - one message, whose nlmsg_len mnl_nlmsg_ok() has found inside the octets received */
struct rtnl rtnl_read(const struct nlmsghdr *nlh);

#endif
