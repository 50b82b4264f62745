/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ask - see ask.h */
#include "nfq/ask.h"

#include <errno.h>

enum { ANSWER_OCTETS = 8192 };

int ask_kernel(struct mnl_socket *nl, struct nlmsghdr *nlh)
{
	char buf[ANSWER_OCTETS] __attribute__((aligned(4)));
	const struct nlmsghdr *said = (const void *)buf;
	static uint32_t seq;
	ssize_t n;

	nlh->nlmsg_flags |= NLM_F_ACK;
	nlh->nlmsg_seq = ++seq;
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (n < 0 && errno != ENOSPC)
			return -errno;
	} while (n < (ssize_t)sizeof(*said) || said->nlmsg_type != NLMSG_ERROR);
	return mnl_cb_run(buf, (size_t)n, nlh->nlmsg_seq, mnl_socket_get_portid(nl), NULL, NULL) < 0 ? -errno : 0;
}
