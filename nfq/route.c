/* SPDX-License-Identifier: GPL-2.0-or-later */
/* route - see route.h */
#include "nfq/route.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "nfq/rtread.h"

enum { ANSWER_OCTETS = 8192 };

struct answer {
	struct route *route;
	enum nat_family family;
};

static int take_route(const struct nlmsghdr *nlh, void *arg)
{
	const struct answer *ans = arg;
	struct rtread_route r;

	/* A blackhole or this host itself is no way to a guest. */
	if (rtread_route(nlh, ans->family, &r) && r.type == RTN_UNICAST) {
		ans->route->oif = r.oif;
		ans->route->near = r.near;
	}
	return MNL_CB_STOP;
}

static int take_prefix(const struct nlmsghdr *nlh, void *arg)
{
	const struct answer *ans = arg;
	struct rtread_route r;

	if (rtread_route(nlh, ans->family, &r))
		ans->route->bits = r.bits;
	return MNL_CB_STOP;
}

/*
 * One question. @flags 0: which way would a packet take? RTM_F_FIB_MATCH
 * (Linux 4.13): which entry of the table says so? An older kernel answers
 * that with the guest's address alone, a prefix of all bits.
 */
static int ask(struct mnl_socket *nl, const struct nat_addr *to, uint32_t flags, mnl_cb_t take, struct answer *ans)
{
	char buf[ANSWER_OCTETS] __attribute__((aligned(4)));
	bool v4 = ans->family == NAT_IPV4;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtmsg *rtm;
	ssize_t n;

	nlh->nlmsg_type = RTM_GETROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = v4 ? AF_INET : AF_INET6;
	rtm->rtm_dst_len = v4 ? 32 : 128;
	rtm->rtm_flags = flags;
	mnl_attr_put(nlh, RTA_DST, v4 ? 4 : 16, nat_addr_wire(to, ans->family));
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
	if (n < 0)
		return -errno;
	/* An error message in answer means: no route. */
	mnl_cb_run(buf, (size_t)n, 0, mnl_socket_get_portid(nl), take, ans);
	return 0;
}

int route_get(const struct nat_addr *to, enum nat_family family, struct route *r)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	struct answer ans = { .route = r, .family = family };
	int err = 0;

	*r = (struct route){ 0 };
	if (!nl)
		return -errno;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		err = -errno;
	if (!err)
		err = ask(nl, to, 0, take_route, &ans);
	if (!err && r->oif)
		err = ask(nl, to, RTM_F_FIB_MATCH, take_prefix, &ans);
	mnl_socket_close(nl);
	return err;
}

int route_watch_open(struct route_watch *w)
{
	const unsigned groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
				RTMGRP_IPV6_ROUTE;
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC);
	int err;

	if (!nl)
		return -errno;
	if (mnl_socket_bind(nl, groups, MNL_SOCKET_AUTOPID) < 0) {
		err = -errno;
		mnl_socket_close(nl);
		return err;
	}
	*w = (struct route_watch){ .nl = nl, .fd = mnl_socket_get_fd(nl) };
	return 0;
}

bool route_watch_drain(struct route_watch *w)
{
	char buf[ANSWER_OCTETS] __attribute__((aligned(4)));
	bool any = false;

	/* What changed does not matter, only that something did; an overrun (ENOBUFS) says so too. */
	while (recv(w->fd, buf, sizeof(buf), 0) >= 0 || errno == ENOBUFS || errno == EINTR)
		any = true;
	return any;
}

void route_watch_close(struct route_watch *w)
{
	mnl_socket_close(w->nl);
	w->nl = NULL;
	w->fd = -1;
}
