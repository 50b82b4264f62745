/* SPDX-License-Identifier: GPL-2.0-or-later */
/* table and route: rows of a configuration as they apply to a host with one bridge. */
#include "nfq/table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>

#include "nfq/route.h"
#include "tests/unit/netns.h"

static struct conf *conf_of(const char *yaml)
{
	struct conf *c = NULL;

	if (conf_parse("test.yaml", yaml, strlen(yaml), &c, stderr))
		unit_fail("configuration of the test is bad");
	return c;
}

static struct table table_of(const char *yaml)
{
	struct conf *c = conf_of(yaml);
	struct table t;

	assert_int_equal(table_make(c, &t), 0);
	conf_free(c);
	return t;
}

static struct nat_addr addr(const char *text, enum nat_family family)
{
	uint8_t octets[16];

	if (inet_pton(family == NAT_IPV4 ? AF_INET : AF_INET6, text, octets) != 1)
		unit_fail("%s is no address", text);
	return family == NAT_IPV4 ? nat_addr_v4(octets) : nat_addr_v6(octets);
}

#define assert_addr(a, text, family)                                    \
	do {                                                            \
		struct nat_addr want = addr(text, family);              \
                                                                        \
		assert_memory_equal((a).octet, want.octet, 16);         \
	} while (0)

/* A device with a guest's network of both families, and another. */
static void world_up(void)
{
	static bool up;

	if (!up && netns_sh("ip link set lo up; ip link add br7 type veth peer up0; ip link set br7 up; ip link set up0 up;"
			    "ip addr add 192.168.122.1/24 dev br7; ip -6 addr add fd00:122::1/64 dev br7 nodad;"
			    "ip route add blackhole 10.66.0.0/16; ip route add unreachable 10.67.0.0/16"))
		skip();
	up = true;
}

static void rows_are_in_order(void **state)
{
	struct table t = table_of("forwards: [{ to: [10.0.0.2, 'fd00::2'], publish: [90, icmp, 53/udp, 80, 52/udp] }]");
	static const struct { uint8_t family, proto; uint16_t lo; } want[] = {
		{ 4, NAT_PROTO_TCP, 80 }, { 4, NAT_PROTO_TCP, 90 }, { 4, NAT_PROTO_UDP, 52 }, { 4, NAT_PROTO_UDP, 53 },
		{ 4, NAT_PROTO_ICMP, 0 }, { 6, NAT_PROTO_TCP, 80 }, { 6, NAT_PROTO_TCP, 90 }, { 6, NAT_PROTO_UDP, 52 },
		{ 6, NAT_PROTO_UDP, 53 }, { 6, NAT_PROTO_ICMPV6, 0 },
	};

	(void)state;
	assert_int_equal(t.n_rows, COUNT(want));
	for (size_t i = 0; i < COUNT(want); i++) {
		assert_int_equal(t.row[i].family, want[i].family);
		assert_int_equal(t.row[i].proto, want[i].proto);
		assert_int_equal(t.row[i].lo, want[i].lo);
	}
	table_free(&t);
}

static void guests_get_their_way(void **state)
{
	struct table t;

	(void)state;
	netns_enter();
	world_up();
	t = table_of("forwards: [{ to: [192.168.122.50, 'fd00:122::50'], publish: 80 }]");
	assert_int_equal(t.n_rows, 2);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(t.row[i].oif, if_nametoindex("br7"));
	assert_addr(t.row[0].near, "192.168.122.1", NAT_IPV4);
	assert_addr(t.row[1].near, "fd00:122::1", NAT_IPV6);
	table_free(&t);
}

static const struct { const char *what, *to; } ways_without[] = {
	{ "no route at all", "10.99.0.1" },
	{ "a blackhole", "10.66.0.1" },
	{ "an unreachable network", "10.67.0.1" },
	{ "this host itself", "192.168.122.1" },
};

static void no_way_is_no_error(void **state)
{
	struct nat_addr to = addr(*state, NAT_IPV4);
	struct route r = { .oif = 99 };

	netns_enter();
	world_up();
	assert_int_equal(route_get(&to, NAT_IPV4, &r), 0);
	assert_int_equal(r.oif, 0);
	assert_true(nat_addr_is_any(&r.near));
}

static void devices_become_numbers(void **state)
{
	struct table t;

	(void)state;
	netns_enter();
	world_up();
	t = table_of("forwards: [{ to: 192.168.122.50, publish: ['%up0:80', '%gone0:81', 82] }]");
	assert_int_equal(t.row[0].dev, if_nametoindex("up0"));
	assert_int_equal(t.row[1].dev, UINT32_MAX);		/* matches no packet */
	assert_int_equal(t.row[2].dev, 0);
	table_free(&t);
}

static void allow_lists_are_joined(void **state)
{
	struct table t = table_of("forwards:\n"
				  "- { to: 10.0.0.2, publish: 80, allow: [10.1.0.0/16, 10.2.0.0/16] }\n"
				  "- { to: 10.0.0.3, publish: 81 }\n"
				  "- { to: 10.0.0.4, publish: 82, allow: 10.3.0.0/16 }\n");
	struct nat_addr last = addr("10.3.0.0", NAT_IPV4);

	(void)state;
	assert_int_equal(t.n_allow, 3);
	assert_int_equal(t.row[0].n_allow, 2);
	assert_int_equal(t.row[1].n_allow, 0);
	assert_int_equal(t.row[2].n_allow, 1);
	assert_memory_equal(&t.allow[t.row[2].allow].addr, &last, sizeof(last));
	for (unsigned i = 0; i < 3; i++)
		assert_true(t.row[i].allow + t.row[i].n_allow <= t.n_allow);
	table_free(&t);
}

#define BASE "forwards: [{ to: 192.168.122.50, publish: [80, 81], allow: 10.1.0.0/16 }]"

static const struct { const char *what, *yaml; bool same; } changes[] = {
	{ "the same file again", BASE, true },
	{ "another port", "forwards: [{ to: 192.168.122.50, publish: [80, 82], allow: 10.1.0.0/16 }]", false },
	{ "one port less", "forwards: [{ to: 192.168.122.50, publish: [80], allow: 10.1.0.0/16 }]", false },
	{ "another source", "forwards: [{ to: 192.168.122.50, publish: [80, 81], allow: 10.2.0.0/16 }]", false },
	{ "another guest", "forwards: [{ to: 192.168.122.51, publish: [80, 81], allow: 10.1.0.0/16 }]", false },
	{ "the firewall respected", "firewall: respect\n" BASE, false },
	{ "nothing", "forwards: []", false },
};

static void change_is_seen(void **state)
{
	const char *yaml = *state;
	bool same = yaml == changes[0].yaml;
	struct table a = table_of(BASE), b = table_of(yaml);

	assert_int_equal(table_same(&a, &b), same);
	assert_true(table_same(&b, &b));
	table_free(&a);
	table_free(&b);
}

static void state_up(struct state *s)
{
	struct nat_params p = { .max_flows = 1024, .source_lo = 61000, .source_hi = 65535 };

	assert_int_equal(state_make(s, &p), 0);
}

static void table_is_loaded_beside_the_other(void **state)
{
	struct conf *c = conf_of("forwards: [{ name: web, to: 10.0.0.2, publish: 80 }, { name: " /* 63 octets */
				 "a23456789b23456789c23456789d23456789e23456789f23456789g23456789, to: 10.0.0.3, publish: 81 }]");
	struct table t;
	struct state s;
	uint32_t area;

	(void)state;
	state_up(&s);
	assert_int_equal(table_make(c, &t), 0);
	assert_int_equal(table_load(&t, c, &s, &area), 0);
	assert_int_equal(area, !s.nat.block->active);
	assert_string_equal(state_name(&s, 0), "");
	nat_swap_map(&s.nat);
	assert_int_equal(area, s.nat.block->active);
	assert_string_equal(state_name(&s, 0), "web");
	assert_int_equal(strlen(state_name(&s, 1)), STATE_NAME_OCTETS - 1);
	assert_string_equal(state_name(&s, STATE_MAX_NAMES), "?");
	assert_string_equal(state_name(&s, NAT_NONE), "?");
	/* until the flows of before have been looked at there is no spare area */
	assert_int_equal(table_load(&t, c, &s, &area), -EBUSY);
	nat_sweep(&s.nat, 0, UINT32_MAX);
	assert_int_equal(table_load(&t, c, &s, &area), 0);
	table_free(&t);
	conf_free(c);
	state_free(&s);
}

static void too_many_sources_are_refused(void **state)
{
	struct conf *c = conf_of("forwards: [{ to: 10.0.0.2, publish: 80 }]");
	struct nat_prefix *many = calloc(STATE_MAX_ALLOW + 1, sizeof(*many));
	struct table t;
	struct state s;
	uint32_t area;

	(void)state;
	state_up(&s);
	assert_int_equal(table_make(c, &t), 0);
	free(t.allow);
	t.allow = many;
	t.n_allow = STATE_MAX_ALLOW + 1;
	assert_int_equal(table_load(&t, c, &s, &area), -E2BIG);
	table_free(&t);
	conf_free(c);
	state_free(&s);
}

static bool has_news(const struct route_watch *w)
{
	struct pollfd p = { .fd = w->fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static const struct { const char *what, *line; } news[] = {
	{ "a new address", "ip addr add 192.168.123.1/24 dev br7" },
	{ "a new route", "ip route add 10.77.0.0/16 dev br7" },
	{ "a route that is gone", "ip route del 10.77.0.0/16 dev br7" },
	{ "a new device", "ip link add new7 type veth peer new8" },
	{ "a device that is gone", "ip link del new7" },
	{ "a new IPv6 address", "ip -6 addr add fd00:123::1/64 dev br7 nodad" },
};

static void change_is_told(void **state)
{
	struct route_watch w;

	netns_enter();
	world_up();
	assert_int_equal(route_watch_open(&w), 0);
	assert_false(has_news(&w));
	assert_false(route_watch_drain(&w));
	assert_int_equal(netns_sh(*state), 0);
	assert_true(has_news(&w));
	assert_true(route_watch_drain(&w));
	assert_false(has_news(&w));
	route_watch_close(&w);
}

int main(void)
{
	unit_add("rows are in the order that map_build() wants", rows_are_in_order, NULL);
	unit_add("a guest's row has the way to it and the address near it", guests_get_their_way, NULL);
	for (size_t i = 0; i < COUNT(ways_without); i++) {
		static char names[COUNT(ways_without)][64];

		snprintf(names[i], sizeof(names[i]), "no way to a guest: %s", ways_without[i].what);
		unit_add(names[i], no_way_is_no_error, ways_without[i].to);
	}
	unit_add("devices become numbers, absent ones match nothing", devices_become_numbers, NULL);
	unit_add("allow lists are joined into one", allow_lists_are_joined, NULL);
	for (size_t i = 0; i < COUNT(changes); i++) {
		static char names[COUNT(changes)][64];

		snprintf(names[i], sizeof(names[i]), "a change is seen or not: %s", changes[i].what);
		unit_add(names[i], change_is_seen, changes[i].yaml);
	}
	unit_add("a table is loaded beside the one in use, names too", table_is_loaded_beside_the_other, NULL);
	unit_add("more sources than there is room for are refused", too_many_sources_are_refused, NULL);
	for (size_t i = 0; i < COUNT(news); i++) {
		static char names[COUNT(news)][64];

		snprintf(names[i], sizeof(names[i]), "the kernel tells of %s", news[i].what);
		unit_add(names[i], change_is_told, news[i].line);
	}
	return unit_run("table");
}
