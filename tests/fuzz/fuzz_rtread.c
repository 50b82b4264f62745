/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_rtread - any octets as answers of rtnetlink: an address is of the family that was asked for, nothing else is written. */
#include <assert.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>

#include "nfq/rtread.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_one(const struct nlmsghdr *nlh, enum nat_family family)
{
	struct rtread_addr a, no_a;
	struct rtread_route r, no_r;

	memset(&no_a, 0x5a, sizeof(no_a));
	memset(&no_r, 0x5a, sizeof(no_r));
	a = no_a;
	r = no_r;
	if (rtread_addr(nlh, family, &a))
		assert(nat_addr_fits(&a.addr, family));
	else
		assert(!memcmp(&a, &no_a, sizeof(a)));
	if (rtread_route(nlh, family, &r))
		assert(nat_addr_is_any(&r.near) || nat_addr_fits(&r.near, family));
	else
		assert(!memcmp(&r, &no_r, sizeof(r)));
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
		read_one(nlh, NAT_IPV4);
		read_one(nlh, NAT_IPV6);
	}
	free(copy);
	return 0;
}
