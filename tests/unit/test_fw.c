/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a host's rules would do to a packet: rules as iptables-save and nft -j print them, and the verdict. */
#include "tests/unit/unit.h"

#include <netinet/in.h>

#include "ctl/doctor/fw.h"

/* Packets: N = new, E = of a connection; from the client (known, or ? any) to the guest's port 80, up0 to virbr0. */
struct row {
	const char *what, *rules;
	char state;			/* 'N' or 'E' */
	bool any_src;
	enum fw_verdict want;
	const char *named;		/* in the rule that decided */
};

#define FILTER(policy, rules) "*filter\n:INPUT DROP [0:0]\n:FORWARD " policy " [0:0]\n:X - [0:0]\n" rules "COMMIT\n"

static const struct row xt[] = {
	{ "nothing", "", 'N', true, FW_PASS, NULL },
	{ "another table", "*nat\n:FORWARD DROP [0:0]\nCOMMIT\n", 'N', true, FW_PASS, NULL },
	{ "no rule, policy ACCEPT", FILTER("ACCEPT", ""), 'N', true, FW_PASS, NULL },
	{ "policy DROP", FILTER("DROP", ""), 'N', true, FW_DROP, "policy of FORWARD" },
	{ "accepted before the policy", FILTER("DROP", "-A FORWARD -j ACCEPT\n"), 'N', true, FW_PASS, NULL },
	{ "state does not match", FILTER("DROP", "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"), 'N',
	  true, FW_DROP, "policy" },
	{ "state matches", FILTER("DROP", "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"), 'E', true,
	  FW_PASS, NULL },
	{ "rejected in a chain", FILTER("ACCEPT", "-A FORWARD -j X\n-A X -o virbr0 -j REJECT --reject-with x\n"), 'N', true,
	  FW_REJECT, "-A X -o virbr0" },
	{ "another device", FILTER("ACCEPT", "-A FORWARD -o virbr1 -j DROP\n"), 'N', true, FW_PASS, NULL },
	{ "not that device", FILTER("ACCEPT", "-A FORWARD ! -o virbr1 -j DROP\n"), 'N', true, FW_DROP, "! -o virbr1" },
	{ "any device of a name", FILTER("ACCEPT", "-A FORWARD -i up+ -j DROP\n"), 'N', true, FW_DROP, "up+" },
	{ "returned before the drop", FILTER("ACCEPT", "-A FORWARD -j X\n-A X -p tcp -j RETURN\n-A X -j DROP\n"), 'N', true,
	  FW_PASS, NULL },
	{ "to the guest's network", FILTER("ACCEPT", "-A FORWARD -d 192.168.122.0/24 -j DROP\n"), 'N', true, FW_DROP, "-d 192" },
	{ "to another network", FILTER("ACCEPT", "-A FORWARD -d 192.168.123.0/24 -j DROP\n"), 'N', true, FW_PASS, NULL },
	{ "from the client", FILTER("ACCEPT", "-A FORWARD -s 198.51.100.2/32 -j DROP\n"), 'N', false, FW_DROP, "-s 198" },
	{ "from one client, of any", FILTER("ACCEPT", "-A FORWARD -s 198.51.100.2/32 -j DROP\n"), 'N', true, FW_PASS, NULL },
	{ "from everywhere", FILTER("ACCEPT", "-A FORWARD -s 0.0.0.0/0 -j DROP\n"), 'N', true, FW_DROP, "-s 0.0.0.0/0" },
	{ "port of a list", FILTER("ACCEPT", "-A FORWARD -p tcp -m multiport --dports 22,70:90 -j DROP\n"), 'N', true, FW_DROP,
	  "22,70:90" },
	{ "port not of a list", FILTER("ACCEPT", "-A FORWARD -p tcp -m multiport --dports 22,81:90 -j DROP\n"), 'N', true,
	  FW_PASS, NULL },
	{ "another protocol", FILTER("ACCEPT", "-A FORWARD -p udp -j DROP\n"), 'N', true, FW_PASS, NULL },
	{ "not understood, so no match", FILTER("ACCEPT", "-A FORWARD -m limit --limit 5/min -j DROP\n"), 'N', true, FW_PASS,
	  NULL },
	{ "a comment with words of rules", FILTER("ACCEPT", "-A FORWARD -m comment --comment \"a -j ACCEPT\" -j DROP\n"), 'N',
	  true, FW_DROP, "comment" },
	{ "other targets go on", FILTER("ACCEPT", "-A FORWARD -j LOG\n-A FORWARD -j DROP\n"), 'N', true, FW_DROP, "-j DROP" },
	{ "a loop of chains ends", FILTER("ACCEPT", "-A FORWARD -j X\n-A X -j X\n"), 'N', true, FW_PASS, NULL },
	{ "a name that begins like ours", FILTER("ACCEPT", "-A FORWARD2 -j DROP\n"), 'N', true, FW_PASS, NULL },
	{ "cut off in a rule", "*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD -j", 'N', true, FW_PASS, NULL },
};

#define CHAIN(policy) "{'chain':{'family':'inet','table':'t','name':'c','type':'filter','hook':'forward','policy':'" policy "'}}"
#define RULE(chain, expr) ",{'rule':{'family':'inet','table':'t','chain':'" chain "','expr':[" expr "]}}"
#define NFT(policy, rules) "{'nftables':[" CHAIN(policy) rules "]}"
#define MATCH(op, left, right) "{'match':{'op':'" op "','left':" left ",'right':" right "}},"
#define META(key) "{'meta':{'key':'" key "'}}"
#define PAYLOAD(proto, field) "{'payload':{'protocol':'" proto "','field':'" field "'}}"
#define CT_STATE "{'ct':{'key':'state'}}"

static const struct row nft[] = {
	{ "nothing", "{'nftables':[]}", 'N', true, FW_PASS, NULL },
	{ "no ruleset at all", "[]", 'N', true, FW_PASS, NULL },
	{ "policy drop", NFT("drop", ""), 'N', true, FW_DROP, "policy of chain c" },
	{ "accept before the policy", NFT("drop", RULE("c", "{'accept':null}")), 'N', true, FW_PASS, NULL },
	{ "reject", NFT("accept", RULE("c", "{'counter':{}},{'reject':{}}")), 'N', true, FW_REJECT, "chain c" },
	{ "state in a set", NFT("drop", RULE("c", MATCH("in", CT_STATE, "['established','related']") "{'accept':null}")), 'E',
	  true, FW_PASS, NULL },
	{ "state not in it", NFT("drop", RULE("c", MATCH("in", CT_STATE, "['established','related']") "{'accept':null}")), 'N',
	  true, FW_DROP, "policy" },
	{ "device", NFT("accept", RULE("c", MATCH("==", META("oifname"), "'virbr0'") "{'drop':null}")), 'N', true, FW_DROP,
	  "virbr0" },
	{ "not the device", NFT("accept", RULE("c", MATCH("!=", META("oifname"), "'virbr0'") "{'drop':null}")), 'N', true,
	  FW_PASS, NULL },
	{ "device of a pattern", NFT("accept", RULE("c", MATCH("==", META("iifname"), "'up*'") "{'drop':null}")), 'N', true,
	  FW_DROP, "up*" },
	{ "address in a prefix",
	  NFT("accept", RULE("c", MATCH("==", PAYLOAD("ip", "daddr"), "{'prefix':{'addr':'192.168.122.0','len':24}}") "{'drop':null}")),
	  'N', true, FW_DROP, "192.168.122.0" },
	{ "port in a range",
	  NFT("accept", RULE("c", MATCH("==", PAYLOAD("tcp", "dport"), "{'set':[22,{'range':[70,90]}]}") "{'drop':null}")), 'N',
	  true, FW_DROP, "range" },
	{ "a named set is not understood", NFT("accept", RULE("c", MATCH("==", PAYLOAD("ip", "daddr"), "'@s'") "{'drop':null}")),
	  'N', true, FW_PASS, NULL },
	{ "a limit is a condition", NFT("accept", RULE("c", "{'limit':{'rate':5}},{'drop':null}")), 'N', true, FW_PASS, NULL },
	{ "jump and back", NFT("accept", RULE("c", "{'jump':{'target':'d'}}") RULE("d", "{'return':null}") RULE("c", "{'drop':null}")),
	  'N', true, FW_DROP, "chain c" },
	{ "goto does not come back", NFT("accept", RULE("c", "{'goto':{'target':'d'}}") RULE("c", "{'drop':null}")), 'N', true,
	  FW_PASS, NULL },
	{ "verdict map",
	  NFT("accept", RULE("c", "{'vmap':{'key':" CT_STATE ",'data':{'set':[['new',{'jump':{'target':'d'}}],['invalid',{'drop':null}]]}}}")
	      RULE("d", "{'drop':null}")),
	  'N', true, FW_DROP, "chain d" },
	{ "IPv6 rules are not for IPv4", NFT("accept", RULE("c", MATCH("==", META("nfproto"), "'ipv6'") "{'drop':null}")), 'N', true,
	  FW_PASS, NULL },
};

static struct fw_packet packet(const struct row *r)
{
	static const uint8_t client[4] = { 198, 51, 100, 2 }, guest[4] = { 192, 168, 122, 50 };

	return (struct fw_packet){ .family = NAT_IPV4, .proto = IPPROTO_TCP, .in = "up0", .out = "virbr0", .dport = 80,
				   .src = nat_addr_v4(client), .dst = nat_addr_v4(guest), .any_src = r->any_src,
				   .fresh = r->state == 'N' };
}

static void judge(const struct row *r, enum fw_verdict got, const char *rule)
{
	assert_int_equal(got, r->want);
	if (!r->named)
		return;
	if (!strstr(rule, r->named))
		fail_msg("want a rule with %s, got %s", r->named, rule);
}

static void test_xt(void **state)
{
	const struct row *r = *state;
	struct fw_packet p = packet(r);
	char rule[FW_RULE_OCTETS];

	judge(r, fw_xt(r->rules, "filter", "FORWARD", &p, rule), rule);
}

static void test_nft(void **state)
{
	const struct row *r = *state;
	struct fw_packet p = packet(r);
	char rule[FW_RULE_OCTETS], *text = strdup(r->rules);
	json_t *json;

	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	json = json_loads(text, 0, NULL);
	assert_non_null(json);
	judge(r, fw_nft(json, NULL, "forward", "filter", &p, rule), rule);
	json_decref(json);
	free(text);
}

/* As people write it, if the listing has it: handles are of a table, and the table's own is none of a rule's. */
static void test_nft_listing(void **state)
{
	static const char json[] = "{\"nftables\":[{\"chain\":{\"family\":\"inet\",\"table\":\"f\",\"name\":\"c\",\"handle\":1,"
				   "\"type\":\"filter\",\"hook\":\"forward\",\"prio\":0,\"policy\":\"accept\"}},"
				   "{\"rule\":{\"family\":\"inet\",\"table\":\"f\",\"chain\":\"c\",\"handle\":7,\"expr\":[{\"drop\":null}]}}]}";
	static const struct { const char *listing, *want; } rows[] = {
		{ "table ip f { # handle 7\n\tchain c { # handle 1\n\t\taccept # handle 7\n\t}\n}\n"
		  "table inet f { # handle 7\n\tchain c { # handle 1\n\t\taccept # handle 77\n\t\tdrop comment \"x\" # handle 7\n\t}\n}\n",
		  "table inet f, chain c: drop comment \"x\"" },
		{ "table inet f { # handle 7\n\tchain c { # handle 1\n\t}\n}\ntable inet g { # handle 2\n\t\tdrop # handle 7\n}\n",
		  "table inet f, chain c: [{\"drop\":null}]" },
		{ "table inet f { # handle 7\n", "table inet f, chain c: [{\"drop\":null}]" },
		{ "", "table inet f, chain c: [{\"drop\":null}]" },
		{ NULL, "table inet f, chain c: [{\"drop\":null}]" },
	};
	const struct row any = { 0 };
	struct fw_packet p = packet(&any);
	json_t *ruleset = json_loads(json, 0, NULL);
	char rule[FW_RULE_OCTETS];

	(void)state;
	assert_non_null(ruleset);
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *listing = rows[i].listing ? (char *)unit_exact((const uint8_t *)rows[i].listing, strlen(rows[i].listing) + 1) : NULL;

		assert_int_equal(fw_nft(ruleset, listing, "forward", "filter", &p, rule), FW_DROP);
		assert_string_equal(rule, rows[i].want);
		free(listing);
	}
	json_decref(ruleset);
}

int main(void)
{
	static char name[COUNT(xt) + COUNT(nft)][96];
	size_t n = 0;

	for (size_t i = 0; i < COUNT(xt); i++, n++) {
		snprintf(name[n], sizeof(name[n]), "iptables: %s", xt[i].what);
		unit_add(name[n], test_xt, &xt[i]);
	}
	for (size_t i = 0; i < COUNT(nft); i++, n++) {
		snprintf(name[n], sizeof(name[n]), "nft: %s", nft[i].what);
		unit_add(name[n], test_nft, &nft[i]);
	}
	unit_add("nft rule as people write it", test_nft_listing, NULL);
	return unit_run("fw");
}
