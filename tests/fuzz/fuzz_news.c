/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_news - any octets as messages about nft rules: names end inside the message, a program's is printable. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "nfq/steer/news.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_name(const struct nlmsghdr *h, const char *name)
{
	const char *begin = (const char *)h, *end = begin + h->nlmsg_len;

	if (*name)
		assert(name > begin && name < end && memchr(name, '\0', (size_t)(end - name)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* aligned, and of the exact size */
	char *copy = malloc(size ? size : 1);
	const struct nlmsghdr *h = (const void *)copy;
	int left = (int)size;

	memcpy(copy, data, size);
	/* mnl_nlmsg_ok() takes lengths above INT_MAX for negative ones. */
	for (; mnl_nlmsg_ok(h, left) && h->nlmsg_len <= (uint32_t)left; h = mnl_nlmsg_next(h, &left)) {
		const struct news n = news_read(h);

		check_name(h, n.table);
		check_name(h, n.chain);
		assert(memchr(n.program, '\0', sizeof(n.program)));
		for (const char *p = n.program; *p; p++)
			assert(*p >= ' ' && *p <= '~');
		assert(n.what == NEWS_PROGRAM || !*n.program);
		assert(n.what == NEWS_TAKEN || n.what == NEWS_TAKEN_SET || (!*n.table && !*n.chain));
	}
	free(copy);
	return 0;
}
