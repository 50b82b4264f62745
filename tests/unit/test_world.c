/* SPDX-License-Identifier: GPL-2.0-or-later */
/* world: the watcher's lines: what is understood, what is refused and with which words. */
#include "virt/world.h"

#include <netinet/in.h>

#include "tests/unit/unit.h"
#include "virt/protocol.h"

#define UUID "11111111-1111-4111-8111-111111111111"
#define NIC "{\"mac\":\"52:54:00:00:00:01\",\"type\":\"network\",\"network\":\"lab\",\"bridge\":\"virbr0\",\"target\":null," \
	    "\"up\":true,\"addresses\":[{\"address\":\"192.168.122.50\",\"source\":\"lease\"}]}"
#define GUEST_HEAD "{\"uri\":\"qemu:///system\",\"uuid\":\"" UUID "\",\"name\":\"web1\",\"state\":\"running\",\"generation\":3,"
#define GUEST(nics, forwards) GUEST_HEAD "\"nics\":[" nics "],\"forwards\":[" forwards "],\"warnings\":[\"no\\nport\"]}"
#define WORLD(guests) "{\"type\":\"world\",\"connections\":[{\"uri\":\"qemu:///system\",\"up\":false,\"why\":\"gone\"}]," \
		      "\"networks\":[{\"uri\":\"qemu:///system\",\"uuid\":\"x\",\"name\":\"lab\",\"active\":true,\"mode\":\"nat\","   \
		      "\"ipv6_nat\":false,\"bridge\":\"virbr0\",\"addresses\":[\"192.168.122.1/24\",\"fd00:122::1/64\"]}]," \
		      "\"guests\":[" guests "]}"
#define RANGE(text) GUEST("", "{\"proto\":\"udp\",\"address\":null,\"dev\":\"eth0\",\"ranges\":[" text "]}")

static const struct { const char *line, *fault; } refused[] = {
	{ "",                                              "the message is no JSON object" },
	{ "null",                                          "the message is no JSON object" },
	{ "[]",                                            "the message is no JSON object: another value" },
	{ "{\"type\":\"hello\"",                           "the message is no JSON object" },
	{ "{\"type\":\"hello\",\"type\":\"hello\"}",       "the message is no JSON object" },
	{ "{}",                                            "type: is missing" },
	{ "{\"type\":7}",                                  "type: is not a string" },
	{ "{\"type\":\"bye\"}",                            "type: is not a word that is known" },
	{ "{\"type\":\"hello\"}",                          "version: is missing" },
	{ "{\"type\":\"hello\",\"version\":1.5}",          "version: is not a whole number" },
	{ "{\"type\":\"hello\",\"version\":-1}",           "version: is out of range" },
	{ "{\"type\":\"log\",\"level\":\"loud\",\"text\":\"x\"}", "level: is not a word that is known" },
	{ "{\"type\":\"world\"}",                          "connections: is missing" },
	{ WORLD("7"),                                      "guests[0].uri: is missing" },
	{ WORLD("{\"uri\":null}"),                         "guests[0].uri: is missing" },
	{ WORLD(GUEST("7", "")),                           "guests[0].nics[0].mac: is missing" },
	{ WORLD(GUEST("{\"mac\":\"52:54:00:00:00:01:02\"}", "")), "guests[0].nics[0].mac: is too long" },
	{ WORLD(GUEST(NIC "," NIC, "") "," GUEST("", "")), "guests: has one twice" },
	{ WORLD(RANGE("{\"start\":0,\"exclude\":false}")), "guests[0].forwards[0].ranges[0].start: is out of range" },
	{ WORLD(RANGE("{\"start\":9,\"end\":8,\"exclude\":false}")), "guests[0].forwards[0].ranges[0].end: is out of range" },
	{ WORLD(RANGE("{\"start\":1,\"end\":9,\"to\":65530,\"exclude\":false}")), "guests[0].forwards[0].ranges[0].to: is out of range" },
	{ WORLD(RANGE("{\"start\":1}")),                   "guests[0].forwards[0].ranges[0].exclude: is missing" },
	{ WORLD(GUEST("{\"mac\":\"5\",\"type\":\"network\",\"network\":\"lab\",\"up\":true,\"addresses\":[{\"address\":\"x\",\"source\":\"lease\"}]}", "")),
	  "guests[0].nics[0].addresses[0].address: is not an IP address" },
	{ WORLD(GUEST("{\"mac\":\"5\",\"type\":\"network\",\"network\":\"lab\",\"up\":true,\"addresses\":[{\"address\":\"10.0.0.1\",\"source\":\"\"}]}", "")),
	  "guests[0].nics[0].addresses[0].source: is empty" },
};

static void is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		size_t len = strlen(refused[i].line);
		char *line = (char *)unit_exact((const uint8_t *)refused[i].line, len), fault[VIRT_FAULT_OCTETS] = "";
		struct virt_message m;

		if (virt_message_read(line, len, &m, fault) != -1 || strncmp(fault, refused[i].fault, strlen(refused[i].fault)) != 0)
			unit_fail("%s\n# want: %s\n# got:  %s", refused[i].line, refused[i].fault, fault);
		free(line);
	}
}

static struct virt_message good(const char *line)
{
	char fault[VIRT_FAULT_OCTETS];
	struct virt_message m;

	if (virt_message_read(line, strlen(line), &m, fault))
		unit_fail("%s: %s", line, fault);
	return m;
}

static void small_ones(void **state)
{
	struct virt_message m = good("{\"type\":\"hello\",\"version\":1,\"more\":[{}]}");

	(void)state;
	assert_int_equal(m.type, VIRT_HELLO);
	assert_int_equal(m.version, 1);
	assert_int_equal(good("{\"type\":\"heartbeat\"}").type, VIRT_HEARTBEAT);
	m = good("{\"type\":\"log\",\"level\":\"warn\",\"text\":\"a\\u001b[31mb\\n\"}");
	assert_int_equal(m.level, VIRT_WARN);
	assert_string_equal(m.text, "a?[31mb?");	/* nothing that a terminal obeys */
	free(m.text);
}

static void a_world(void **state)
{
	struct virt_message m = good(WORLD(GUEST(NIC, "{\"proto\":\"udp\",\"address\":\"203.0.113.5\",\"dev\":null,\"ranges\":["
						      "{\"start\":2000,\"end\":null,\"to\":null,\"exclude\":false},"
						      "{\"start\":3000,\"end\":3009,\"to\":30,\"exclude\":true}]}")));
	const struct virt_world *w = m.world;
	const struct virt_guest *g = &w->guest[0];

	(void)state;
	assert_int_equal(m.type, VIRT_WORLD);
	assert_false(w->connection[0].up);
	assert_string_equal(w->connection[0].why, "gone");
	assert_int_equal(w->network[0].mode, VIRT_MODE_NAT);
	assert_int_equal(w->network[0].addr[1].bits, 64);
	assert_int_equal(w->n_guests, 1);
	assert_string_equal(g->name, "web1");
	assert_string_equal(g->uuid, UUID);
	assert_int_equal(g->generation, 3);
	assert_string_equal(g->warning[0], "no?port");
	assert_string_equal(g->nic[0].network, "lab");
	assert_string_equal(g->nic[0].target, "");
	assert_int_equal(g->nic[0].addr[0].source, VIRT_SOURCE_LEASE);
	assert_int_equal(g->published[0].proto, IPPROTO_UDP);
	assert_int_equal(g->published[0].family, NAT_IPV4);
	assert_int_equal(g->published[0].range[0].end, 2000);
	assert_int_equal(g->published[0].range[0].to, 2000);
	assert_int_equal(g->published[0].range[1].to, 30);
	assert_true(g->published[0].range[1].exclude);
	virt_world_free(m.world);
}

/* A watcher that is new and finds no libvirtd takes nobody away; one that has a word of it does. */
static void who_is_away_stays(void **state)
{
	static const char down[] = "{\"type\":\"world\",\"connections\":[{\"uri\":\"qemu:///system\",\"up\":false,\"why\":\"x\"}],"
				   "\"networks\":[],\"guests\":[]}";
	static const char empty[] = "{\"type\":\"world\",\"connections\":[{\"uri\":\"qemu:///system\",\"up\":true,\"why\":\"\"}],"
				    "\"networks\":[],\"guests\":[]}";
	static const char other[] = "{\"type\":\"world\",\"connections\":[{\"uri\":\"lxc:///system\",\"up\":false,\"why\":\"x\"}],"
				    "\"networks\":[],\"guests\":[]}";
	static const struct { const char *line; unsigned guests; } news[] = {
		{ down, 1 }, { empty, 0 }, { other, 0 }, { WORLD(""), 0 }, { WORLD(GUEST(NIC, "")), 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(news); i++) {
		struct virt_message old = good(WORLD(GUEST(NIC, ""))), new = good(news[i].line);

		virt_world_keep(new.world, old.world);
		virt_world_free(old.world);
		if (new.world->n_guests != news[i].guests)
			unit_fail("%s: %u guests", news[i].line, new.world->n_guests);
		assert_int_equal(new.world->n_networks, i == 1 || i == 2 ? 0 : 1);
		if (news[i].guests)
			assert_string_equal(new.world->guest[0].nic[0].network, "lab");
		virt_world_keep(new.world, NULL);
		virt_world_free(new.world);
	}
}

/* As many guests as may be, and one more. */
static void as_many_as_may_be(void **state)
{
	char *line = malloc(8 << 20), fault[VIRT_FAULT_OCTETS] = "";
	struct virt_message m;

	(void)state;
	for (unsigned n = VIRT_GUESTS; n <= VIRT_GUESTS + 1; n++) {
		size_t len = (size_t)sprintf(line, "{\"type\":\"world\",\"connections\":[],\"networks\":[],\"guests\":[");
		int err;

		for (unsigned i = 0; i < n; i++)
			len += (size_t)sprintf(line + len, "%s{\"uri\":\"u\",\"uuid\":\"%u\",\"name\":\"g\",\"state\":\"off\","
					       "\"generation\":1,\"nics\":[],\"forwards\":[],\"warnings\":[]}", i ? "," : "", i);
		len += (size_t)sprintf(line + len, "]}");
		err = virt_message_read(line, len, &m, fault);
		assert_int_equal(err, n > VIRT_GUESTS ? -1 : 0);
		if (!err) {
			assert_int_equal(m.world->n_guests, n);
			virt_world_free(m.world);
		}
	}
	assert_string_equal(fault, "guests: has too many items");
	free(line);
}

/* A short line must not take a gigabyte of memory: jansson is not even asked. */
static void many_small_values(void **state)
{
	size_t len = (size_t)VIRT_VALUES * 3;
	char *line = malloc(len), fault[VIRT_FAULT_OCTETS];
	struct virt_message m;

	(void)state;
	for (size_t i = 0; i < len; i++)
		line[i] = "[],"[i % 3];
	assert_int_equal(virt_message_read(line, len, &m, fault), -1);
	assert_string_equal(fault, "the message is too large");
	free(line);
}

int main(void)
{
	unit_add("what is refused, and the words for it", is_refused, NULL);
	unit_add("hello, heartbeat, log", small_ones, NULL);
	unit_add("a world", a_world, NULL);
	unit_add("guests of a libvirtd that is away when the watcher starts stay", who_is_away_stays, NULL);
	unit_add("as many guests as may be, and one more", as_many_as_may_be, NULL);
	unit_add("many small values", many_small_values, NULL);
	return unit_run("world");
}
