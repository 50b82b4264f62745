/* SPDX-License-Identifier: GPL-2.0-or-later */
/* one_way - see one_way.h */
#include "nfq/one_way.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>
#include <sys/socket.h>

enum { SECOND = 1000000000 };

static void put_addr(struct nlmsghdr *nlh, uint16_t type, const struct nat_addr *a, enum nat_family family)
{
	mnl_attr_put(nlh, type, family == NAT_IPV4 ? 4 : 16, nat_addr_wire(a, family));
}

size_t one_way_message(const struct nat_pkt *p, uint8_t *buf)
{
	const struct nat_tuple *t = &p->view.tuple;
	bool v4 = t->family == NAT_IPV4;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	struct nlattr *tuple, *part;

	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
	nlh->nlmsg_flags = NLM_F_REQUEST;		/* without NLM_F_CREATE: an entry that is gone stays so */
	*nfg = (struct nfgenmsg){ .nfgen_family = v4 ? AF_INET : AF_INET6, .version = NFNETLINK_V0 };
	tuple = mnl_attr_nest_start(nlh, CTA_TUPLE_ORIG);
	part = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);
	put_addr(nlh, v4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, &t->ends.src, t->family);
	put_addr(nlh, v4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, &t->ends.dst, t->family);
	mnl_attr_nest_end(nlh, part);
	part = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(nlh, CTA_PROTO_NUM, t->proto);
	mnl_attr_put_u16(nlh, CTA_PROTO_SRC_PORT, t->ends.sport);
	mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, t->ends.dport);
	mnl_attr_nest_end(nlh, part);
	mnl_attr_nest_end(nlh, tuple);
	/* CONFIRMED is there and cannot be taken away: the kernel refuses a status without it. */
	mnl_attr_put_u32(nlh, CTA_STATUS, htonl(IPS_CONFIRMED | IPS_SEEN_REPLY));
	return nlh->nlmsg_len;
}

/* Once a second for each flow, and for not too many. */
static bool is_its_turn(struct one_way *o, uint32_t flow, nat_ns now)
{
	uint32_t *known = &o->known[flow % ONE_WAY_KNOWN];

	if (now - o->began >= SECOND)
		*o = (struct one_way){ .began = now };
	if (*known == flow + 1 || o->told == ONE_WAY_PER_SECOND)
		return false;
	*known = flow + 1;
	o->told++;
	return true;
}

void one_way_tell(struct one_way *o, int fd, const struct nat_pkt *p, unsigned n, nat_ns now)
{
	uint8_t buf[ONE_WAY_OCTETS] __attribute__((aligned(4)));

	for (unsigned i = 0; i < n; i++)
		if (p[i].one_way && is_its_turn(o, p[i].flow, now))
			(void)!send(fd, buf, one_way_message(&p[i], buf), 0);
}
