/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * outside - is there anybody who answers for the outside addresses of nptv6 and one-to-one?
 *
 * A router that holds them for neighbours of its own asks for them by ARP or
 * neighbour solicitation. Addresses that are routed to this host need nothing.
 */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl/doctor/doctor.h"
#include "nfq/route.h"

static const char why[] =
	"The router in front of this host asks its link for an address that it has in a prefix of its own. Nobody answers for "
	"one that no device has, so nothing comes back to the guests. If the router sends it here by a route, this may be ignored.";

static struct nat_prefix prefix_of(const struct ifaddrs *i)
{
	struct nat_prefix p = { .family = NAT_IPV4 };
	const uint8_t *mask;

	if (i->ifa_addr->sa_family == AF_INET) {
		p.addr = nat_addr_v4((const void *)&((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr);
		mask = (const void *)&((const struct sockaddr_in *)(const void *)i->ifa_netmask)->sin_addr;
	} else {
		p.family = NAT_IPV6;
		p.addr = nat_addr_v6(((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr.s6_addr);
		mask = (const void *)&((const struct sockaddr_in6 *)(const void *)i->ifa_netmask)->sin6_addr;
	}
	while (p.bits < (p.family == NAT_IPV4 ? 32 : 128) && mask[p.bits / 8] & 0x80 >> p.bits % 8)
		p.bits++;
	return p;
}

/* The device whose link the prefix is on: @out, or with "" any but the guests'; "" in @dev: none. */
static void find_link(const struct conf_out *o, const struct ifaddrs *list, char dev[IFNAMSIZ])
{
	dev[0] = '\0';
	for (const struct ifaddrs *i = list; i && !dev[0]; i = i->ifa_next) {
		struct nat_prefix p;

		if (!i->ifa_addr || !i->ifa_netmask || (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6) ||
		    i->ifa_flags & (IFF_LOOPBACK | IFF_POINTOPOINT) || (o->out[0] && strcmp(o->out, i->ifa_name) != 0))
			continue;
		p = prefix_of(i);
		/* neighbours see it as theirs, other than an address that stands alone */
		if (p.family == o->outside.family && p.bits <= o->outside.bits && p.bits < (p.family == NAT_IPV4 ? 32 : 128) &&
		    nat_prefix_has(&p, &o->outside.addr, (enum nat_family)p.family) &&
		    !nat_prefix_has(&o->inside, &p.addr, (enum nat_family)p.family))
			snprintf(dev, IFNAMSIZ, "%s", i->ifa_name);
	}
}

/* Does this host take it for its own, by an address or a local route? Then it can be bound, and ARP is answered. */
static bool is_own(const struct nat_addr *a, enum nat_family family)
{
	struct sockaddr_in6 sa6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in sa4 = { .sin_family = AF_INET };
	int fd = socket(family == NAT_IPV4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool own;

	memcpy(&sa4.sin_addr, nat_addr_wire(a, NAT_IPV4), 4);
	memcpy(&sa6.sin6_addr, a->octet, 16);
	own = fd >= 0 && !(family == NAT_IPV4 ? bind(fd, (const struct sockaddr *)&sa4, sizeof(sa4))
					      : bind(fd, (const struct sockaddr *)&sa6, sizeof(sa6)));
	if (fd >= 0)
		close(fd);
	return own;
}

/* IPv6: a local route alone answers nobody (ndisc_recv_ns()); it must be an address, or a proxy entry. */
static bool has_addr(const struct nat_addr *a, const struct ifaddrs *list)
{
	for (const struct ifaddrs *i = list; i; i = i->ifa_next)
		if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET6 &&
		    !memcmp(&((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr, a->octet, 16))
			return true;
	return false;
}

/* Answers the kernel for it by proxy? For IPv4 only if its way leads elsewhere (arp_process()). */
static bool is_proxied(const struct nat_addr *a, enum nat_family family, const char *dev)
{
	uint32_t index = if_nametoindex(dev);
	bool entry = net_has_proxy(a, family, index);
	struct route r;

	if (family == NAT_IPV6)
		return entry && (doctor_read("net/ipv6/conf/all/proxy_ndp") == 1 || doctor_read("net/ipv6/conf/%s/proxy_ndp", dev) == 1);
	return (entry || doctor_read("net/ipv4/conf/%s/proxy_arp", dev) == 1) && !route_get(a, family, &r) && r.oif && r.oif != index;
}

static void check(struct doctor *d, const struct conf_out *o, const struct ifaddrs *list)
{
	enum nat_family family = (enum nat_family)o->outside.family;
	const struct nat_addr *a = &o->outside.addr;
	char dev[IFNAMSIZ], text[INET6_ADDRSTRLEN];
	bool single = o->outside.bits == (family == NAT_IPV4 ? 32 : 128);

	find_link(o, list, dev);
	if (!dev[0] || (family == NAT_IPV4 && is_own(a, family)) || (single && family == NAT_IPV6 && has_addr(a, list)) ||
	    (single && is_proxied(a, family, dev)))
		return;
	inet_ntop(family == NAT_IPV4 ? AF_INET : AF_INET6, nat_addr_wire(a, family), text, sizeof(text));
	if (single)
		doctor_say(d, DOCTOR_WARNING, why, "nobody on %s answers for the outside address %s", dev, text);
	else
		doctor_say(d, DOCTOR_WARNING, why, "nobody on %s answers for the outside addresses %s/%u", dev, text, o->outside.bits);
	if (family == NAT_IPV4)
		doctor_mend(d, "ip route add local %s/%u dev lo", text, o->outside.bits);
	else if (single)
		doctor_mend(d, "sysctl -w net.ipv6.conf.%s.proxy_ndp=1 && ip -6 neigh add proxy %s dev %s", dev, text, dev);
	else
		doctor_mend(d, "on the router: ip -6 route add %s/%u via this host; or here: ndppd, with a rule for it on %s", text,
			    o->outside.bits, dev);
}

void doctor_outside(struct doctor *d)
{
	struct ifaddrs *list;

	if (getifaddrs(&list) < 0)
		return;
	for (unsigned i = 0; i < d->conf->n_outs; i++)
		if (d->conf->outs[i].kind != CONF_MASQUERADE)
			check(d, &d->conf->outs[i], list);
	freeifaddrs(list);
}
