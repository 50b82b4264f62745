/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rig - a host in a network namespace, with a client and a guest on it.
 *
 * One host with three addresses stands for all: a client at 10.9.0.1 sends to
 * 10.9.0.2:5300, which is forwarded to 10.9.0.3:5301, and is answered from
 * there. Requests are queued in OUTPUT, answers in INPUT, both to queue 41.
 * Datagrams carry numbers, so that each can be missed or seen twice.
 */
#ifndef TESTS_RIG_H
#define TESTS_RIG_H

#include <arpa/inet.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nfq/state.h"
#include "nfq/table.h"
#include "tests/unit/netns.h"

enum { RIG_QUEUE = 41, RIG_LISTEN = 5300, RIG_GUEST = 5301, RIG_NUMBERS = 65536 };

/* The same for each test that has an up() of its own. */
#define up_or_skip()            \
	do {                    \
		if (!up())      \
			skip(); \
	} while (0)

#define RIG_CLIENT "10.9.0.1"
#define RIG_HOST "10.9.0.2"
#define RIG_INSIDE "10.9.0.3"
#define RIG_YAML "forwards: [{ name: echo, to: " RIG_INSIDE ", publish: ['" RIG_HOST ":5300:5301/udp', 8080:80] }]"

static struct rig {
	struct state state;
	int client, guest;
	bool up;
} rig;

static inline int rig_udp(const char *ip, uint16_t port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), big = 64 << 20;

	inet_pton(AF_INET, ip, &sa.sin_addr);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)))
		unit_fail("no socket for %s", ip);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof(big));
	return fd;
}

static inline bool rig_net(void)
{
	static bool up;

	if (up || !netns_is_inside())
		return up;
	up = !netns_sh("ip link set lo up; for n in 1 2 3; do ip addr add 10.9.0.$n/32 dev lo; done;"
		       "iptables -t raw -A OUTPUT -p udp -d " RIG_HOST " --dport 5300 -j NFQUEUE --queue-num 41;"
		       "iptables -t mangle -A INPUT -p udp -s " RIG_INSIDE " --sport 5301 -j NFQUEUE --queue-num 41");
	return up;
}

/* rig_load - read a configuration into the spare mapping area; returns which that is */
static inline uint32_t rig_load(const char *yaml)
{
	struct conf *c = NULL;
	struct table t;
	uint32_t area;

	assert_int_equal(conf_parse("test.yaml", yaml, strlen(yaml), &c, stderr), 0);
	assert_int_equal(table_make(c, &t), 0);
	assert_int_equal(table_load(&t, c, &rig.state, &area), 0);
	table_free(&t);
	conf_free(c);
	return area;
}

static inline void rig_close(void)
{
	close(rig.client);
	close(rig.guest);
	state_free(&rig.state);
	rig.up = false;
}

/* rig_open - sockets, and a state with RIG_YAML loaded; false: there is no kernel for it */
static inline bool rig_open(void)
{
	struct nat_params p = { .max_flows = 16384, .source_lo = 61000, .source_hi = 65535 };

	if (!rig_net())
		return false;
	if (rig.up)
		rig_close();		/* the test before failed */
	assert_int_equal(state_make(&rig.state, &p), 0);
	rig_load(RIG_YAML);
	nat_swap_map(&rig.state.nat);
	nat_sweep(&rig.state.nat, state_clock(), UINT32_MAX);
	rig.client = rig_udp(RIG_CLIENT, 0);
	rig.guest = rig_udp(RIG_INSIDE, RIG_GUEST);
	rig.up = true;
	return true;
}

/* rig_send - the client sends datagrams number @from to @to - 1 of @octets each, 4 at least */
static inline void rig_send(uint32_t from, uint32_t to, size_t octets)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(RIG_LISTEN) };
	static uint8_t buf[RIG_NUMBERS];

	inet_pton(AF_INET, RIG_HOST, &sa.sin_addr);
	for (; from < to; from++) {
		memcpy(buf, &from, sizeof(from));
		if (sendto(rig.client, buf, octets, 0, (struct sockaddr *)&sa, sizeof(sa)) != (ssize_t)octets)
			unit_fail("datagram %u could not be sent", from);
	}
}

/* rig_guest_count - read what the guest got into @seen; returns how many. @from: whence the last came */
static inline uint32_t rig_guest_count(uint8_t seen[RIG_NUMBERS], struct sockaddr_in *from)
{
	uint32_t got, number;

	for (got = 0;; got++) {
		socklen_t len = sizeof(*from);

		if (recvfrom(rig.guest, &number, sizeof(number), 0, (struct sockaddr *)from, &len) != sizeof(number))
			return got;
		if (number >= RIG_NUMBERS)
			unit_fail("number %u was never sent", number);
		seen[number]++;
	}
}

static inline void rig_each_once(const uint8_t seen[RIG_NUMBERS], uint32_t n)
{
	for (uint32_t i = 0; i < RIG_NUMBERS; i++)
		if (seen[i] != (i < n))
			unit_fail("number %u of %u came %u times", i, n, seen[i]);
}

/* rig_child - fork; the child lives as long as the test at most */
static inline pid_t rig_child(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

#endif
