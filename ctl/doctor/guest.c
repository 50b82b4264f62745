/* SPDX-License-Identifier: GPL-2.0-or-later */
/* guest - checks of the way to guests: route, answer, source addresses, sizes, offload */
#include <arpa/inet.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "conf/ip.h"
#include "ctl/doctor/answer.h"
#include "ctl/doctor/doctor.h"
#include "nfq/route.h"

enum { KNOCKS = 25, KNOCK_MS = 100, DISCARD_PORT = 9 };

static const char *print(char buf[CONF_IP_TEXT], const struct conf_row *row)
{
	return conf_ip_print(buf, &row->to, (enum nat_family)row->family, false);
}

/* One octet to the discard port: the kernel has to ask for the guest's link address to send it. */
static void knock(const struct conf_row *row)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(DISCARD_PORT) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(DISCARD_PORT) };
	bool v4 = row->family == NAT_IPV4;
	int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return;
	memcpy(&four.sin_addr, nat_addr_wire(&row->to, NAT_IPV4), 4);
	memcpy(&six.sin6_addr, row->to.octet, 16);
	if (sendto(fd, "", 1, 0, v4 ? (struct sockaddr *)&four : (struct sockaddr *)&six,
		   v4 ? sizeof(four) : sizeof(six)) < 0)
		four.sin_port = 0;	/* no matter: the neighbour table says what came of it */
	close(fd);
}

static enum net_neigh listen_for(const struct conf_row *row, uint32_t oif)
{
	const struct timespec pause = { .tv_nsec = KNOCK_MS * 1000000L };
	enum net_neigh state = NET_NEIGH_UNKNOWN;

	for (unsigned i = 0; i < KNOCKS; i++) {
		knock(row);
		state = net_neighbour(&row->to, (enum nat_family)row->family, oif);
		if (state == NET_NEIGH_ANSWERS || (state == NET_NEIGH_SILENT && i))
			break;
		nanosleep(&pause, NULL);
	}
	return state;
}

static void check_guest(struct doctor *d, const struct conf_row *row)
{
	static const char why_route[] =
		"Without a route of its own to the guest's network, a packet to the guest goes the way of all "
		"others.";
	static const char why_silent[] =
		"The guest is off, has another address, or is not on this network.";
	static const char why_back[] =
		"A client is outside the guest's network, and the guest sends what it answers by its default route: if "
		"that leads elsewhere, no connection comes about. Or the guest's firewall answers its own network only.";
	char ip[CONF_IP_TEXT], other[CONF_IP_TEXT];
	struct nat_addr from, near;
	struct route r;
	const struct net_link *link;

	print(ip, row);
	if (route_get(&row->to, (enum nat_family)row->family, &r) < 0 || !r.oif) {
		doctor_say(d, DOCTOR_PROBLEM, why_route, "there is no route to guest %s", ip);
		doctor_mend(d, "virsh net-start NETWORK, or give the bridge an address of the guest's network");
		return;
	}
	link = net_link(&d->net, r.oif);
	if (!r.bits) {
		doctor_say(d, DOCTOR_PROBLEM, why_route, "guest %s is reached by the default route, on %s", ip,
			   link ? link->name : "?");
		doctor_mend(d, "virsh net-start NETWORK, or give the bridge an address of the guest's network");
		return;
	}
	if (listen_for(row, r.oif) != NET_NEIGH_ANSWERS) {
		doctor_say(d, DOCTOR_WARNING, why_silent, "guest %s does not answer on %s", ip,
			   link ? link->name : "?");
		doctor_mend(d, "virsh list --all; virsh domifaddr GUEST; ip neigh show dev %s",
			    link ? link->name : "DEV");
		return;
	}
	/* With source: host the guest answers this host, and needs no route. */
	if (row->host_source || answer_of(row, &from, &near) != ANSWER_NEAR_ONLY)
		return;
	doctor_say(d, DOCTOR_WARNING, why_back, "guest %s answers this host, but not when it is asked from %s", ip,
		   conf_ip_print(other, &from, (enum nat_family)row->family, false));
	doctor_mend(d, "in the guest: ip route replace default via %s, or `source: host` for its forward",
		    conf_ip_print(other, &near, (enum nat_family)row->family, false));
}

void doctor_guests(struct doctor *d)
{
	const struct conf_row *row;
	enum { MOST = 64 };

	for (unsigned i = 0; i < MOST && (row = doctor_guest(d, i)); i++)
		check_guest(d, row);
}

/* fc00::/7, RFC 4193 */
static bool is_ula(const struct nat_addr *a)
{
	return (a->octet[0] & 0xfe) == 0xfc;
}

void doctor_ula(struct doctor *d)
{
	static const char why[] =
		"A program in the guest that knows an IPv4 and an IPv6 address of a peer takes IPv4 as long as its "
		"own IPv6 address is a ULA: the two have different labels (RFC 6724, 5 and 10.6). Forwards into the "
		"guest work; this is about connections that it opens.";
	static const char mend[] = "in the guest, the labels of docs/ipv6-without-ip6tables-nat.md in /etc/gai.conf";
	const struct conf_row *row;
	char ip[CONF_IP_TEXT];

	for (unsigned i = 0; (row = doctor_guest(d, i)); i++) {
		if (row->family != NAT_IPV6 || !is_ula(&row->to))
			continue;
		doctor_say(d, DOCTOR_NOTE, why, "guest %s has a unique local address: by itself it prefers IPv4",
			   print(ip, row));
		doctor_mend(d, "%s", mend);
	}
	for (unsigned i = 0; i < d->conf->n_outs; i++) {
		const struct conf_out *o = &d->conf->outs[i];

		if (o->inside.family != NAT_IPV6 || !is_ula(&o->inside.addr))
			continue;
		doctor_say(d, DOCTOR_NOTE, why, "guests of %s have unique local addresses: by themselves they prefer IPv4",
			   conf_prefix_print(ip, &o->inside));
		doctor_mend(d, "%s", mend);
	}
}

/* Do the ports of a guest's bridge take what the bridge sends? */
static void check_ports(struct doctor *d, const struct net_link *bridge)
{
	static const char why[] =
		"A bridge does not cut packets up: a frame that is larger than the port takes is dropped, and "
		"nobody is told.";

	for (unsigned i = 0; i < d->net.n; i++) {
		const struct net_link *port = &d->net.link[i];

		if (port->master != bridge->index || port->mtu >= bridge->mtu)
			continue;
		doctor_say(d, DOCTOR_WARNING, why, "%s sends packets of %u octets, its port %s takes %u", bridge->name,
			   bridge->mtu, port->name, port->mtu);
		doctor_mend(d, "ip link set %s mtu %u", port->name, bridge->mtu);
	}
}

static void check_mtu(struct doctor *d, const struct conf_row *row)
{
	static const char why[] =
		"Larger packets are refused with an ICMP error, which nfqnat translates for the client. A client "
		"that does not get it (a firewall in between) hangs as soon as much is sent.";
	const char *out = net_default(&d->net, (enum nat_family)row->family);
	const struct net_link *inside, *outside = NULL;
	struct route r;

	if (route_get(&row->to, (enum nat_family)row->family, &r) < 0 || !(inside = net_link(&d->net, r.oif)))
		return;
	for (unsigned i = 0; i < d->net.n; i++)
		if (!strcmp(d->net.link[i].name, out))
			outside = &d->net.link[i];
	if (outside && outside != inside && inside->mtu < outside->mtu) {
		doctor_say(d, DOCTOR_WARNING, why, "%s, toward guests, takes packets of %u octets, %s of %u",
			   inside->name, inside->mtu, outside->name, outside->mtu);
		doctor_mend(d, "ip link set %s mtu %u    (and in the guests)", inside->name, outside->mtu);
	}
	check_ports(d, inside);
}

void doctor_mtu(struct doctor *d)
{
	const struct conf_row *row;
	uint32_t seen[16] = { 0 };
	unsigned n = 0;
	struct route r;

	for (unsigned i = 0; n < 16 && (row = doctor_guest(d, i)); i++) {
		bool again = route_get(&row->to, (enum nat_family)row->family, &r) < 0 || !r.oif;

		for (unsigned s = 0; s < n; s++)
			again |= seen[s] == r.oif;
		if (again)
			continue;
		seen[n++] = r.oif;
		check_mtu(d, row);
	}
}

/* A value that ethtool(8) shows; -1: the device has none. */
static long ethtool_get(const char *dev, uint32_t cmd)
{
	struct ethtool_value v = { .cmd = cmd };
	struct ifreq ifr = { .ifr_data = (char *)&v };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	long value = -1;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", dev);
	if (fd >= 0 && ioctl(fd, SIOCETHTOOL, &ifr) == 0)
		value = v.data;
	if (fd >= 0)
		close(fd);
	return value;
}

void doctor_offload(struct doctor *d)
{
	static const char why_lro[] =
		"LRO puts packets together in a way that cannot be undone when they are sent on: a host that routes "
		"must not use it. The kernel turns it off by itself on most devices.";
	static const char why_gro[] =
		"With GRO, packets of one connection come to nfqnatd many at a time; without it bulk transfers cost "
		"several times the CPU.";
	const char *seen = "";

	for (unsigned i = 0; i < d->net.n_defaults; i++) {
		const char *dev = d->net.defaults[i].dev;
		long flags;

		if (!strcmp(dev, seen))
			continue;
		seen = dev;
		flags = ethtool_get(dev, ETHTOOL_GFLAGS);
		if (flags > 0 && flags & ETH_FLAG_LRO) {
			doctor_say(d, DOCTOR_WARNING, why_lro, "%s puts packets together with LRO", dev);
			doctor_mend(d, "ethtool -K %s lro off", dev);
		}
		if (ethtool_get(dev, ETHTOOL_GGRO) == 0) {
			doctor_say(d, DOCTOR_NOTE, why_gro, "%s does not put packets together (GRO is off)", dev);
			doctor_mend(d, "ethtool -K %s gro on", dev);
		}
	}
}
