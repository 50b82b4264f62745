/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rtread - what one message of rtnetlink says of an address or a route.
 *
 * The kernel writes them; lengths are checked all the same. Who asks, and
 * what is made of it, is in outside.h and route.h.
 *
 * Memory   none of its own
 * Threads  none: functions of their input
 */
#ifndef NFQ_RTREAD_H
#define NFQ_RTREAD_H

#include <linux/netlink.h>

#include "nat/addr.h"

/* An address of this host; of a point-to-point link the near end. */
struct rtread_addr {
	uint32_t device;		/* ifindex */
	uint32_t flags;			/* IFA_F_ */
	uint8_t scope;			/* RT_SCOPE_ */
	uint8_t bits;			/* of its subnet */
	struct nat_addr addr;
};

struct rtread_route {
	uint8_t type;			/* RTN_ */
	uint8_t bits;			/* length of the prefix it is for */
	uint32_t oif;			/* ifindex; 0: it names none */
	struct nat_addr near;		/* source that this host would use; all zero: not said */
};

/**
 * rtread_addr, rtread_route - read one message
 * @nlh:    a whole one, mnl_nlmsg_ok(); its inside may be anything
 * @family: that was asked for
 * @out:    untouched if false is returned
 * Returns false if it is no RTM_NEWADDR (RTM_NEWROUTE) or has no address of the
 * family. Attributes of another length than they must have are as good as absent. O(attributes).
 */
bool rtread_addr(const struct nlmsghdr *nlh, enum nat_family family, struct rtread_addr *out);
bool rtread_route(const struct nlmsghdr *nlh, enum nat_family family, struct rtread_route *out);

#endif
