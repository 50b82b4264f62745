/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shield: what the host refuses on forwarded ports is held back, and nobody can take that away. */
#include "nfq/steer/shield.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/conf.h"
#include "tests/unit/netns.h"

static const char file[] = "source-ports: 61000-65535\n"
			   "forwards:\n"
			   "  - { name: a, to: [10.9.0.9, \"fd00:9::9\"], publish: [\"7000-7010\", \"7000-7010/udp\", \"127.0.0.1:7100:1\"] }\n";

static void no_way(const struct nat_addr *to, enum nat_family family, char *dev)
{
	(void)to;
	(void)family;
	dev[0] = '\0';
}

static int shield(const char *yaml)
{
	struct conf *c = NULL;
	struct rules r;
	int err;

	assert_int_equal(conf_parse("test.yaml", yaml, strlen(yaml), &c, stderr), 0);
	assert_int_equal(rules_make(c, 1, no_way, &r), 0);
	err = shield_set(&r);
	rules_free(&r);
	conf_free(c);
	return err;
}

/* What a port that nobody listens at says; on lo the answer is there before the call returns. 0: nothing */
static int said(int family, int type, uint16_t port)
{
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(family, type | SOCK_NONBLOCK, 0), err = 0;
	socklen_t len = sizeof(err);

	assert_true(fd >= 0);
	if (family == AF_INET)
		connect(fd, (struct sockaddr *)&a4, sizeof(a4));
	else
		connect(fd, (struct sockaddr *)&a6, sizeof(a6));
	if (type == SOCK_DGRAM)
		assert_int_equal(send(fd, "?", 1, 0), 1);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len), 0);
	close(fd);
	return err;
}

static void refusals_are_held_back(void **state)
{
	static const struct { int family, type; uint16_t port; int want; } rows[] = {
		{ AF_INET,  SOCK_STREAM, 6999, ECONNREFUSED }, { AF_INET,  SOCK_STREAM, 7000, 0 },
		{ AF_INET,  SOCK_STREAM, 7010, 0 },            { AF_INET,  SOCK_STREAM, 7011, ECONNREFUSED },
		{ AF_INET6, SOCK_STREAM, 7005, 0 },            { AF_INET6, SOCK_STREAM, 7011, ECONNREFUSED },
		{ AF_INET,  SOCK_DGRAM,  7000, 0 },            { AF_INET,  SOCK_DGRAM,  7011, ECONNREFUSED },
		{ AF_INET6, SOCK_DGRAM,  7010, 0 },            { AF_INET6, SOCK_DGRAM,  6999, ECONNREFUSED },
	};

	(void)state;
	netns_enter_lo();
	assert_int_equal(said(AF_INET, SOCK_STREAM, 7000), ECONNREFUSED);
	assert_int_equal(shield_open(), 0);
	assert_int_equal(shield(file), 0);
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(said(rows[i].family, rows[i].type, rows[i].port), rows[i].want);
	/* Others cannot take it away, nor change it. */
	assert_int_equal(netns_sh("nft flush ruleset; ! nft delete table inet " SHIELD_TABLE " 2>/dev/null"), 0);
	assert_int_equal(said(AF_INET, SOCK_STREAM, 7000), 0);
	/* Another configuration takes its place at once, and none at all leaves nothing. */
	assert_int_equal(shield("forwards:\n  - { name: b, to: 10.9.0.9, publish: \"7020\" }\n"), 0);
	assert_int_equal(said(AF_INET, SOCK_STREAM, 7000), ECONNREFUSED);
	assert_int_equal(said(AF_INET, SOCK_STREAM, 7020), 0);
	assert_int_equal(shield("forwards: []\n"), 0);
	assert_int_equal(said(AF_INET, SOCK_STREAM, 7020), ECONNREFUSED);
	assert_int_equal(shield(file), 0);
	shield_close();
	assert_int_equal(netns_sh("! nft list table inet " SHIELD_TABLE " 2>/dev/null"), 0);
	assert_int_equal(said(AF_INET, SOCK_STREAM, 7000), ECONNREFUSED);
}

/* What is no refusal of ours: to a listener on one device what came by another, and what a router says of others. */
static void others_are_told(void **state)
{
	static const char on_device[] = "forwards:\n  - { name: a, to: [10.9.0.9, \"fd00:9::9\"], publish: [\"%other0:7000\", "
					"\"%other0:7000/udp\", \"%lo:7001\", \"%lo:7001/udp\"] }\n";

	(void)state;
	netns_enter_lo();
	assert_int_equal(shield_open(), 0);
	assert_int_equal(shield(on_device), 0);
	assert_int_equal(said(AF_INET, SOCK_STREAM, 7000), ECONNREFUSED);
	assert_int_equal(said(AF_INET6, SOCK_DGRAM, 7000), ECONNREFUSED);
	assert_int_equal(said(AF_INET, SOCK_STREAM, 7001), 0);
	assert_int_equal(said(AF_INET6, SOCK_DGRAM, 7001), 0);
	shield_close();
}

/* As a router this host tells others what is wrong on the way to a port that is forwarded here, too. */
static void a_router_tells(void **state)
{
	static const char router[] = "forwards:\n  - { name: a, to: 10.9.0.9, publish: [\"7000\", \"7000/udp\", \"10.8.0.1:7200/udp\"] }\n";
	char line[1400];

	(void)state;
	netns_enter_lo();
	assert_int_equal(shield_open(), 0);
	assert_int_equal(shield(router), 0);
	snprintf(line, sizeof(line),
		 "n=nfqshield-%d; ip netns add $n; trap 'ip netns del $n; ip link del d0' EXIT; sysctl -qw net.ipv4.ip_forward=1;"
		 "ip link add r0 type veth peer name r1 netns $n; ip addr add 10.8.0.1/24 dev r0; ip link set r0 up;"
		 "ip -n $n addr add 10.8.0.2/24 dev r1; ip -n $n link set r1 up; ip -n $n route add default via 10.8.0.1;"
		 "ip route add unreachable 10.99.0.0/24; ip link add d0 type veth peer name d1; ip link set d0 up; ip link set d1 up;"
		 "ip route add 10.99.1.0/24 dev d0;"
		 "iptables-nft -A FORWARD -p tcp --dport 7000 -j REJECT --reject-with tcp-reset;"
		 "iptables-nft -A FORWARD -p udp --dport 7200 -j REJECT;"
		 "said() { timeout 5 ip netns exec $n bash -c \"exec 3<>/dev/$1; echo >&3; read -t 5 <&3\" 2>&1 || :; };"
		 "ip netns exec $n bash -c 'echo >/dev/udp/10.99.0.1/7000';"	/* a program is not told of that: counted */
		 "timeout 5 ip netns exec $n sh -c 'until nstat -asz IcmpInDestUnreachs | grep -q \"s *1 \"; do sleep 0.05; done';"
		 "said tcp/10.99.1.1/7000 | grep -q 'Connection refused';"
		 "said udp/10.99.1.1/7200 | grep -q 'Connection refused'; ! said udp/10.8.0.1/7200 | grep .", (int)getpid());
	assert_int_equal(netns_sh(line), 0);
	assert_int_equal(netns_sh("iptables-nft -F FORWARD"), 0);
	shield_close();
}

/* A program's own answer is let pass: our RST to a forward that is gone, too. */
static void a_program_may_refuse(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(7003), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct linger now = { 1, 0 };
	int l = socket(AF_INET, SOCK_STREAM, 0), c = socket(AF_INET, SOCK_STREAM, 0), s, err = 0;
	socklen_t len = sizeof(err);

	(void)state;
	netns_enter_lo();
	assert_int_equal(shield_open(), 0);
	assert_int_equal(shield(file), 0);
	assert_int_equal(bind(l, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(l, 1), 0);
	assert_int_equal(connect(c, (struct sockaddr *)&a, sizeof(a)), 0);
	s = accept(l, NULL, NULL);
	assert_true(s >= 0);
	assert_int_equal(setsockopt(s, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	close(s);
	assert_int_equal(getsockopt(c, SOL_SOCKET, SO_ERROR, &err, &len), 0);
	assert_int_equal(err, ECONNRESET);
	close(l);
	close(c);
	shield_close();
}

/* Of another daemon in this network namespace. */
static void another_owner_is_an_error(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	netns_enter_lo();
	assert_int_equal(shield_open(), 0);
	assert_int_equal(shield(file), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		shield_close();		/* our copy only */
		_exit(shield_open() || shield(file) != -EPERM);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(said(AF_INET, SOCK_STREAM, 7000), 0);
	shield_close();
}

/* The largest there can be fits; what is beyond is counted. */
static void as_many_as_there_is_room_for(void **state)
{
	static struct ports port[SHIELD_MAX + 10];
	struct group g = { .family = NAT_IPV6, .proto = IPPROTO_UDP, .addr = { .octet = { 1 } }, .dev = "eth0", .ports = port,
			   .n_ports = COUNT(port) };
	const struct rules r = { .listener = &g, .n_listeners = 1 };
	unsigned left;
	void *buf = malloc(SHIELD_OCTETS);

	(void)state;
	assert_non_null(buf);
	for (unsigned i = 0; i < COUNT(port); i++)
		port[i] = (struct ports){ (uint16_t)(2 * i + 1), (uint16_t)(2 * i + 1) };
	assert_in_range(shield_write(&r, buf, &left), 1, SHIELD_OCTETS);
	assert_int_equal(left, 10);
	g.rest = true;
	shield_write(&r, buf, &left);
	assert_int_equal(left, 0);
	free(buf);
	netns_enter_lo();
	g.rest = false;
	assert_int_equal(shield_open(), 0);
	assert_int_equal(shield_set(&r), -E2BIG);
	assert_int_equal(said(AF_INET6, SOCK_DGRAM, 7001), ECONNREFUSED);	/* another address */
	shield_close();
}

int main(void)
{
	unit_add("R9_shield_refusals_are_held_back", refusals_are_held_back, NULL);
	unit_add("R9_shield_others_are_told", others_are_told, NULL);
	unit_add("R9_shield_a_router_tells", a_router_tells, NULL);
	unit_add("R9_shield_a_program_may_refuse", a_program_may_refuse, NULL);
	unit_add("R9_shield_another_owner", another_owner_is_an_error, NULL);
	unit_add("R9_shield_room", as_many_as_there_is_room_for, NULL);
	return unit_run("shield");
}
