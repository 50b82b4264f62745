/* SPDX-License-Identifier: GPL-2.0-or-later */
/* outside - see outside.h */
#include "nfq/outside.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nfq/route.h"
#include "nfq/rtread.h"

enum { FIRST_PORT = 600, ROOM_OCTETS = 32768 };

/* The best address so far of one device. */
struct search {
	uint32_t device;
	enum nat_family family;
	struct nat_addr preferred;	/* what the kernel would use; all zero: not known */
	struct nat_addr best;
	unsigned rank;			/* of best; 0: none */
};

/* How much an address is wanted; 0: not at all. */
static unsigned rank_of(const struct search *s, const struct rtread_addr *a)
{
	unsigned rank = 1;
	uint32_t flags = a->flags;

	if (s->family == NAT_IPV4)
		return 1u + (flags & IFA_F_SECONDARY ? 0u : 2u) + (a->bits < 32 ? 1u : 0u);
	if (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED))
		return 0;
	if ((a->addr.octet[0] & 0xfe) != 0xfc)
		rank += 4;
	if (!(flags & IFA_F_TEMPORARY))
		rank += 2;
	if (a->bits < 128)
		rank += 1;		/* one of a subnet rather than one by itself */
	return nat_addr_eq(&a->addr, &s->preferred) ? 16 : rank;
}

static int take_addr(const struct nlmsghdr *nlh, void *arg)
{
	struct search *s = arg;
	struct rtread_addr a;
	unsigned rank;

	if (!rtread_addr(nlh, s->family, &a) || a.device != s->device || a.scope != RT_SCOPE_UNIVERSE)
		return MNL_CB_OK;
	rank = rank_of(s, &a);
	if (rank > s->rank) {
		s->rank = rank;
		s->best = a.addr;
	}
	return MNL_CB_OK;
}

static int ask(struct mnl_socket *nl, struct search *s)
{
	char buf[ROOM_OCTETS] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifaddrmsg *m;
	ssize_t n;
	int ret;

	nlh->nlmsg_type = RTM_GETADDR;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	m->ifa_family = s->family == NAT_IPV4 ? AF_INET : AF_INET6;
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (n < 0)
			return -errno;
		ret = mnl_cb_run(buf, (size_t)n, 0, mnl_socket_get_portid(nl), take_addr, s);
	} while (ret > MNL_CB_STOP);
	return ret < 0 ? -errno : 0;
}

static bool is_up(const char *device)
{
	struct ifreq ifr = { .ifr_flags = 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up;

	memcpy(ifr.ifr_name, device, strnlen(device, IFNAMSIZ - 1));
	up = fd >= 0 && !ioctl(fd, SIOCGIFFLAGS, &ifr) && (ifr.ifr_flags & IFF_UP);
	if (fd >= 0)
		close(fd);
	return up;
}

/* What this host would use itself toward everybody, 2000::/3. */
static struct nat_addr preferred(uint32_t device)
{
	struct nat_addr to = { .octet = { 0x20, [15] = 1 } };
	struct route r;

	if (route_get(&to, NAT_IPV6, &r) < 0 || r.oif != device)
		return (struct nat_addr){ 0 };
	return r.near;
}

int outside_addr(const char *device, enum nat_family family, struct nat_addr *a)
{
	struct search s = { .device = if_nametoindex(device), .family = family };
	struct mnl_socket *nl;
	int err = 0;

	if (!s.device || !is_up(device))
		return -ENODEV;
	if (family == NAT_IPV6)
		s.preferred = preferred(s.device);
	nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!nl)
		return -errno;
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		err = -errno;
	if (!err)
		err = ask(nl, &s);
	mnl_socket_close(nl);
	if (!err && !s.rank)
		err = -EADDRNOTAVAIL;
	if (!err)
		*a = s.best;
	return err;
}

/* net.ipv4.ip_local_port_range, or the kernel's default of it. */
static void local_range(unsigned long *lo, unsigned long *hi)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	char line[64], *end;

	*lo = 32768;
	*hi = 60999;
	if (!f)
		return;
	if (fgets(line, sizeof(line), f)) {
		*lo = strtoul(line, &end, 10);
		*hi = strtoul(end, NULL, 10);
	}
	fclose(f);
	if (*lo > *hi || *hi > 65535) {
		*lo = 32768;
		*hi = 60999;
	}
}

void outside_ranges(const struct conf_out *o, struct out_range range[OUT_RANGES])
{
	unsigned long lo, hi;
	unsigned n = 0;

	memset(range, 0, OUT_RANGES * sizeof(*range));
	if (o->lo) {
		range[0] = (struct out_range){ o->lo, o->hi };
		return;
	}
	local_range(&lo, &hi);
	if (lo > FIRST_PORT)
		range[n++] = (struct out_range){ FIRST_PORT, (uint16_t)(lo - 1) };
	if (hi < 65535)
		range[n] = (struct out_range){ (uint16_t)(hi < FIRST_PORT ? FIRST_PORT : hi + 1), 65535 };
}

static void mark(struct outside_taken *t, unsigned proto, unsigned port)
{
	if (port <= 65535)
		t->bit[proto][port / 32] |= UINT32_C(1) << port % 32;
}

/* net.ipv4.ip_local_reserved_ports: "20000-29999,40000", at most some KiB */
static void mark_reserved(struct outside_taken *t, unsigned proto)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_local_reserved_ports", "re");
	unsigned long lo, hi;
	char line[8192], *at = line;

	if (!f)
		return;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);
	while (*at >= '0' && *at <= '9') {
		lo = hi = strtoul(at, &at, 10);
		if (*at == '-')
			hi = strtoul(at + 1, &at, 10);
		for (; lo <= hi && lo <= 65535; lo++)
			mark(t, proto, (unsigned)lo);
		at += *at == ',';
	}
}

unsigned outside_shared(const struct conf_out *o)
{
	struct outside_taken reserved = { 0 };
	unsigned long lo, hi;

	if (o->kind != CONF_MASQUERADE || !o->lo)
		return 0;
	local_range(&lo, &hi);
	mark_reserved(&reserved, POOL_TCP);
	for (unsigned port = o->lo; port <= o->hi; port++)
		if (port >= lo && port <= hi && !outside_is_taken(&reserved, POOL_TCP, port))
			return port;
	return 0;
}

/* The number behind the next colon, in hexadecimal, or ULONG_MAX; *@at is left behind it. */
static unsigned long next_hex(char **at)
{
	char *colon = strchr(*at, ':'), *end;
	unsigned long n;

	if (!colon)
		return ULONG_MAX;
	n = strtoul(colon + 1, &end, 16);
	*at = end;
	return end == colon + 1 ? ULONG_MAX : n;
}

/* A line is "sl: local:port remote:port st ...", all but sl in hexadecimal. */
static void read_sockets(struct outside_taken *t, unsigned proto, const char *path, bool listening)
{
	FILE *f = fopen(path, "re");
	char line[512];
	unsigned long port, state;

	while (f && fgets(line, sizeof(line), f)) {
		char *at = strchr(line, ':');

		if (!at)
			continue;		/* the heading */
		at++;
		port = next_hex(&at);
		if (port > 65535 || next_hex(&at) > 65535)
			continue;
		state = strtoul(at, NULL, 16);
		/* TCP_LISTEN is 10; an unconnected UDP socket is TCP_CLOSE, 7: include/net/tcp_states.h */
		if (!listening || (proto == POOL_TCP ? state == 10 : state == 7))
			mark(t, proto, (unsigned)port);
	}
	if (f)
		fclose(f);
}

void outside_sockets(struct outside_taken *t, bool listening)
{
	static const struct { unsigned proto; const char *path; } files[] = {
		{ POOL_TCP, "/proc/self/net/tcp" },   { POOL_TCP, "/proc/self/net/tcp6" },
		{ POOL_UDP, "/proc/self/net/udp" },   { POOL_UDP, "/proc/self/net/udp6" },
		{ POOL_ICMP, "/proc/self/net/icmp" }, { POOL_ICMP, "/proc/self/net/icmp6" },
		{ POOL_OTHER, "/proc/self/net/udplite" }, { POOL_OTHER, "/proc/self/net/udplite6" },
	};

	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		read_sockets(t, files[i].proto, files[i].path, listening);
}

void outside_forwards(struct outside_taken *t, const struct conf *c)
{
	for (unsigned i = 0; i < c->n_rows; i++) {
		const struct conf_row *r = &c->rows[i];

		if (!nat_proto_has_ports(r->proto))
			continue;
		for (unsigned port = r->lo; port <= r->hi; port++)
			mark(t, r->proto == IPPROTO_TCP ? POOL_TCP : r->proto == IPPROTO_UDP ? POOL_UDP : POOL_OTHER, port);
	}
}
