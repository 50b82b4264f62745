/* SPDX-License-Identifier: GPL-2.0-or-later */
/* msg - see msg.h */
#include "nfq/msg.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <string.h>

/* One verdict, as the kernel reads it. All parts are multiples of 4: no padding. */
struct verdict {
	struct nlmsghdr nlh;
	struct nfgenmsg nfg;
	struct nlattr attr;
	struct nfqnl_msg_verdict_hdr hdr;
};

struct verdict_mark {
	struct verdict v;
	struct nlattr attr;
	uint32_t mark;
};

struct verdict_payload {
	struct verdict v;
	struct nlattr payload;
};

_Static_assert(sizeof(struct verdict) == MSG_VERDICT_OCTETS, "nlmsghdr 16 + nfgenmsg 4 + attribute 12");
_Static_assert(sizeof(struct verdict_mark) == MSG_VERDICT_MARK_OCTETS, "and an attribute of 8");
_Static_assert(sizeof(struct verdict_payload) == 36, "fits before any payload: see msg_parse()");

/* The macros of libmnl mix int and size_t; these do not. */
enum { NLMSG_HEADER = sizeof(struct nlmsghdr), NFGEN_OCTETS = sizeof(struct nfgenmsg) };

static size_t align4(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static uint32_t attr_be32(const struct nlattr *a)
{
	return ntohl(mnl_attr_get_u32(a));
}

/* Microseconds are what the kernel gives. */
static uint64_t attr_time_ns(const struct nlattr *a)
{
	struct nfqnl_msg_packet_timestamp t;

	memcpy(&t, mnl_attr_get_payload(a), sizeof(t));
	return be64toh(t.sec) * 1000000000u + be64toh(t.usec) * 1000u;
}

/* Attributes shorter than what they must hold are as good as absent. */
static void take_attr(const struct nlattr *a, struct nat_pkt *p, const struct nfqnl_msg_packet_hdr **hdr)
{
	uint16_t len = mnl_attr_get_payload_len(a);
	uint32_t info;

	switch (mnl_attr_get_type(a)) {
	case NFQA_PACKET_HDR:
		if (len >= sizeof(**hdr))
			*hdr = mnl_attr_get_payload(a);
		break;
	case NFQA_IFINDEX_INDEV:
		if (len >= 4)
			p->indev = attr_be32(a);
		break;
	case NFQA_IFINDEX_OUTDEV:
		if (len >= 4)
			p->outdev = attr_be32(a);
		break;
	case NFQA_SKB_INFO:
		if (len >= 4) {
			info = attr_be32(a);
			p->csum_partial = info & NFQA_SKB_CSUMNOTREADY;
			p->gso = info & NFQA_SKB_GSO;
		}
		break;
	case NFQA_TIMESTAMP:
		if (len >= sizeof(struct nfqnl_msg_packet_timestamp))
			p->received_ns = attr_time_ns(a);
		break;
	case NFQA_CAP_LEN:
		p->truncated = true;
		p->whole = len >= 4 ? attr_be32(a) : 0;
		break;
	case NFQA_MARK:
		p->mark_in = len >= 4 ? attr_be32(a) : 0;
		break;
	case NFQA_PAYLOAD:
		p->data = mnl_attr_get_payload(a);
		p->len = len;
		break;
	}
}

static enum msg_kind parse_packet(uint8_t *buf, const struct nlmsghdr *nlh, struct nat_pkt *p, uint32_t *id,
				  uint16_t *queue)
{
	const struct nfqnl_msg_packet_hdr *hdr = NULL;
	const struct nfgenmsg *nfg;
	const struct nlattr *a;
	const char *tail;

	if (nlh->nlmsg_len < NLMSG_HEADER + NFGEN_OCTETS)
		return MSG_BAD;
	nfg = mnl_nlmsg_get_payload(nlh);
	*queue = ntohs(nfg->res_id);
	tail = (const char *)nlh + nlh->nlmsg_len;	/* not libmnl's: that is padded, and may lie behind the buffer */
	for (a = mnl_nlmsg_get_payload_offset(nlh, NFGEN_OCTETS); mnl_attr_ok(a, (int)(tail - (const char *)a));
	     a = mnl_attr_next(a))
		take_attr(a, p, &hdr);
	if (!hdr)
		return MSG_BAD;
	*id = ntohl(hdr->packet_id);
	p->hook = hdr->hook;
	/* 36 octets precede every payload: 20 of headers, 12 of the packet header's attribute, 4 of its own. */
	if (p->hook >= NAT_HOOKS || !p->data || p->data - buf < (ptrdiff_t)sizeof(struct verdict_payload))
		return MSG_BAD;
	return MSG_PACKET;
}

enum msg_kind msg_parse(uint8_t *buf, size_t len, struct nat_pkt *p, uint32_t *id, uint16_t *queue, int *err)
{
	const struct nlmsghdr *nlh = (const void *)buf;

	memset(p, 0, sizeof(*p));
	*id = 0;
	*queue = 0;
	*err = 0;
	/* mnl_nlmsg_ok() takes lengths above 2^31 for negative ones, and lets them pass. */
	if (len > INT32_MAX || len < NLMSG_HEADER || nlh->nlmsg_len < NLMSG_HEADER || nlh->nlmsg_len > len)
		return MSG_BAD;
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

		if (nlh->nlmsg_len < NLMSG_HEADER + sizeof(e->error))
			return MSG_BAD;
		/* Not of a verdict: see one_way.h. */
		if (nlh->nlmsg_len >= NLMSG_HEADER + sizeof(*e) && e->msg.nlmsg_type >> 8 == NFNL_SUBSYS_CTNETLINK)
			return MSG_OTHER;
		*err = e->error > -4096 && e->error <= 0 ? -e->error : EPROTO;
		return MSG_ERROR;
	}
	if (nlh->nlmsg_type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET))
		return MSG_OTHER;
	return parse_packet(buf, nlh, p, id, queue);
}

static struct verdict verdict_of(uint16_t type, size_t payload_octets, uint16_t queue, uint32_t id, uint32_t verdict)
{
	return (struct verdict){
		.nlh = {
			.nlmsg_len = (uint32_t)(sizeof(struct verdict) + payload_octets),
			.nlmsg_type = (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type),
			.nlmsg_flags = NLM_F_REQUEST,
		},
		.nfg = { .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htons(queue) },
		.attr = { .nla_len = sizeof(struct nlattr) + sizeof(struct nfqnl_msg_verdict_hdr),
			  .nla_type = NFQA_VERDICT_HDR },
		.hdr = { .verdict = htonl(verdict), .id = htonl(id) },
	};
}

struct iovec msg_verdict_in_place(struct nat_pkt *p, uint16_t queue, uint32_t id, enum nat_verdict verdict)
{
	struct verdict_payload head = {
		.v = verdict_of(NFQNL_MSG_VERDICT, sizeof(struct nlattr) + p->len, queue, id, verdict),
		/* Not padded: the kernel would take the padding for packet. */
		.payload = { .nla_len = (uint16_t)(sizeof(struct nlattr) + p->len), .nla_type = NFQA_PAYLOAD },
	};
	uint8_t *at = p->data - sizeof(head);
	size_t len = sizeof(head) + p->len;

	memcpy(at, &head, sizeof(head));
	memset(at + len, 0, align4(len) - len);
	return (struct iovec){ .iov_base = at, .iov_len = align4(len) };
}

struct iovec msg_verdict(uint8_t *buf, uint16_t queue, uint32_t id, uint32_t verdict)
{
	struct verdict v = verdict_of(NFQNL_MSG_VERDICT, 0, queue, id, verdict);

	memcpy(buf, &v, sizeof(v));
	return (struct iovec){ .iov_base = buf, .iov_len = sizeof(v) };
}

struct iovec msg_verdict_mark(uint8_t *buf, uint16_t queue, uint32_t id, uint32_t verdict, uint32_t mark)
{
	struct verdict_mark v = {
		.v = verdict_of(NFQNL_MSG_VERDICT, sizeof(v) - sizeof(v.v), queue, id, verdict),
		.attr = { .nla_len = sizeof(v.attr) + sizeof(v.mark), .nla_type = NFQA_MARK },
		.mark = htonl(mark),
	};

	memcpy(buf, &v, sizeof(v));
	return (struct iovec){ .iov_base = buf, .iov_len = sizeof(v) };
}

struct iovec msg_verdict_whole(uint8_t *buf, uint16_t queue, uint32_t id, uint16_t to)
{
	return msg_verdict(buf, queue, id, (uint32_t)to << 16 | NF_QUEUE);
}

struct iovec msg_verdict_batch(uint8_t *buf, uint16_t queue, uint32_t id, uint32_t verdict)
{
	struct verdict v = verdict_of(NFQNL_MSG_VERDICT_BATCH, 0, queue, id, verdict);

	memcpy(buf, &v, sizeof(v));
	return (struct iovec){ .iov_base = buf, .iov_len = sizeof(v) };
}
