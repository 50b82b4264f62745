/* SPDX-License-Identifier: GPL-2.0-or-later */
/* outside and table_out: addresses and ports of a real host, in a namespace of our own. */
#include "nfq/outside.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nfq/rtread.h"
#include "nfq/table.h"
#include "tests/unit/netns.h"

static void world_up(void)
{
	static bool up;

	if (!up && netns_sh("sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0; ip link set lo up;"
			    "ip link add out0 type veth peer far0; ip link set out0 up; ip link set far0 up;"
			    "ip link add in0 type veth peer guest0; ip link set in0 up; ip link set guest0 up;"
			    "ip -6 addr add fd00:122::1/64 dev in0 nodad"))
		skip();
	up = true;
}

/* What `ip addr` is told, and which address guests go out with then. */
static const struct pick {
	const char *name, *how, *want;		/* want NULL: none */
	enum nat_family family;
} picks[] = {
	{ "R25_first_primary_v4", "198.51.100.1/24 198.51.100.2/24", "198.51.100.1", NAT_IPV4 },
	{ "R25_one_of_a_subnet_v4", "203.0.113.5/32 198.51.100.1/24", "198.51.100.1", NAT_IPV4 },
	{ "R25_alone_v4", "203.0.113.5/32", "203.0.113.5", NAT_IPV4 },
	{ "R25_none_v4", "", NULL, NAT_IPV4 },
	{ "R25_link_scope_v4", "169.254.1.1/16,scope,link", NULL, NAT_IPV4 },
	{ "R74_global_before_unique_local", "fd00:9::1/64,nodad 2001:db8:1::1/64,nodad", "2001:db8:1::1", NAT_IPV6 },
	{ "R74_unique_local_if_there_is_no_other", "fd00:9::1/64,nodad", "fd00:9::1", NAT_IPV6 },
	{ "R74_not_deprecated", "2001:db8:1::1/64,nodad,preferred_lft,0 2001:db8:1::2/64,nodad", "2001:db8:1::2", NAT_IPV6 },
	{ "R74_only_deprecated", "2001:db8:1::1/64,nodad,preferred_lft,0", NULL, NAT_IPV6 },
	{ "R74_not_link_local", "", NULL, NAT_IPV6 },
	{ "R74_one_of_a_subnet", "2001:db8:2::9/128,nodad 2001:db8:1::2/64,nodad", "2001:db8:1::2", NAT_IPV6 },
};

static void pick(void **state)
{
	const struct pick *p = *state;
	char how[128], text[INET6_ADDRSTRLEN] = "", cmd[256], *word, *save;
	struct nat_addr a;
	int err;

	netns_enter();
	world_up();
	netns_sh("ip addr flush dev out0 scope global; ip addr flush dev out0 scope link to 169.254.0.0/16");
	snprintf(how, sizeof(how), "%s", p->how);
	for (word = strtok_r(how, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		for (char *c = word; *c; c++)
			if (*c == ',')
				*c = ' ';
		snprintf(cmd, sizeof(cmd), "ip addr add %s dev out0", word);
		if (netns_sh(cmd))
			unit_fail("%s", cmd);
	}
	err = outside_addr("out0", p->family, &a);
	if (!p->want) {
		assert_int_equal(err, -EADDRNOTAVAIL);
		return;
	}
	assert_int_equal(err, 0);
	inet_ntop(p->family == NAT_IPV4 ? AF_INET : AF_INET6, nat_addr_wire(&a, p->family), text, sizeof(text));
	assert_string_equal(text, p->want);
}

static void R25_device_down_or_gone(void **state)
{
	struct nat_addr a;

	(void)state;
	netns_enter();
	world_up();
	assert_int_equal(outside_addr("nothere", NAT_IPV4, &a), -ENODEV);
	netns_sh("ip link set out0 down");
	assert_int_equal(outside_addr("out0", NAT_IPV4, &a), -ENODEV);
	netns_sh("ip link set out0 up");
}

static void R22_ranges_leave_out_the_hosts_own(void **state)
{
	struct out_range r[OUT_RANGES];
	struct conf_out o = { .kind = CONF_MASQUERADE };

	(void)state;
	netns_enter();
	world_up();
	netns_sh("sysctl -qw net.ipv4.ip_local_port_range='40000 50000'");
	outside_ranges(&o, r);
	assert_int_equal(r[0].lo, 600);
	assert_int_equal(r[0].hi, 39999);
	assert_int_equal(r[1].lo, 50001);
	assert_int_equal(r[1].hi, 65535);
	netns_sh("sysctl -qw net.ipv4.ip_local_port_range='32768 60999'");
	o.lo = 100;
	o.hi = 200;
	outside_ranges(&o, r);
	assert_int_equal(r[0].lo, 100);
	assert_int_equal(r[0].hi, 200);
	assert_int_equal(r[1].lo, 0);
}

static void R22_ports_shared_with_the_host(void **state)
{
	static const struct { uint16_t lo, hi, shared; const char *reserved; } rows[] = {
		{ 20000, 29999, 0, "" }, { 32768, 40000, 32768, "" }, { 30000, 33000, 32768, "" }, { 61000, 65535, 0, "" },
		{ 40000, 40010, 0, "40000-40010" }, { 40000, 40010, 40005, "40000-40004,40006-40010" }, { 0, 0, 0, "" },
	};

	(void)state;
	netns_enter();
	world_up();
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct conf_out o = { .kind = CONF_MASQUERADE, .lo = rows[i].lo, .hi = rows[i].hi };
		char cmd[128];

		snprintf(cmd, sizeof(cmd), "sysctl -qw net.ipv4.ip_local_reserved_ports='%s'", rows[i].reserved);
		assert_int_equal(netns_sh(cmd), 0);
		assert_int_equal(outside_shared(&o), rows[i].shared);
	}
}

static int bound(int family, int type, uint16_t port, bool listening)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	if (family == AF_INET ? bind(fd, (struct sockaddr *)&four, sizeof(four)) : bind(fd, (struct sockaddr *)&six, sizeof(six)))
		unit_fail("no socket on %u", port);
	if (listening)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void R22_sockets_of_the_host(void **state)
{
	struct outside_taken all = { 0 }, listening = { 0 };
	int fd[4];

	(void)state;
	netns_enter();
	world_up();
	fd[0] = bound(AF_INET, SOCK_STREAM, 2001, true);
	fd[1] = bound(AF_INET6, SOCK_STREAM, 2002, true);
	fd[2] = bound(AF_INET, SOCK_DGRAM, 2003, false);
	fd[3] = bound(AF_INET6, SOCK_DGRAM, 2004, false);
	outside_sockets(&all, false);
	outside_sockets(&listening, true);
	for (unsigned port = 2000; port <= 2005; port++) {
		bool tcp = port == 2001 || port == 2002, udp = port == 2003 || port == 2004;

		assert_int_equal(outside_is_taken(&all, POOL_TCP, port), tcp);
		assert_int_equal(outside_is_taken(&listening, POOL_TCP, port), tcp);
		assert_int_equal(outside_is_taken(&all, POOL_UDP, port), udp);
		assert_int_equal(outside_is_taken(&listening, POOL_UDP, port), udp);
	}
	for (unsigned i = 0; i < 4; i++)
		close(fd[i]);
}

static struct table table_of(const char *yaml)
{
	struct conf *c = NULL;
	struct table t;

	assert_int_equal(conf_parse("test.yaml", yaml, strlen(yaml), &c, stderr), 0);
	assert_int_equal(table_make(c, &t), 0);
	conf_free(c);
	return t;
}

static void R25_table_follows_the_device(void **state)
{
	static const char yaml[] = "masquerade: [{ from: ['fd00:122::/64', 192.168.122.0/24], out: out0, except: 10.0.0.0/8 }]\n"
				   "nptv6: [{ inside: 'fd00:124::/48', outside: '2001:db8:1::/48', out: nothere }]\n";
	struct table a, b;

	(void)state;
	netns_enter();
	world_up();
	netns_sh("ip addr flush dev out0 scope global; ip addr add 198.51.100.1/24 dev out0");
	a = table_of(yaml);
	assert_int_equal(a.n_outs, 3);
	assert_int_equal(a.out[0].kind, OUT_NPTV6);
	assert_int_equal(a.out[0].oif, NAT_NONE);
	assert_int_equal(a.out[1].n_addr, 0);		/* no IPv6 address: nothing leaves */
	assert_int_equal(a.out[1].near, if_nametoindex("in0"));
	assert_int_equal(a.out[2].n_addr, 1);
	assert_int_equal(a.out[2].n_except, 1);
	assert_int_equal(a.out[1].n_except, 0);
	b = table_of(yaml);
	assert_true(table_same(&a, &b));
	table_free(&b);
	netns_sh("ip addr add 2001:db8:1::1/64 dev out0 nodad");
	b = table_of(yaml);
	assert_int_equal(b.out[1].n_addr, 1);
	assert_false(table_same(&a, &b));
	table_free(&a);
	table_free(&b);
}

/* ---- messages of any octets ---- */

static struct nlmsghdr *message(uint8_t buf[256], uint16_t type, const void *head, size_t octets)
{
	struct nlmsghdr *nlh;

	memset(buf, 0, 256);
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = type;
	memcpy(mnl_nlmsg_put_extra_header(nlh, octets), head, octets);
	return nlh;
}

static void R82_lengths_of_addresses(void **state)
{
	static const uint8_t near[4] = { 192, 0, 2, 1 }, far[4] = { 192, 0, 2, 2 };
	const struct ifaddrmsg m = { .ifa_family = AF_INET, .ifa_prefixlen = 31, .ifa_index = 7, .ifa_flags = 1 };
	uint8_t buf[256] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = message(buf, RTM_NEWADDR, &m, sizeof(m));
	struct rtread_addr a;

	(void)state;
	assert_false(rtread_addr(nlh, NAT_IPV4, &a));		/* without an address */
	mnl_attr_put(nlh, IFA_LOCAL, 3, near);
	assert_false(rtread_addr(nlh, NAT_IPV4, &a));		/* too short */
	mnl_attr_put(nlh, IFA_ADDRESS, 4, far);
	mnl_attr_put_u16(nlh, IFA_FLAGS, 2);
	assert_true(rtread_addr(nlh, NAT_IPV4, &a));
	assert_memory_equal(a.addr.octet + 12, far, 4);
	assert_true(a.device == 7 && a.bits == 31 && a.flags == 1);
	mnl_attr_put(nlh, IFA_LOCAL, 4, near);
	mnl_attr_put_u32(nlh, IFA_FLAGS, 0x100);
	assert_true(rtread_addr(nlh, NAT_IPV4, &a));
	assert_memory_equal(a.addr.octet + 12, near, 4);
	assert_int_equal(a.flags, 0x100);
	assert_false(rtread_addr(nlh, NAT_IPV6, &a));
	nlh->nlmsg_len--;
	assert_false(rtread_addr(nlh, NAT_IPV4, &a));		/* does not end at a boundary */
	nlh->nlmsg_len = sizeof(*nlh) + 4;
	assert_false(rtread_addr(nlh, NAT_IPV4, &a));		/* half a header */
}

static void R82_lengths_of_routes(void **state)
{
	static const uint8_t near[16] = { 0x20, 1, 0xd, 0xb8 };
	const struct rtmsg m = { .rtm_family = AF_INET6, .rtm_dst_len = 64, .rtm_type = RTN_UNICAST };
	uint8_t buf[256] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = message(buf, RTM_NEWROUTE, &m, sizeof(m));
	struct rtread_route r;

	(void)state;
	mnl_attr_put_u16(nlh, RTA_OIF, 9);
	mnl_attr_put(nlh, RTA_PREFSRC, 4, near);
	assert_true(rtread_route(nlh, NAT_IPV6, &r));
	assert_true(!r.oif && nat_addr_is_any(&r.near) && r.bits == 64 && r.type == RTN_UNICAST);
	mnl_attr_put_u32(nlh, RTA_OIF, 9);
	mnl_attr_put(nlh, RTA_PREFSRC, 16, near);
	assert_true(rtread_route(nlh, NAT_IPV6, &r));
	assert_int_equal(r.oif, 9);
	assert_memory_equal(r.near.octet, near, 16);
	assert_false(rtread_route(nlh, NAT_IPV4, &r));
	nlh->nlmsg_type = RTM_DELROUTE;
	assert_false(rtread_route(nlh, NAT_IPV6, &r));
}

int main(void)
{
	for (unsigned i = 0; i < COUNT(picks); i++)
		unit_add(picks[i].name, pick, &picks[i]);
	unit_add("R25_device_down_or_gone", R25_device_down_or_gone, NULL);
	unit_add("R22_ranges_leave_out_the_hosts_own", R22_ranges_leave_out_the_hosts_own, NULL);
	unit_add("R22_ports_shared_with_the_host", R22_ports_shared_with_the_host, NULL);
	unit_add("R22_sockets_of_the_host", R22_sockets_of_the_host, NULL);
	unit_add("R25_table_follows_the_device", R25_table_follows_the_device, NULL);
	unit_add("R82_lengths_of_addresses", R82_lengths_of_addresses, NULL);
	unit_add("R82_lengths_of_routes", R82_lengths_of_routes, NULL);
	return unit_run("outside");
}
