/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the libvirt watcher reads: descriptions, metadata, leases, netlink; and what it writes to a slow reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "virt/watch/agent.h"
#include "virt/watch/agents.h"
#include "virt/watch/kernel.h"
#include "virt/watch/lease.h"
#include "virt/watch/lines.h"
#include "virt/watch/out.h"
#include "virt/watch/xml.h"

/* ---- metadata ---- */

#define NS "xmlns:nfqnat='urn:nfqnat:forwards:1'"

/* The inside of `<metadata>', what is understood of it, and a part of the warning; "" each: nothing. */
static const struct { const char *what, *xml, *forwards, *warning; } metadata[] = {
	{ "none",               "", "[]", "" },
	{ "one port",           "<nfqnat:forwards " NS "><nfqnat:portForward proto='tcp'><nfqnat:range start='8080' to='80'/>"
				"</nfqnat:portForward></nfqnat:forwards>",
	  "[{'proto':'tcp','address':null,'dev':null,'ranges':[{'start':8080,'end':null,'to':80,'exclude':false}]}]", "" },
	{ "children without prefix, as some editors leave them",
	  "<f:forwards xmlns:f='urn:nfqnat:forwards:1'><portForward proto='udp'><range start='53'/></portForward></f:forwards>",
	  "[{'proto':'udp','address':null,'dev':null,'ranges':[{'start':53,'end':null,'to':null,'exclude':false}]}]", "" },
	{ "address, device, exclusion",
	  "<forwards xmlns='urn:nfqnat:forwards:1'><portForward proto='tcp' address='2001:db8::1' dev='eth0'>"
	  "<range start='5000' end='5010' to='6000'/><range start='5005' exclude='yes'/></portForward></forwards>",
	  "[{'proto':'tcp','address':'2001:db8::1','dev':'eth0','ranges':[{'start':5000,'end':5010,'to':6000,'exclude':false},"
	  "{'start':5005,'end':null,'to':null,'exclude':true}]}]", "" },
	{ "another namespace is another program's",
	  "<x:forwards xmlns:x='urn:other'><portForward proto='tcp'><range start='1'/></portForward></x:forwards>", "[]", "" },
	{ "the good one works beside the bad one",
	  "<f:forwards xmlns:f='urn:nfqnat:forwards:1'><f:portForward proto='sctp'/><f:portForward proto='tcp'>"
	  "<f:range start='80'/></f:portForward></f:forwards>",
	  "[{'proto':'tcp','address':null,'dev':null,'ranges':[{'start':80,'end':null,'to':null,'exclude':false}]}]", "portForward 1" },
#define BAD(what, inside, warning)                                                                                          \
	{ what, "<f:forwards xmlns:f='urn:nfqnat:forwards:1'>" inside "</f:forwards>", "[]", warning }
	BAD("no proto",           "<f:portForward/>",                                      "not missing"),
	BAD("another element",    "<f:forward/>",                                          "only portForward"),
	BAD("another attribute",  "<f:portForward proto='tcp' from='x'/>",                 "unknown attribute from"),
	BAD("no address",         "<f:portForward proto='tcp' address='web1'/>",           "not an address: web1"),
	BAD("no device",          "<f:portForward proto='tcp' dev='a/b'/>",                "not a device name"),
	BAD("a device too long",  "<f:portForward proto='tcp' dev='abcdefghijklmnop'/>",   "not a device name"),
	BAD("no range: all ports, to libvirt", "<f:portForward proto='tcp'/>",             "names no ports"),
	BAD("only exclusions",    "<f:portForward proto='tcp'><f:range start='9' exclude='yes'/></f:portForward>", "names no ports"),
	BAD("no start",           "<f:portForward proto='tcp'><f:range to='80'/></f:portForward>", "needs start"),
	BAD("port 0",             "<f:portForward proto='tcp'><f:range start='0'/></f:portForward>", "1 to 65535, not 0"),
	BAD("port 65536",         "<f:portForward proto='tcp'><f:range start='65536'/></f:portForward>", "not 65536"),
	BAD("a sign",             "<f:portForward proto='tcp'><f:range start='+80'/></f:portForward>", "not +80"),
	BAD("a huge number",      "<f:portForward proto='tcp'><f:range start='99999999999999999999'/></f:portForward>", "start"),
	BAD("backwards",          "<f:portForward proto='tcp'><f:range start='9' end='8'/></f:portForward>", "ends before"),
	BAD("target too high",    "<f:portForward proto='tcp'><f:range start='1' end='3' to='65534'/></f:portForward>", "above"),
	BAD("excluded and to",    "<f:portForward proto='tcp'><f:range start='1' to='2' exclude='yes'/></f:portForward>", "nowhere"),
	BAD("exclude is a word",  "<f:portForward proto='tcp'><f:range start='1' exclude='maybe'/></f:portForward>", "yes or no"),
	BAD("a bad exclusion takes the whole forward with it",
	    "<f:portForward proto='tcp'><f:range start='1' end='9'/><f:range start='x' exclude='yes'/></f:portForward>", "not x"),
};

static json_t *from_text(const char *single_quoted)
{
	char *text = strdup(single_quoted);
	json_t *j;

	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	j = json_loads(text, JSON_DECODE_ANY, NULL);
	free(text);
	assert_non_null(j);
	return j;
}

static void metadata_forwards(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(metadata) / sizeof(*metadata); i++) {
		char xml[2048];
		json_t *want = from_text(metadata[i].forwards), *guest;
		const char *warning;

		snprintf(xml, sizeof(xml), "<domain><name>web1</name><uuid>u</uuid><metadata>%s</metadata></domain>", metadata[i].xml);
		guest = xml_domain_read(xml, strlen(xml));
		if (!guest || !json_equal(json_object_get(guest, "forwards"), want))
			fail_msg("%s: %s", metadata[i].what, json_dumps(guest, 0));
		warning = json_string_value(json_array_get(json_object_get(guest, "warnings"), 0));
		if (!*metadata[i].warning != !warning || (warning && (!strstr(warning, metadata[i].warning) || !strstr(warning, "web1"))))
			fail_msg("%s: %s", metadata[i].what, warning ? warning : "no warning");
		json_decref(guest);
		json_decref(want);
	}
}

/* ---- descriptions ---- */

static void domain_nics(void **state)
{
	static const char xml[] =
		"<domain type='kvm' id='7'><name>g&amp;1</name><uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid><devices>"
		"<interface type='network'><mac address='52:54:00:AA:0b:01'/><source network='default' bridge='virbr0'/>"
		"<target dev='vnet0'/></interface>"
		"<interface type='bridge'><mac address='52:54:00:aa:0b:02'/><source bridge='br0'/><link state='down'/></interface>"
		"<interface type='vhostuser'><mac address='52:54:00:aa:0b:03'/></interface>"
		"<interface type='user'><mac address='nonsense'/></interface></devices></domain>";
	json_t *want = from_text(
		"[{'mac':'52:54:00:aa:0b:01','type':'network','network':'default','bridge':'virbr0','target':'vnet0','up':true},"
		"{'mac':'52:54:00:aa:0b:02','type':'bridge','network':null,'bridge':'br0','target':null,'up':false},"
		"{'mac':'52:54:00:aa:0b:03','type':'other','network':null,'bridge':null,'target':null,'up':true}]");
	json_t *guest = xml_domain_read(xml, sizeof(xml) - 1);

	(void)state;
	assert_non_null(guest);
	assert_string_equal(json_string_value(json_object_get(guest, "name")), "g&1");
	assert_true(json_equal(json_object_get(guest, "nics"), want));
	json_decref(guest);
	json_decref(want);
}

static void descriptions_refused(void **state)
{
	static const char *const bad[] = {
		"", "<domain/>", "<domain><name>x</name></domain>", "<network><name>x</name><uuid>u</uuid></network>", "<domain><name>x",
		"<!DOCTYPE d [<!ENTITY e 'x'>]><domain><name>&e;</name><uuid>u</uuid></domain>",
		"<!DOCTYPE d SYSTEM 'file:///etc/passwd'><domain><name>x</name><uuid>u</uuid></domain>",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (xml_domain_read(bad[i], strlen(bad[i])))
			fail_msg("taken: %s", bad[i]);
}

static const struct { const char *inside, *mode, *bridge, *addresses, *hosts; bool ipv6_nat; } networks[] = {
	{ "", "isolated", "null", "[]", "[]", false },
	{ "<forward/><bridge name='virbr0'/>", "nat", "'virbr0'", "[]", "[]", false },
	{ "<forward mode='nat'><nat ipv6='yes'/></forward>", "nat", "null", "[]", "[]", true },
	{ "<forward mode='route' dev='eth0'/>", "route", "null", "[]", "[]", false },
	{ "<forward mode='open'/>", "open", "null", "[]", "[]", false },
	{ "<forward mode='bridge'/><bridge name='br0'/>", "bridge", "'br0'", "[]", "[]", false },
	{ "<forward mode='bridge'><interface dev='eth0'/></forward>", "bridge", "null", "[]", "[]", false },
	{ "<forward mode='private'/>", "macvtap", "null", "[]", "[]", false },
	{ "<forward mode='vepa'/>", "macvtap", "null", "[]", "[]", false },
	{ "<forward mode='passthrough'/>", "macvtap", "null", "[]", "[]", false },
	{ "<forward mode='hostdev'><pf dev='eth0'/></forward>", "hostdev", "null", "[]", "[]", false },
	{ "<forward mode='of tomorrow'/>", "other", "null", "[]", "[]", false },
	{ "<ip address='192.168.122.1' netmask='255.255.255.0'><dhcp><range start='192.168.122.2' end='192.168.122.9'/>"
	  "<host mac='52:54:00:00:00:01' name='a' ip='192.168.122.50'/><host name='b' ip='192.168.122.51'/></dhcp></ip>"
	  "<ip family='ipv6' address='fd00:122::1' prefix='64'><dhcp><host id='0:3:0:1:52:54:0:0:0:1' ip='fd00:122::50'/>"
	  "<host id='0:1:0:1:1:2:3:4:52:54:0:0:0:2' ip='fd00:122::51'/><host id='0:2:0:1:52:54:0:0:0:1' ip='fd00:122::52'/>"
	  "</dhcp></ip>",
	  "isolated", "null", "['192.168.122.1/24','fd00:122::1/64']",
	  "[{'mac':'52:54:00:00:00:01','address':'192.168.122.50'},{'mac':'52:54:00:00:00:01','address':'fd00:122::50'},"
	  "{'mac':'52:54:00:00:00:02','address':'fd00:122::51'}]", false },
	{ "<ip address='10.1.2.3' netmask='255.0.255.0'/><ip address='10.1.2.3'/><ip address='10.0.0.1' prefix='33'/>"
	  "<ip address='10.0.0.1' netmask='0.0.0.0'/>", "isolated", "null", "['10.1.2.3/8','10.0.0.1/0']", "[]", false },
};

static void network_modes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(networks) / sizeof(*networks); i++) {
		json_t *net, *addresses = from_text(networks[i].addresses), *hosts = from_text(networks[i].hosts);
		json_t *bridge = from_text(networks[i].bridge);
		char xml[2048];

		snprintf(xml, sizeof(xml), "<network><name>n</name><uuid>u</uuid>%s</network>", networks[i].inside);
		net = xml_network_read(xml, strlen(xml));
		assert_non_null(net);
		assert_string_equal(json_string_value(json_object_get(net, "mode")), networks[i].mode);
		if (!json_equal(json_object_get(net, "addresses"), addresses) || !json_equal(json_object_get(net, "hosts"), hosts) ||
		    !json_equal(json_object_get(net, "bridge"), bridge) ||
		    json_is_true(json_object_get(net, "ipv6_nat")) != networks[i].ipv6_nat)
			fail_msg("%s: %s", networks[i].inside, json_dumps(net, 0));
		json_decref(net);
		json_decref(addresses);
		json_decref(hosts);
		json_decref(bridge);
	}
}

static void texts_are_clipped_between_characters(void **state)
{
	char long_text[600], clipped[TEXT_ROOM];

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	memcpy(long_text + 254, "\xc3\xa4", 2);
	long_text[599] = '\0';
	text_clip(clipped, long_text);
	assert_int_equal(strlen(clipped), 254);
	text_clip(clipped, "a\n\x7f\xc3-\xed\xa0\x80\xf0\x9f\x98\x80");
	assert_string_equal(clipped, "a??" "?-??" "?\xf0\x9f\x98\x80");
}

/* ---- leases ---- */

#define L(mac, ip, end) "{'mac-address':'" mac "','ip-address':'" ip "','expiry-time':" end ",'hostname':'x'}"

static const struct { const char *what, *json; int n; int64_t next; } leases[] = {
	{ "an empty file",   "", 0, INT64_MAX },
	{ "an empty list",   "[]", 0, INT64_MAX },
	{ "two",             "[" L("52:54:00:00:00:01", "192.168.122.2", "2000") "," L("52:54:00:00:00:01", "fd00::2", "1500") "]", 2, 1500 },
	{ "one has ended",   "[" L("52:54:00:00:00:01", "192.168.122.2", "1000") "," L("52:54:00:00:00:02", "192.168.122.3", "1001") "]", 1, 1001 },
	{ "for ever",        "[" L("52:54:00:00:00:01", "192.168.122.2", "0") "]", 1, INT64_MAX },
	{ "no MAC",          "[{'ip-address':'192.168.122.2','expiry-time':2000}]", 0, INT64_MAX },
	{ "no address",      "[" L("52:54:00:00:00:01", "192.168.122", "2000") "]", 0, INT64_MAX },
	{ "other things",    "[1,null,{},[],'x']", 0, INT64_MAX },
	{ "no list",         "{}", -1, INT64_MAX },
	{ "half a file",     "[{'mac-address':", -1, INT64_MAX },
};

static void lease_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(leases) / sizeof(*leases); i++) {
		int64_t next = INT64_MAX;
		struct claims c = { 0 };
		char *text = strdup(leases[i].json);
		int n;

		for (char *q = text; *q; q++)
			if (*q == '\'')
				*q = '"';
		n = lease_read(text, strlen(text), "virbr0", 1000, &next, &c);
		if (n != leases[i].n || next != leases[i].next || (int)c.n != (n > 0 ? n : 0))
			fail_msg("%s: %d leases, next %lld", leases[i].what, n, (long long)next);
		claims_fini(&c);
		free(text);
	}
}

/* ---- agents ---- */

#define I(mac, inside) "{'name':'x','hardware-address':" mac ",'ip-addresses':[" inside "]}"
#define A(ip) "{'ip-address':'" ip "','ip-address-type':'ipv4','prefix':24}"

static const struct { const char *what, *json; int n; } answers[] = {
	{ "none",                "{'return':[]}", 0 },
	{ "two addresses",       "{'return':[" I("'52:54:00:00:00:01'", A("192.168.122.50") "," A("fd00:122::50")) "]}", 2 },
	{ "loopback, link-local, multicast, none",
	  "{'return':[" I("'52:54:00:00:00:01'", A("127.0.0.1") "," A("fe80::1") "," A("224.0.0.1") "," A("0.0.0.0")) "]}", 0 },
	{ "no MAC",              "{'return':[" I("null", A("192.168.122.50")) "]}", 0 },
	{ "no such MAC",         "{'return':[" I("'52:54:00'", A("192.168.122.50")) "]}", 0 },
	{ "no addresses",        "{'return':[{'name':'x','hardware-address':'52:54:00:00:00:01'}]}", 0 },
	{ "other things",        "{'return':[1,null,[],{},'x'," I("'52:54:00:00:00:01'", "1,null,{},'x',[]") "]}", 0 },
	{ "a mistake",           "{'error':{'class':'GenericError','desc':'x'}}", -1 },
	{ "no object",           "[]", -1 },
	{ "half an answer",      "{'return':[", -1 },
	{ "twice",               "{'return':[],'return':[]}", -1 },
	{ "",                    "", -1 },
};

static char *double_quoted(const char *single)
{
	char *text = strdup(single);

	for (char *q = text; *q; q++)
		if (*q == '\'')
			*q = '"';
	return text;
}

static void agent_answers(void **state)
{
	struct agent_pair pairs[AGENT_PAIRS];

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		char *text = double_quoted(answers[i].json);
		int n = agent_read(text, strlen(text), pairs);

		if (n != answers[i].n)
			fail_msg("%s: %d pairs", answers[i].what, n);
		free(text);
	}
}

/* More than there is room for: the rest is not looked at. Longer than it may be: refused, though it is well-formed. */
static void agent_says_too_much(void **state)
{
	struct agent_pair pairs[AGENT_PAIRS];
	size_t room = AGENT_OCTETS + 100, n = 0;
	char *text = malloc(room);

	(void)state;
	n += (size_t)snprintf(text, room, "{\"return\":[{\"hardware-address\":\"52:54:00:00:00:01\",\"ip-addresses\":[");
	for (int i = 0; i < AGENT_PAIRS + 50; i++)
		n += (size_t)snprintf(text + n, room - n, "%s{\"ip-address\":\"10.0.%d.%d\"}", i ? "," : "", i / 200, i % 200 + 1);
	n += (size_t)snprintf(text + n, room - n, "]}]}");
	assert_int_equal(agent_read(text, n, pairs), AGENT_PAIRS);
	memset(text + n, ' ', room - n);
	assert_int_equal(agent_read(text, AGENT_OCTETS, pairs), AGENT_PAIRS);
	assert_int_equal(agent_read(text, AGENT_OCTETS + 1, pairs), -1);
	free(text);
}

/* ---- who is asked ---- */

enum { ASKED_MAX = 32 };
static struct { unsigned n; char uuid[ASKED_MAX][40]; int fd[ASKED_MAX]; } asked;

static int note(int broker, const char *uuid)
{
	int pair[2];

	(void)broker;
	assert_true(asked.n < ASKED_MAX);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	snprintf(asked.uuid[asked.n], sizeof(asked.uuid[0]), "%s", uuid);
	asked.fd[asked.n++] = pair[1];
	return pair[0];
}

static void say(unsigned i, const char *text)
{
	assert_int_equal(write(asked.fd[i], text, strlen(text)), (ssize_t)strlen(text));
	close(asked.fd[i]);
	asked.fd[i] = -1;
}

static void quiet(void *arg, const char *level, const char *text)
{
	(void)arg;
	(void)level;
	(void)text;
}

static void count_changes(void *arg)
{
	++*(unsigned *)arg;
}

static json_t *guests_named(unsigned n)
{
	json_t *all = json_array();

	for (unsigned i = 0; i < n; i++) {
		char text[400];

		snprintf(text, sizeof(text), "{'uri':'qemu:///system','uuid':'11111111-1111-4111-8111-1111111111%02u','name':'g%u',"
			 "'state':'running','agent':true,'warnings':[],'nics':[{'mac':'52:54:00:00:00:%02x','bridge':'virbr0'}]}", i, i, i);
		json_array_append_new(all, from_text(text));
	}
	return all;
}

/* Four that are silent never have all six places, however many of them there are; who answers is heard, of its own MAC alone. */
static void silent_agents_leave_room(void **state)
{
	unsigned changes = 0;
	struct ev_loop *loop = ev_loop_new(0);
	struct agents a = { .loop = loop, .broker = 99, .ask = note, .arg = &changes, .changed = count_changes, .log = quiet };
	json_t *guests = guests_named(9), *more = guests_named(10);
	struct claims c = { 0 };

	(void)state;
	agents_init(&a);
	agents_ask(&a, true);
	agents_join(&a, guests, &c);
	assert_int_equal(asked.n, AGENTS_AT_ONCE);
	for (unsigned i = 0; i < AGENTS_AT_ONCE; i++)
		say(i, "e no");
	while (asked.n < 9)
		ev_run(loop, EVRUN_ONCE);		/* the other three get their turn */
	for (unsigned i = AGENTS_AT_ONCE; i < 9; i++)
		say(i, "e no");
	while (a.asking)
		ev_run(loop, EVRUN_ONCE);
	assert_int_equal(a.sick, 0);
	assert_int_equal(c.n, 0);
	assert_int_equal(changes, 0);

	/* one more comes, and speaks of itself, of another, and of a MAC that nobody has */
	agents_join(&a, more, &c);
	assert_int_equal(asked.n, 10);
	say(9, "a{\"return\":[{\"hardware-address\":\"52:54:00:00:00:09\",\"ip-addresses\":[{\"ip-address\":\"192.168.122.9\"}]},"
	       "{\"hardware-address\":\"52:54:00:00:00:01\",\"ip-addresses\":[{\"ip-address\":\"192.168.122.1\"}]},"
	       "{\"hardware-address\":\"02:00:00:00:00:01\",\"ip-addresses\":[{\"ip-address\":\"192.168.122.2\"}]}]}");
	while (!changes)
		ev_run(loop, EVRUN_ONCE);
	agents_join(&a, more, &c);
	assert_int_equal(c.n, 1);
	assert_int_equal(c.row[0].source, CLAIM_AGENT);
	assert_int_equal(c.row[0].mac[5], 9);
	assert_non_null(strstr(json_string_value(json_array_get(json_object_get(json_array_get(more, 9), "warnings"), 0)), "a NIC of g1"));
	agents_fini(&a);
	claims_fini(&c);
	json_decref(guests);
	json_decref(more);
	ev_loop_destroy(loop);
}

static void count_words(void *arg, const char *level, const char *text)
{
	assert_string_equal(level, "warn");
	assert_non_null(strstr(text, "not asked any more"));
	++*(unsigned *)arg;
}

static int ended(int broker, const char *uuid)
{
	(void)broker;
	(void)uuid;
	errno = EPIPE;
	return -1;
}

/* A broker that has ended is given up, once and aloud. */
static void broker_that_ends(void **state)
{
	unsigned said = 0;
	struct ev_loop *loop = ev_loop_new(0);
	struct agents a = { .loop = loop, .broker = dup(STDERR_FILENO), .ask = ended, .arg = &said, .changed = count_changes, .log = count_words };
	json_t *guests = guests_named(3);
	struct claims c = { 0 };

	(void)state;
	agents_init(&a);
	agents_ask(&a, true);
	agents_join(&a, guests, &c);
	assert_int_equal(said, 1);
	assert_int_equal(a.broker, -1);
	agents_join(&a, guests, &c);
	assert_int_equal(said, 1);
	agents_fini(&a);
	claims_fini(&c);
	json_decref(guests);
	ev_loop_destroy(loop);
}

/* ---- netlink ---- */

static struct rtnl neighbour(uint16_t type, uint16_t ndm_state, const char *ip, bool lladdr)
{
	char buf[512] __attribute__((aligned(4))) = { 0 };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ndmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));
	uint8_t o[4];

	nlh->nlmsg_type = type;
	*m = (struct ndmsg){ .ndm_family = AF_INET, .ndm_ifindex = 3, .ndm_state = ndm_state };
	sscanf(ip, "%hhu.%hhu.%hhu.%hhu", &o[0], &o[1], &o[2], &o[3]);
	mnl_attr_put(nlh, NDA_DST, 4, o);
	if (lladdr)
		mnl_attr_put(nlh, NDA_LLADDR, 6, "\x52\x54\x00\x00\x00\x01");
	return rtnl_read(nlh);
}

static void neighbour_states(void **state)
{
	(void)state;
	assert_int_equal(neighbour(RTM_NEWNEIGH, NUD_REACHABLE, "192.168.122.2", true).what, RTNL_NEIGHBOUR);
	assert_int_equal(neighbour(RTM_NEWNEIGH, NUD_STALE, "192.168.122.2", true).what, RTNL_NEIGHBOUR);
	assert_int_equal(neighbour(RTM_NEWNEIGH, NUD_STALE, "192.168.122.2", false).what, RTNL_OTHER);
	assert_int_equal(neighbour(RTM_NEWNEIGH, NUD_INCOMPLETE, "192.168.122.2", false).what, RTNL_OTHER);
	assert_int_equal(neighbour(RTM_NEWNEIGH, NUD_NOARP, "192.168.122.2", true).what, RTNL_OTHER);
	assert_int_equal(neighbour(RTM_NEWNEIGH, NUD_FAILED, "192.168.122.2", false).what, RTNL_NEIGHBOUR_FAILED);
	assert_int_equal(neighbour(RTM_DELNEIGH, NUD_FAILED, "192.168.122.2", false).what, RTNL_NEIGHBOUR_GONE);
}

/* A bridge says in its own family that a port left it: the link is still there. */
static void link_messages(void **state)
{
	char buf[512] __attribute__((aligned(4))) = { 0 };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));

	(void)state;
	nlh->nlmsg_type = RTM_DELLINK;
	m->ifi_index = 7;
	m->ifi_family = AF_BRIDGE;
	assert_int_equal(rtnl_read(nlh).what, RTNL_OTHER);
	m->ifi_family = AF_UNSPEC;
	assert_int_equal(rtnl_read(nlh).what, RTNL_LINK_GONE);
	nlh->nlmsg_type = RTM_NEWLINK;
	assert_int_equal(rtnl_read(nlh).what, RTNL_OTHER);	/* without a name */
	mnl_attr_put_strz(nlh, IFLA_IFNAME, "vnet0");
	mnl_attr_put_u32(nlh, IFLA_MASTER, 5);
	assert_int_equal(rtnl_read(nlh).what, RTNL_LINK);
	assert_int_equal(rtnl_read(nlh).master, 5);
	assert_string_equal(rtnl_read(nlh).name, "vnet0");
	assert_false(rtnl_read(nlh).up);
	m->ifi_flags = IFF_UP;
	assert_false(rtnl_read(nlh).up);	/* no carrier */
	m->ifi_flags = IFF_UP | 1 << 16;	/* IFF_LOWER_UP */
	assert_true(rtnl_read(nlh).up);
	m->ifi_flags = 1 << 16;
	assert_false(rtnl_read(nlh).up);
}

/* ---- a slow reader ---- */

/* Many worlds at a reader that sleeps: it gets whole lines, the last is the newest, and few of them were kept. */
static void slow_reader_gets_the_last_world(void **state)
{
	enum { WORLDS = 300, OCTETS = 20000 };
	char *line = malloc(OCTETS + 1), *got = malloc(WORLDS * OCTETS);
	struct out o = { 0 };
	size_t n = 0, lines = 0;
	int pair[2], more = 1;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fcntl(pair[1], F_SETFL, O_NONBLOCK);
	o.fd = pair[0];
	for (int i = 0; i < WORLDS; i++) {
		memset(line, 'a' + i % 26, OCTETS);
		snprintf(line, 16, "%08d", i);
		line[8] = ' ';
		line[OCTETS] = '\0';
		out_world(&o, line);
		out_log(&o, "a log line");
		out_heartbeat(&o);
		more = out_flush(&o);
		assert_true(more >= 0);
	}
	assert_int_equal(more, 1);
	while (more) {
		ssize_t r = read(pair[1], got + n, WORLDS * OCTETS - n);

		n += r > 0 ? (size_t)r : 0;
		more = out_flush(&o);
	}
	for (ssize_t r; (r = read(pair[1], got + n, WORLDS * OCTETS - n)) > 0;)
		n += (size_t)r;
	assert_true(n && got[n - 1] == '\n');
	got[n - 1] = '\0';
	for (char *l = strtok(got, "\n"); l; l = strtok(NULL, "\n"))
		if (l[8] == ' ') {
			assert_int_equal(strlen(l), OCTETS);
			lines++;
			memcpy(line, l, 9);
		}
	assert_int_equal(atoi(line), WORLDS - 1);
	assert_true(lines < WORLDS / 2);
	out_fini(&o);
	close(pair[0]);
	close(pair[1]);
	free(line);
	free(got);
}

static void count(void *arg, json_t *object)
{
	(void)object;
	++*(unsigned *)arg;
}

static void lines_come_in_pieces(void **state)
{
	static const char text[] = "{\"type\":\"a\"}\n{}\n";
	struct lines l = { 0 };
	unsigned n = 0;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		assert_int_equal(write(pair[0], text + i, 1), 1);
		assert_int_equal(lines_read(&l, pair[1], count, &n), 0);
	}
	assert_int_equal(n, 2);
	assert_int_equal(write(pair[0], "[]\n", 3), 3);
	assert_int_equal(lines_read(&l, pair[1], count, &n), -EBADMSG);
	lines_fini(&l);
	close(pair[0]);
	assert_int_equal(lines_read(&l, pair[1], count, &n), -EPIPE);
	lines_fini(&l);
	close(pair[1]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(metadata_forwards),
		cmocka_unit_test(domain_nics),
		cmocka_unit_test(descriptions_refused),
		cmocka_unit_test(network_modes),
		cmocka_unit_test(texts_are_clipped_between_characters),
		cmocka_unit_test(lease_files),
		cmocka_unit_test(agent_answers),
		cmocka_unit_test(agent_says_too_much),
		cmocka_unit_test(silent_agents_leave_room),
		cmocka_unit_test(broker_that_ends),
		cmocka_unit_test(neighbour_states),
		cmocka_unit_test(link_messages),
		cmocka_unit_test(slow_reader_gets_the_last_world),
		cmocka_unit_test(lines_come_in_pieces),
	};

	return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
