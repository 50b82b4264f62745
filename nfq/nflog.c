/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nflog - see nflog.h */
#include "nfq/nflog.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <sys/socket.h>

#include "nfq/ask.h"

enum { HEADER = sizeof(struct nlmsghdr), GENERAL = sizeof(struct nfgenmsg), ATTR = sizeof(struct nlattr), CONFIG_OCTETS = 256 };

/* libmnl's macro mixes int and size_t. */
static size_t align4(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static struct nlmsghdr *config_begin(char *buf, uint16_t group)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = AF_UNSPEC;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(group);
	return nlh;
}

static int listen_to(struct mnl_socket *nl, uint16_t group)
{
	const struct nfulnl_msg_config_cmd cmd = { .command = NFULNL_CFG_CMD_BIND };
	/* What the kernel adds to a packet is less than 256 octets: nfulnl_log_packet(). */
	const struct nfulnl_msg_config_mode mode = { .copy_range = htonl(NFLOG_OCTETS - 256), .copy_mode = NFULNL_COPY_PACKET };
	char buf[CONFIG_OCTETS] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = config_begin(buf, group);
	int err;

	mnl_attr_put(nlh, NFULA_CFG_CMD, sizeof(cmd), &cmd);
	err = ask_kernel(nl, nlh);
	if (err)
		return err;
	nlh = config_begin(buf, group);
	mnl_attr_put(nlh, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u32(nlh, NFULA_CFG_QTHRESH, htonl(1));
	return ask_kernel(nl, nlh);
}

int nflog_open(struct nflog *l, uint16_t group)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	int err;

	if (!nl)
		return -errno;
	err = mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : listen_to(nl, group);
	if (err) {
		mnl_socket_close(nl);
		return err;
	}
	*l = (struct nflog){ .nl = nl, .fd = mnl_socket_get_fd(nl) };
	return 0;
}

void nflog_close(struct nflog *l)
{
	if (l->nl)
		mnl_socket_close(l->nl);
	*l = (struct nflog){ .fd = -1 };
}

/* Where the payload is among the attributes [from, end) of @buf; 0: there is none. */
static size_t find_payload(const uint8_t *buf, size_t from, size_t end, uint32_t *octets)
{
	while (end - from >= ATTR) {
		const struct nlattr *a = (const void *)(buf + from);
		size_t len = a->nla_len;

		if (len < ATTR || len > end - from)
			return 0;
		if ((a->nla_type & NLA_TYPE_MASK) == NFULA_PAYLOAD) {
			*octets = (uint32_t)(len - ATTR);
			return from + ATTR;
		}
		len = align4(len);
		from += len < end - from ? len : end - from;
	}
	return 0;
}

uint8_t *nflog_next(uint8_t *buf, size_t len, size_t *at, uint32_t *octets)
{
	while (*at < len && len - *at >= HEADER) {
		const struct nlmsghdr *nlh = (const void *)(buf + *at);
		size_t from = *at, left = len - *at, size = nlh->nlmsg_len;
		size_t packet = 0;

		if (size < HEADER || size > left)
			break;
		if (nlh->nlmsg_type == (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET) && size >= HEADER + GENERAL)
			packet = find_payload(buf, from + HEADER + GENERAL, from + size, octets);
		*at += align4(size) < left ? align4(size) : left;
		if (packet)
			return buf + packet;
	}
	*at = len;
	return NULL;
}
