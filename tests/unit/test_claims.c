/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is believed when guests claim addresses, and in what order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "conf/ip.h"
#include "virt/watch/claims.h"
#include "virt/watch/world.h"

/* A claim is "MAC's last octet, source, address[, seen][, f for failed]". */
struct row {
	uint8_t mac;
	enum claim_source source;
	const char *address;
	uint64_t seen;
	bool failed;
};

static const struct {
	const char *what;
	struct row claims[4];
	const char *first, *second;	/* what MAC 1 and MAC 2 get, best first */
} rows[] = {
	{ "a lease",                         { { 1, CLAIM_LEASE, "192.168.122.2", 0, false } }, "192.168.122.2", "" },
	{ "sources in order",                { { 1, CLAIM_NEIGHBOUR, "192.168.122.4", 1, false }, { 1, CLAIM_LEASE, "192.168.122.3", 0, false },
					       { 1, CLAIM_DHCP_HOST, "192.168.122.2", 0, false } },
	  "192.168.122.2 192.168.122.3 192.168.122.4", "" },
	{ "a neighbour takes another's lease", { { 1, CLAIM_LEASE, "192.168.122.2", 0, false }, { 2, CLAIM_NEIGHBOUR, "192.168.122.2", 9, false } },
	  "192.168.122.2", "!192.168.122.2" },
	{ "a lease of what another is given", { { 1, CLAIM_DHCP_HOST, "192.168.122.2", 0, false }, { 2, CLAIM_LEASE, "192.168.122.2", 0, false } },
	  "192.168.122.2", "!192.168.122.2" },
	{ "the host's address",              { { 1, CLAIM_LEASE, "192.168.122.1", 0, false }, { 2, CLAIM_NEIGHBOUR, "198.51.100.1", 1, false } },
	  "!192.168.122.1", "!198.51.100.1" },
	{ "outside the network",             { { 1, CLAIM_NEIGHBOUR, "10.0.0.1", 1, false }, { 1, CLAIM_NEIGHBOUR, "fd00:123::1", 1, false } },
	  "!10.0.0.1 !fd00:123::1", "" },
	{ "no unicast",                      { { 1, CLAIM_NEIGHBOUR, "fe80::1", 1, false }, { 1, CLAIM_NEIGHBOUR, "224.0.0.1", 1, false } },
	  "!224.0.0.1 !fe80::1", "" },
	{ "IPv4: the newest neighbour",      { { 1, CLAIM_NEIGHBOUR, "192.168.122.2", 1, false }, { 1, CLAIM_NEIGHBOUR, "192.168.122.3", 2, false } },
	  "192.168.122.3 192.168.122.2", "" },
	{ "IPv6: the oldest neighbour",      { { 1, CLAIM_NEIGHBOUR, "fd00:122::8", 2, false }, { 1, CLAIM_NEIGHBOUR, "fd00:122::9", 1, false } },
	  "fd00:122::9 fd00:122::8", "" },
	{ "IPv6: made from the MAC",         { { 1, CLAIM_NEIGHBOUR, "fd00:122::8", 1, false },
					       { 1, CLAIM_NEIGHBOUR, "fd00:122::5054:ff:fe00:1", 2, false } },
	  "fd00:122::5054:ff:fe00:1 fd00:122::8", "" },
	{ "an agent after all others",       { { 1, CLAIM_AGENT, "192.168.122.2", 0, false }, { 1, CLAIM_NEIGHBOUR, "192.168.122.3", 1, false } },
	  "192.168.122.3 192.168.122.2", "" },
	{ "an agent claims another's",       { { 1, CLAIM_NEIGHBOUR, "192.168.122.2", 1, false }, { 2, CLAIM_AGENT, "192.168.122.2", 0, false } },
	  "192.168.122.2", "!192.168.122.2" },
	{ "an agent claims the host's",      { { 1, CLAIM_AGENT, "192.168.122.1", 0, false } }, "!192.168.122.1", "" },
	{ "two agents, of whom resolve knows who had it", { { 1, CLAIM_AGENT, "192.168.122.2", 0, false }, { 2, CLAIM_AGENT, "192.168.122.2", 0, false } },
	  "192.168.122.2", "192.168.122.2" },
	{ "one that answers goes first",     { { 1, CLAIM_NEIGHBOUR, "192.168.122.2", 1, false }, { 1, CLAIM_NEIGHBOUR, "192.168.122.3", 2, true } },
	  "192.168.122.2 192.168.122.3", "" },
};

static struct claim make(const struct row *r)
{
	struct claim c = { .bridge = "virbr0", .mac = { 0x52, 0x54, 0, 0, 0, r->mac }, .source = (uint8_t)r->source,
			   .seen = r->seen, .failed = r->failed };
	enum nat_family family;

	assert_true(conf_ip_parse(r->address, strlen(r->address), &c.addr, &family));
	c.family = (uint8_t)family;
	return c;
}

static void got(const struct claims *c, uint8_t last, char *text, size_t octets)
{
	const uint8_t mac[6] = { 0x52, 0x54, 0, 0, 0, last };
	const struct claim *found;
	char ip[CONF_IP_TEXT];
	size_t n, len = 0;

	*text = '\0';
	found = claims_find(c, "virbr0", mac, &n);
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, octets - len, "%s%s%s", i ? " " : "", found[i].why == CLAIM_GOOD ? "" : "!",
					conf_ip_print(ip, &found[i].addr, (enum nat_family)found[i].family, false));
}

static void believed_in_order(void **state)
{
	struct claim_prefix prefixes[2] = { { .bridge = "virbr0" }, { .bridge = "virbr0" } };
	struct nat_addr own[2];
	enum nat_family family;

	(void)state;
	conf_prefix_parse("192.168.122.1/24", 16, &prefixes[0].prefix);
	conf_prefix_parse("fd00:122::1/64", 14, &prefixes[1].prefix);
	conf_ip_parse("192.168.122.1", 13, &own[0], &family);
	conf_ip_parse("198.51.100.1", 12, &own[1], &family);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct claims c = { 0 };
		char first[512], second[512];

		for (const struct row *r = rows[i].claims; r < rows[i].claims + 4 && r->mac; r++) {
			struct claim one = make(r);

			claims_add(&c, &one);
		}
		claims_judge(&c, &(struct claim_judge){ prefixes, 2, own, 2 });
		got(&c, 1, first, sizeof(first));
		got(&c, 2, second, sizeof(second));
		if (strcmp(first, rows[i].first) || strcmp(second, rows[i].second))
			fail_msg("%s: \"%s\" and \"%s\"", rows[i].what, first, second);
		claims_fini(&c);
	}
}

/* Whatever the claims are: each address of a bridge is believed of one MAC at most. */
static void nobody_shares(void **state)
{
	struct claims c = { 0 };
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 200; round++) {
		claims_clear(&c);
		for (int i = 0; i < 40; i++) {
			struct claim one = make(&(struct row){ (uint8_t)(1 + rand_r(&seed) % 5), (enum claim_source)(rand_r(&seed) % 3),
							       "192.168.122.2", (uint64_t)rand_r(&seed) % 9, rand_r(&seed) % 2 });

			one.addr.octet[15] = (uint8_t)(2 + rand_r(&seed) % 6);
			claims_add(&c, &one);
		}
		claims_judge(&c, &(struct claim_judge){ 0 });
		for (size_t i = 0; i < c.n; i++)
			for (size_t k = 0; k < i; k++)
				if (c.row[i].why == CLAIM_GOOD && c.row[k].why == CLAIM_GOOD && nat_addr_eq(&c.row[i].addr, &c.row[k].addr))
					assert_memory_equal(c.row[i].mac, c.row[k].mac, 6);
	}
	claims_fini(&c);
}

/* ---- joined with guests ---- */

static json_t *guest(const char *name, const char *state, const char *target, uint8_t mac)
{
	return json_pack("{s:s, s:s, s:s, s:i, s:i, s:[{s:o, s:s, s:s, s:n, s:s, s:b}], s:[], s:[]}", "uuid", name, "name", name,
			 "state", state, "run", 1, "generation", 1, "nics", "mac", json_sprintf("52:54:00:00:00:%02x", mac), "type",
			 "network", "network", "default", "bridge", "target", target, "up", 1, "forwards", "warnings");
}

static struct world two_guests(const char *state_a, const char *state_b, uint8_t mac_b)
{
	json_t *fragment = json_pack("{s:[{s:s, s:b, s:s}], s:[{s:s, s:s, s:s, s:b, s:s, s:b, s:s, s:[s], s:[{s:s, s:s}]}], s:[o, o]}",
				     "connections", "uri", "t:///", "up", 1, "why", "", "networks", "uri", "t:///", "uuid", "n", "name",
				     "default", "active", 1, "mode", "nat", "ipv6_nat", 0, "bridge", "virbr0", "addresses",
				     "192.168.122.1/24", "hosts", "mac", "52:54:00:00:00:01", "address", "192.168.122.50", "guests",
				     guest("a", state_a, "vnet0", 1), guest("b", state_b, "vnet1", mac_b));
	struct world w;

	assert_non_null(fragment);
	assert_true(world_init(&w));
	world_add(&w, "t:///", fragment, true);
	json_decref(fragment);
	return w;
}

static void join(struct world *w, const struct kernel_link *links, size_t n)
{
	struct kernel_neighbour thief = { .index = 9, .family = NAT_IPV4, .mac = { 0x52, 0x54, 0, 0, 0, 2 }, .seen = 1 };
	struct kernel k = { .links = (struct kernel_link *)(uintptr_t)links, .n_links = n, .neighbours = &thief, .n_neighbours = 1 };
	struct agents none = { .broker = -1 };
	struct claims c = { 0 };
	enum nat_family family;

	conf_ip_parse("192.168.122.50", 14, &thief.addr, &family);
	world_join(w, &c, &k, &none);
	claims_fini(&c);
}

static json_t *nic_of(const struct world *w, size_t i)
{
	return json_array_get(json_object_get(json_array_get(w->guests, i), "nics"), 0);
}

static const struct kernel_link links[] = {
	{ 9, 0, true, "virbr0" }, { 10, 9, true, "vnet0" }, { 11, 0, true, "vnet1" },
};

static void a_thief_gets_a_warning(void **state)
{
	struct world w = two_guests("running", "running", 2);
	json_t *warnings;

	(void)state;
	join(&w, links, 3);
	assert_int_equal(json_array_size(json_object_get(nic_of(&w, 0), "addresses")), 1);
	assert_int_equal(json_array_size(json_object_get(nic_of(&w, 1), "addresses")), 0);
	warnings = json_object_get(json_array_get(w.guests, 1), "warnings");
	assert_non_null(strstr(json_string_value(json_array_get(warnings, 0)), "192.168.122.50"));
	assert_non_null(strstr(json_string_value(json_array_get(warnings, 0)), "52:54:00:00:00:01"));
	/* vnet1 has no master: nobody reaches b. */
	assert_true(json_is_true(json_object_get(nic_of(&w, 0), "up")));
	assert_true(json_is_false(json_object_get(nic_of(&w, 1), "up")));
	world_fini(&w);
}

static void a_tap_that_is_gone_is_down(void **state)
{
	struct world w = two_guests("running", "off", 2);

	(void)state;
	join(&w, links, 1);
	assert_true(json_is_false(json_object_get(nic_of(&w, 0), "up")));
	assert_int_equal(json_array_size(json_object_get(nic_of(&w, 1), "addresses")), 0);
	world_fini(&w);
}

static void a_link_without_carrier_is_down(void **state)
{
	static const struct kernel_link down[] = { { 9, 0, true, "virbr0" }, { 10, 9, false, "vnet0" }, { 11, 9, true, "vnet1" } };
	struct world w = two_guests("running", "running", 2);

	(void)state;
	join(&w, down, 3);
	assert_true(json_is_false(json_object_get(nic_of(&w, 0), "up")));
	assert_true(json_is_true(json_object_get(nic_of(&w, 1), "up")));
	world_fini(&w);
}

static void one_mac_in_two_guests_is_nobodys(void **state)
{
	struct world w = two_guests("running", "running", 1);

	(void)state;
	join(&w, links, 3);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(json_array_size(json_object_get(nic_of(&w, i), "addresses")), 0);
		assert_int_equal(json_array_size(json_object_get(json_array_get(w.guests, i), "warnings")), 1);
	}
	world_fini(&w);
	/* One that is off does not count: a clone that waits. */
	w = two_guests("running", "off", 1);
	join(&w, links, 3);
	assert_int_equal(json_array_size(json_object_get(nic_of(&w, 0), "addresses")), 1);
	world_fini(&w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(believed_in_order),
		cmocka_unit_test(nobody_shares),
		cmocka_unit_test(a_thief_gets_a_warning),
		cmocka_unit_test(a_tap_that_is_gone_is_down),
		cmocka_unit_test(a_link_without_carrier_is_down),
		cmocka_unit_test(one_mac_in_two_guests_is_nobodys),
	};

	return cmocka_run_group_tests_name("claims", tests, NULL, NULL);
}
