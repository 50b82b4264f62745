/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * netlink - NFQUEUE packet messages as the kernel writes them, for tests.
 *
 * Built with libmnl's writers, octet by octet the layout of
 * nfqnl_build_packet_message(), without a line of nfq/msg.c.
 */
#ifndef TESTS_NETLINK_H
#define TESTS_NETLINK_H

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "tests/unit/unit.h"

enum { NETLINK_ROOM = 70000 };

static inline struct nlmsghdr *netlink_begin(void *buf, uint16_t type, uint16_t queue)
{
	struct nlmsghdr *nlh;
	struct nfgenmsg *nfg;

	memset(buf, 0, NETLINK_ROOM);
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type);
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = AF_INET;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(queue);
	return nlh;
}

static inline void netlink_put_header(struct nlmsghdr *nlh, uint32_t id, uint8_t hook)
{
	const struct nfqnl_msg_packet_hdr h = { .packet_id = htonl(id), .hw_protocol = htons(0x0800), .hook = hook };

	mnl_attr_put(nlh, NFQA_PACKET_HDR, sizeof(h), &h);
}

static inline void netlink_put_be32(struct nlmsghdr *nlh, uint16_t type, uint32_t v)
{
	mnl_attr_put_u32(nlh, type, htonl(v));
}

/* The attributes that stand beside those we read: addresses, mark, time, VLAN. */
static inline void netlink_put_others(struct nlmsghdr *nlh)
{
	static const uint8_t octets[32];

	netlink_put_be32(nlh, NFQA_MARK, 0x12345678);
	netlink_put_be32(nlh, NFQA_IFINDEX_PHYSINDEV, 77);
	mnl_attr_put(nlh, NFQA_HWADDR, sizeof(struct nfqnl_msg_packet_hw), octets);
	mnl_attr_put(nlh, NFQA_TIMESTAMP, sizeof(struct nfqnl_msg_packet_timestamp), octets);
	netlink_put_be32(nlh, NFQA_UID, 1000);
}

/* The kernel does not pad its last attribute, and that is the payload. */
static inline void netlink_put_payload(struct nlmsghdr *nlh, const uint8_t *octets, size_t n)
{
	mnl_attr_put(nlh, NFQA_PAYLOAD, n, octets);
	nlh->nlmsg_len -= (uint32_t)(-n & 3);
}

#endif
