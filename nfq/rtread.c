/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rtread - see rtread.h */
#include "nfq/rtread.h"

#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#define ATTRS 16			/* more than any that is asked for below */

_Static_assert((int)IFA_FLAGS < ATTRS && (int)RTA_PREFSRC < ATTRS, "room for all");

static int keep(const struct nlattr *a, void *arg)
{
	const struct nlattr **attrs = arg;
	uint16_t type = mnl_attr_get_type(a);

	if (type < ATTRS)
		attrs[type] = a;
	return MNL_CB_OK;
}

/* The attributes behind a header of @head octets. libmnl rounds the end up, so a message must end at a boundary. */
static bool split(const struct nlmsghdr *nlh, uint16_t type, uint32_t head, const struct nlattr *attrs[ATTRS])
{
	if (nlh->nlmsg_type != type || nlh->nlmsg_len % 4 || mnl_nlmsg_get_payload_len(nlh) < head)
		return false;
	mnl_attr_parse(nlh, head, keep, attrs);
	return true;
}

static bool take_addr(const struct nlattr *a, enum nat_family family, struct nat_addr *out)
{
	if (!a || mnl_attr_get_payload_len(a) != (family == NAT_IPV4 ? 4 : 16))
		return false;
	*out = family == NAT_IPV4 ? nat_addr_v4(mnl_attr_get_payload(a)) : nat_addr_v6(mnl_attr_get_payload(a));
	return true;
}

static void take_u32(const struct nlattr *a, uint32_t *out)
{
	if (a && mnl_attr_get_payload_len(a) == sizeof(*out))
		*out = mnl_attr_get_u32(a);
}

bool rtread_addr(const struct nlmsghdr *nlh, enum nat_family family, struct rtread_addr *out)
{
	const struct ifaddrmsg *m = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[ATTRS] = { NULL };
	struct rtread_addr a;

	if (!split(nlh, RTM_NEWADDR, sizeof(*m), attrs) || m->ifa_family != (family == NAT_IPV4 ? AF_INET : AF_INET6))
		return false;
	a = (struct rtread_addr){ .device = m->ifa_index, .flags = m->ifa_flags, .scope = m->ifa_scope, .bits = m->ifa_prefixlen };
	take_u32(attrs[IFA_FLAGS], &a.flags);
	/* of a point-to-point link IFA_ADDRESS is the other end */
	if (!take_addr(attrs[IFA_LOCAL], family, &a.addr) && !take_addr(attrs[IFA_ADDRESS], family, &a.addr))
		return false;
	*out = a;
	return true;
}

bool rtread_route(const struct nlmsghdr *nlh, enum nat_family family, struct rtread_route *out)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[ATTRS] = { NULL };

	if (!split(nlh, RTM_NEWROUTE, sizeof(*m), attrs) || m->rtm_family != (family == NAT_IPV4 ? AF_INET : AF_INET6))
		return false;
	*out = (struct rtread_route){ .type = m->rtm_type, .bits = m->rtm_dst_len };
	take_u32(attrs[RTA_OIF], &out->oif);
	take_addr(attrs[RTA_PREFSRC], family, &out->near);
	return true;
}
