/* SPDX-License-Identifier: GPL-2.0-or-later */
/* net - see net.h */
#include "ctl/doctor/net.h"

#include <dirent.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	ANSWER_OCTETS = 32768,
	TRIES = 5,
};

/* Send a request and run @take over every message of the answer. 0 or -errno; -EINTR: it has changed meanwhile. */
static int ask(struct nlmsghdr *nlh, mnl_cb_t take, void *arg)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	static char buf[ANSWER_OCTETS] __attribute__((aligned(4)));
	int ret = MNL_CB_OK;
	ssize_t n;

	if (!nl)
		return -errno;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 || mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		ret = -1;
	while (ret > MNL_CB_STOP) {
		n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		ret = n < 0 ? -1 : mnl_cb_run(buf, (size_t)n, 0, mnl_socket_get_portid(nl), take, arg);
	}
	ret = ret < 0 ? -errno : 0;
	mnl_socket_close(nl);
	return ret;
}

static int take_link_attr(const struct nlattr *a, void *arg)
{
	struct net_link *l = arg;

	switch (mnl_attr_get_type(a)) {
	case IFLA_IFNAME:
		if (mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0)
			snprintf(l->name, sizeof(l->name), "%s", mnl_attr_get_str(a));
		break;
	case IFLA_MTU:
		if (mnl_attr_validate(a, MNL_TYPE_U32) >= 0)
			l->mtu = mnl_attr_get_u32(a);
		break;
	case IFLA_MASTER:
		if (mnl_attr_validate(a, MNL_TYPE_U32) >= 0)
			l->master = mnl_attr_get_u32(a);
		break;
	}
	return MNL_CB_OK;
}

static int take_link(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct net *n = arg;
	struct net_link l = { 0 };

	if (nlh->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifi))
		return MNL_CB_OK;
	if (n->n == n->room) {
		unsigned room = n->room ? 2 * n->room : 16;
		struct net_link *more = reallocarray(n->link, room, sizeof(*more));

		if (!more) {
			errno = ENOMEM;
			return MNL_CB_ERROR;
		}
		n->link = more;
		n->room = room;
	}
	l.index = (uint32_t)ifi->ifi_index;
	l.loopback = ifi->ifi_flags & IFF_LOOPBACK;
	l.up = ifi->ifi_flags & IFF_UP;
	mnl_attr_parse(nlh, sizeof(*ifi), take_link_attr, &l);
	n->link[n->n++] = l;
	return MNL_CB_OK;
}

/* What one route says: the devices that it leads to, several if the way is shared. */
struct ways {
	uint32_t oif[NET_DEFAULTS];
	unsigned n;
};

static void take_oif(struct ways *w, uint32_t oif)
{
	if (w->n < NET_DEFAULTS)
		w->oif[w->n++] = oif;
}

static void take_hops(struct ways *w, const struct nlattr *a)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(a);
	int left = mnl_attr_get_payload_len(a);

	for (; left >= (int)sizeof(*hop) && RTNH_OK(hop, left); left -= RTNH_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop))
		take_oif(w, (uint32_t)hop->rtnh_ifindex);
}

static int take_route_attr(const struct nlattr *a, void *arg)
{
	struct ways *w = arg;

	if (mnl_attr_get_type(a) == RTA_OIF && mnl_attr_validate(a, MNL_TYPE_U32) >= 0)
		take_oif(w, mnl_attr_get_u32(a));
	if (mnl_attr_get_type(a) == RTA_MULTIPATH)
		take_hops(w, a);
	return MNL_CB_OK;
}

/* Each device once for each family. */
static void add_default(struct net *n, const struct rtmsg *rtm, uint32_t oif)
{
	uint8_t family = rtm->rtm_family == AF_INET ? NAT_IPV4 : NAT_IPV6;
	const struct net_link *l = net_link(n, oif);
	unsigned i = 0;

	if (!l)
		return;
	while (i < n->n_defaults && (n->defaults[i].family != family || strcmp(n->defaults[i].dev, l->name) != 0))
		i++;
	if (i == NET_DEFAULTS)
		return;
	n->n_defaults += i == n->n_defaults;
	n->defaults[i].family = family;
	n->defaults[i].from_ra |= rtm->rtm_protocol == RTPROT_RA;
	memcpy(n->defaults[i].dev, l->name, IFNAMSIZ);
}

static int take_route(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct ways w = { .n = 0 };

	if (nlh->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm))
		return MNL_CB_OK;
	if (rtm->rtm_dst_len || rtm->rtm_type != RTN_UNICAST)
		return MNL_CB_OK;
	mnl_attr_parse(nlh, sizeof(*rtm), take_route_attr, &w);
	for (unsigned i = 0; i < w.n; i++)
		add_default(arg, rtm, w.oif[i]);
	return MNL_CB_OK;
}

static int read_all(struct net *n)
{
	char buf[256] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi;
	struct rtmsg *rtm;
	int err;

	nlh->nlmsg_type = RTM_GETLINK;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	err = ask(nlh, take_link, n);
	for (unsigned i = 0; !err && i < 2; i++) {
		nlh = mnl_nlmsg_put_header(buf);
		nlh->nlmsg_type = RTM_GETROUTE;
		rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
		rtm->rtm_family = i ? AF_INET6 : AF_INET;
		err = ask(nlh, take_route, n);
	}
	return err;
}

int net_open(struct net *n)
{
	int err = -EINTR;

	*n = (struct net){ 0 };
	for (unsigned i = 0; i < TRIES && err == -EINTR; i++) {
		net_close(n);		/* what the try before has read */
		err = read_all(n);
	}
	return err;
}

void net_close(struct net *n)
{
	free(n->link);
	*n = (struct net){ 0 };
}

const struct net_link *net_link(const struct net *n, uint32_t index)
{
	for (unsigned i = 0; i < n->n; i++)
		if (n->link[i].index == index)
			return &n->link[i];
	return NULL;
}

const char *net_default(const struct net *n, enum nat_family family)
{
	for (unsigned i = 0; i < n->n_defaults; i++)
		if (n->defaults[i].family == family)
			return n->defaults[i].dev;
	return "";
}

struct neighbour {
	const struct nat_addr *addr;
	enum nat_family family;
	uint32_t index;
	bool same;			/* this message is about the one asked for */
	enum net_neigh state;
};

static int take_neigh_attr(const struct nlattr *a, void *arg)
{
	struct neighbour *n = arg;
	size_t len = n->family == NAT_IPV4 ? 4 : 16;

	if (mnl_attr_get_type(a) == NDA_DST && mnl_attr_get_payload_len(a) == len)
		n->same = !memcmp(mnl_attr_get_payload(a), nat_addr_wire(n->addr, n->family), len);
	return MNL_CB_OK;
}

static int take_neigh(const struct nlmsghdr *nlh, void *arg)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(nlh);
	struct neighbour *n = arg;

	n->same = false;
	if (nlh->nlmsg_type != RTM_NEWNEIGH || mnl_nlmsg_get_payload_len(nlh) < sizeof(*nd) || (uint32_t)nd->ndm_ifindex != n->index)
		return MNL_CB_OK;
	mnl_attr_parse(nlh, sizeof(*nd), take_neigh_attr, n);
	if (!n->same)
		return MNL_CB_OK;
	if (nd->ndm_state & NUD_FAILED)
		n->state = NET_NEIGH_SILENT;
	else if (nd->ndm_state & NUD_INCOMPLETE)
		n->state = NET_NEIGH_ASKING;
	else if (nd->ndm_state & (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP))
		n->state = NET_NEIGH_ANSWERS;
	return MNL_CB_OK;
}

/* Each entry of the kind @flags that the kernel has of a family, to @take. */
static int ask_neighbours(struct neighbour *n, uint8_t flags, mnl_cb_t take)
{
	char buf[256] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ndmsg *nd;

	nlh->nlmsg_type = RTM_GETNEIGH;
	nd = mnl_nlmsg_put_extra_header(nlh, sizeof(*nd));
	nd->ndm_family = n->family == NAT_IPV4 ? AF_INET : AF_INET6;
	nd->ndm_flags = flags;
	return ask(nlh, take, n);
}

enum net_neigh net_neighbour(const struct nat_addr *a, enum nat_family family, uint32_t index)
{
	struct neighbour n = { .addr = a, .family = family, .index = index, .state = NET_NEIGH_UNKNOWN };

	return ask_neighbours(&n, 0, take_neigh) ? NET_NEIGH_UNKNOWN : n.state;
}

static int take_proxy(const struct nlmsghdr *nlh, void *arg)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(nlh);
	struct neighbour *n = arg;

	n->same = false;
	if (nlh->nlmsg_type == RTM_NEWNEIGH && mnl_nlmsg_get_payload_len(nlh) >= sizeof(*nd) && nd->ndm_flags & NTF_PROXY &&
	    (uint32_t)nd->ndm_ifindex == n->index)
		mnl_attr_parse(nlh, sizeof(*nd), take_neigh_attr, n);
	if (n->same)
		n->state = NET_NEIGH_ANSWERS;
	return MNL_CB_OK;
}

bool net_has_proxy(const struct nat_addr *a, enum nat_family family, uint32_t index)
{
	struct neighbour n = { .addr = a, .family = family, .index = index, .state = NET_NEIGH_UNKNOWN };

	return !ask_neighbours(&n, NTF_PROXY, take_proxy) && n.state == NET_NEIGH_ANSWERS;
}

static bool has_socket(const char *pid, const char *want)
{
	char path[300], to[64];
	struct dirent *e;
	bool found = false;
	ssize_t n;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	d = opendir(path);
	while (d && !found && (e = readdir(d))) {
		snprintf(path, sizeof(path), "/proc/%.20s/fd/%.20s", pid, e->d_name);
		n = readlink(path, to, sizeof(to) - 1);
		to[n < 0 ? 0 : n] = '\0';
		found = !strcmp(to, want);
	}
	if (d)
		closedir(d);
	return found;
}

void net_owner(unsigned long inode, char *buf, size_t octets)
{
	char want[40], path[64], comm[32] = "?";
	struct dirent *e;
	DIR *d = opendir("/proc");

	snprintf(buf, octets, "?");
	snprintf(want, sizeof(want), "socket:[%lu]", inode);
	while (d && (e = readdir(d))) {
		FILE *f;

		if (e->d_name[0] < '1' || e->d_name[0] > '9' || !has_socket(e->d_name, want))
			continue;
		snprintf(path, sizeof(path), "/proc/%.20s/comm", e->d_name);
		f = fopen(path, "re");
		if (f && fgets(comm, sizeof(comm), f))
			comm[strcspn(comm, "\n")] = '\0';
		if (f)
			fclose(f);
		snprintf(buf, octets, "%s (pid %.20s)", comm, e->d_name);
		break;
	}
	if (d)
		closedir(d);
}
