/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_rtnl - any octets as messages of rtnetlink: names end, addresses are of their family. */
#include <assert.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>

#include "virt/watch/rtnl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct rtnl *r)
{
	switch (r->what) {
	case RTNL_OTHER:
	case RTNL_LINK_GONE:
		break;
	case RTNL_LINK:
		assert(r->index && memchr(r->name, '\0', sizeof(r->name)));
		break;
	case RTNL_NEIGHBOUR:
	case RTNL_NEIGHBOUR_FAILED:
	case RTNL_NEIGHBOUR_GONE:
	case RTNL_ADDRESS:
	case RTNL_ADDRESS_GONE:
		assert(nat_addr_fits(&r->addr, r->family));
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* aligned, and of the exact size */
	char *copy = malloc(size ? size : 1);
	const struct nlmsghdr *nlh = (const void *)copy;
	int left = (int)size;

	memcpy(copy, data, size);
	/* mnl_nlmsg_ok() takes lengths above INT_MAX for negative ones. */
	for (; mnl_nlmsg_ok(nlh, left) && nlh->nlmsg_len <= (uint32_t)left; nlh = mnl_nlmsg_next(nlh, &left)) {
		struct rtnl r = rtnl_read(nlh);

		check(&r);
	}
	free(copy);
	return 0;
}
