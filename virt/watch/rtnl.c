/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rtnl - see rtnl.h */
#include "virt/watch/rtnl.h"

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

enum {
	ATTRS = 64,		/* more than any that is asked for below */
	LOWER_UP = 1 << 16,	/* IFF_LOWER_UP of linux/if.h, which net/if.h does not let in */
};

static int keep(const struct nlattr *a, void *arg)
{
	const struct nlattr **attrs = arg;
	uint16_t type = mnl_attr_get_type(a);

	if (type < ATTRS)
		attrs[type] = a;
	return MNL_CB_OK;
}

static bool addr_of(const struct nlattr *a, uint8_t family, struct rtnl *r)
{
	uint16_t want = family == AF_INET ? 4 : 16;

	if ((family != AF_INET && family != AF_INET6) || !a || mnl_attr_get_payload_len(a) != want)
		return false;
	r->family = family == AF_INET ? NAT_IPV4 : NAT_IPV6;
	r->addr = family == AF_INET ? nat_addr_v4(mnl_attr_get_payload(a)) : nat_addr_v6(mnl_attr_get_payload(a));
	return true;
}

static void read_link(const struct nlmsghdr *nlh, struct rtnl *r)
{
	const struct ifinfomsg *m = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[ATTRS] = { 0 };
	uint16_t len;

	/* A bridge tells of its ports in messages of its own family: gone means there, left the bridge. */
	if (m->ifi_family != AF_UNSPEC || m->ifi_index <= 0)
		return;
	r->index = (uint32_t)m->ifi_index;
	if (nlh->nlmsg_type == RTM_DELLINK) {
		r->what = RTNL_LINK_GONE;
		return;
	}
	mnl_attr_parse(nlh, sizeof(*m), keep, attrs);
	if (!attrs[IFLA_IFNAME])
		return;
	len = mnl_attr_get_payload_len(attrs[IFLA_IFNAME]);
	if (!len || len > IFNAMSIZ)
		return;
	memcpy(r->name, mnl_attr_get_payload(attrs[IFLA_IFNAME]), len);
	r->name[IFNAMSIZ - 1] = '\0';
	if (attrs[IFLA_MASTER] && mnl_attr_get_payload_len(attrs[IFLA_MASTER]) == 4)
		r->master = mnl_attr_get_u32(attrs[IFLA_MASTER]);
	r->up = m->ifi_flags & IFF_UP && m->ifi_flags & LOWER_UP;
	r->what = RTNL_LINK;
}

static void read_neighbour(const struct nlmsghdr *nlh, struct rtnl *r)
{
	const uint16_t heard = NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;
	const struct ndmsg *m = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[ATTRS] = { 0 };

	if (m->ndm_ifindex <= 0)
		return;
	mnl_attr_parse(nlh, sizeof(*m), keep, attrs);
	if (!addr_of(attrs[NDA_DST], m->ndm_family, r))
		return;
	r->index = (uint32_t)m->ndm_ifindex;
	if (nlh->nlmsg_type == RTM_DELNEIGH) {
		r->what = RTNL_NEIGHBOUR_GONE;
	} else if (m->ndm_state & NUD_FAILED) {
		r->what = RTNL_NEIGHBOUR_FAILED;
	} else if (m->ndm_state & heard && attrs[NDA_LLADDR] && mnl_attr_get_payload_len(attrs[NDA_LLADDR]) == 6) {
		memcpy(r->mac, mnl_attr_get_payload(attrs[NDA_LLADDR]), 6);
		r->what = RTNL_NEIGHBOUR;
	}
}

static void read_address(const struct nlmsghdr *nlh, struct rtnl *r)
{
	const struct ifaddrmsg *m = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[ATTRS] = { 0 };

	mnl_attr_parse(nlh, sizeof(*m), keep, attrs);
	/* On a point-to-point link IFA_ADDRESS is the other end. */
	if (!addr_of(attrs[IFA_LOCAL] ? attrs[IFA_LOCAL] : attrs[IFA_ADDRESS], m->ifa_family, r))
		return;
	r->index = m->ifa_index;
	r->what = nlh->nlmsg_type == RTM_NEWADDR ? RTNL_ADDRESS : RTNL_ADDRESS_GONE;
}

struct rtnl rtnl_read(const struct nlmsghdr *nlh)
{
	struct rtnl r = { .what = RTNL_OTHER };
	size_t len = mnl_nlmsg_get_payload_len(nlh);

	/* libmnl takes attributes to end where the next message begins; the kernel's do. */
	if (nlh->nlmsg_len % MNL_ALIGNTO)
		return r;
	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		if (len >= sizeof(struct ifinfomsg))
			read_link(nlh, &r);
		break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		if (len >= sizeof(struct ndmsg))
			read_neighbour(nlh, &r);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		if (len >= sizeof(struct ifaddrmsg))
			read_address(nlh, &r);
		break;
	}
	return r;
}
