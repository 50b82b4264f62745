/* SPDX-License-Identifier: GPL-2.0-or-later */
/* limits - see limits.h */
#include "nfq/limits.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

_Static_assert((int)CONF_MSS_OFF == POLICY_MSS_OFF && (int)CONF_MSS_CLAMP == POLICY_MSS_CLAMP, "passed on as they are");

static void set(uint32_t *limit, uint32_t seconds)
{
	if (seconds)
		*limit = seconds;
}

void limits_idle(const struct conf_timeouts *t, uint32_t limit_s[IDLE_CLASSES])
{
	set(&limit_s[IDLE_UDP_OPENING], t->udp);
	set(&limit_s[IDLE_UDP], t->udp);
	set(&limit_s[IDLE_TCP_OPENING], t->tcp_opening);
	set(&limit_s[IDLE_TCP_ESTABLISHED], t->tcp_established);
	set(&limit_s[IDLE_TCP_DOUBT], t->tcp_doubt);
	set(&limit_s[IDLE_TCP_PICKED_UP], t->tcp_doubt);
	set(&limit_s[IDLE_TCP_FIN], t->tcp_closing);
	set(&limit_s[IDLE_TCP_CLOSING], t->tcp_closing);
	set(&limit_s[IDLE_ICMP], t->icmp);
}

uint32_t limits_half_open(const struct conf *c)
{
	return c->half_open ? c->half_open : c->max_flows / 4;
}

static struct nat_policy policy_of_limits(const struct conf_limits *l, uint32_t mss)
{
	return (struct nat_policy){ .flows = l->flows, .source_flows = l->source_flows, .new_flows = l->new_flows, .mss = mss };
}

static bool has_own(const struct conf_policy *p)
{
	static const struct conf_policy none;

	return memcmp(p, &none, sizeof(none)) != 0;
}

uint32_t limits_policies(const struct conf *c, struct nat_policy *policy, uint16_t *policy_of)
{
	uint32_t n = 1;

	policy[0] = policy_of_limits(&c->limits, c->mss);
	for (uint32_t i = 0; i < c->n_forwards; i++) {
		const struct conf_policy *own = &c->forwards[i].policy;
		uint32_t limit_s[IDLE_CLASSES] = { 0 };

		policy_of[i] = 0;
		if (!has_own(own) || n > UINT16_MAX)
			continue;
		policy_of[i] = (uint16_t)n;
		policy[n] = policy_of_limits(&own->limits, own->mss);
		limits_idle(&own->timeouts, limit_s);
		for (unsigned k = 0; k < IDLE_CLASSES; k++)
			policy[n].limit[k] = limit_s[k] ? nat_tick_span(NAT_SEC(limit_s[k])) : 0;
		n++;
	}
	return n;
}

static void link_address(struct nat_link *l, const struct sockaddr *sa)
{
	bool v6 = sa->sa_family == AF_INET6;
	struct nat_addr a;

	if (v6)
		a = nat_addr_v6(((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr.s6_addr);
	else
		a = nat_addr_v4((const uint8_t *)&((const struct sockaddr_in *)(const void *)sa)->sin_addr);
	if (!nat_addr_is_linklocal(&a, v6 ? NAT_IPV6 : NAT_IPV4) && !l->n_addr[v6]++)
		l->addr[v6] = a;
}

static void link_addresses(struct nat_link *link, uint32_t n)
{
	struct ifaddrs *all = NULL;

	if (getifaddrs(&all) < 0)
		return;			/* then none is known to be the only one */
	for (const struct ifaddrs *a = all; a; a = a->ifa_next) {
		uint32_t ifindex = a->ifa_addr ? if_nametoindex(a->ifa_name) : 0;

		if (!ifindex || (a->ifa_addr->sa_family != AF_INET && a->ifa_addr->sa_family != AF_INET6))
			continue;
		for (uint32_t i = 0; i < n; i++)
			if (link[i].ifindex == ifindex)
				link_address(&link[i], a->ifa_addr);
	}
	freeifaddrs(all);
}

uint32_t limits_links(struct nat_link *link, uint32_t room)
{
	struct if_nameindex *list = if_nameindex();
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint32_t n = 0;

	for (struct if_nameindex *i = list; fd >= 0 && i && i->if_index && n < room; i++) {
		struct ifreq r = { 0 };

		memcpy(r.ifr_name, i->if_name, strnlen(i->if_name, IFNAMSIZ - 1));
		if (!ioctl(fd, SIOCGIFMTU, &r) && r.ifr_mtu > 0)
			link[n++] = (struct nat_link){ .ifindex = i->if_index, .mtu_octets = (uint32_t)r.ifr_mtu };
	}
	if (fd >= 0)
		close(fd);
	if_freenameindex(list);
	link_addresses(link, n);
	return n;
}
