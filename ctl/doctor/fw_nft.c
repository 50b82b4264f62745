/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fw_nft - rules of nft, as JSON: libnftables-json(5); see fw.h */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/ip.h"
#include "ctl/doctor/fw.h"

enum { DEPTH_MAX = 16, WALK_MAX = 20000 };

enum end { END_FALL, END_RETURN, END_ACCEPT, END_DROP, END_REJECT, END_ELSEWHERE };

struct walk {
	const json_t *objects;		/* the array "nftables" */
	const char *listing;		/* the same as nft prints it for people, with handles; NULL: not known */
	const char *family, *table;
	const struct fw_packet *p;
	char *rule;
	unsigned walked;
};

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/* Is what the rule compares with equal to a word of the packet? Lists and sets: to one of them. */
static int word_is(const json_t *right, const char *word)
{
	const json_t *list = json_is_array(right) ? right : json_object_get(right, "set"), *e;
	const char *s = json_string_value(right);
	size_t i;

	if (s) {
		size_t n = strlen(s);

		if (*s == '@')
			return -1;		/* a named set */
		return n && s[n - 1] == '*' ? !strncmp(s, word, n - 1) : !strcmp(s, word);
	}
	if (!json_is_array(list))
		return -1;
	json_array_foreach(list, i, e)
		if (word_is(e, word) == 1)
			return 1;
	return 0;
}

static int number_is(const json_t *right, json_int_t n)
{
	const json_t *list = json_is_array(right) ? right : json_object_get(right, "set");
	const json_t *range = json_object_get(right, "range"), *e;
	size_t i;

	if (json_is_integer(right))
		return json_integer_value(right) == n;
	if (range)
		return json_integer_value(json_array_get(range, 0)) <= n &&
		       n <= json_integer_value(json_array_get(range, 1));
	if (!json_is_array(list))
		return -1;
	json_array_foreach(list, i, e)
		if (number_is(e, n) == 1)
			return 1;
	return 0;
}

static int addr_is(const json_t *right, const struct nat_addr *a, uint8_t family, bool any)
{
	const json_t *list = json_is_array(right) ? right : json_object_get(right, "set");
	const json_t *prefix = json_object_get(right, "prefix"), *e;
	const char *s = json_string_value(right);
	struct nat_prefix p;
	char whole[80];
	size_t i;

	if (any)
		return 0;
	if (prefix)
		snprintf(whole, sizeof(whole), "%s/%d", text(prefix, "addr"),
			 (int)json_integer_value(json_object_get(prefix, "len")));
	else if (s)
		snprintf(whole, sizeof(whole), "%s", s);
	if (s || prefix)
		return conf_prefix_parse(whole, strlen(whole), &p) ? nat_prefix_has(&p, a, family) : -1;
	if (!json_is_array(list))
		return -1;
	json_array_foreach(list, i, e)
		if (addr_is(e, a, family, false) == 1)
			return 1;
	return 0;
}

static int meta_is(const struct fw_packet *p, const char *key, const json_t *right)
{
	const char *proto = p->proto == IPPROTO_TCP ? "tcp" : "udp";

	if (!strcmp(key, "iifname") || !strcmp(key, "iif"))
		return word_is(right, p->in);
	if (!strcmp(key, "oifname") || !strcmp(key, "oif"))
		return word_is(right, p->out);
	if (!strcmp(key, "nfproto"))
		return word_is(right, p->family == NAT_IPV4 ? "ipv4" : "ipv6");
	return !strcmp(key, "l4proto") ? word_is(right, proto) : -1;
}

static int payload_is(const struct fw_packet *p, const json_t *payload, const json_t *right)
{
	const char *of = text(payload, "protocol"), *field = text(payload, "field");
	const char *proto = p->proto == IPPROTO_TCP ? "tcp" : "udp";

	if (!strcmp(of, "ip") || !strcmp(of, "ip6")) {
		if (strcmp(of, p->family == NAT_IPV4 ? "ip" : "ip6") != 0)
			return 0;
		if (!strcmp(field, "saddr"))
			return addr_is(right, &p->src, p->family, p->any_src);
		if (!strcmp(field, "daddr"))
			return addr_is(right, &p->dst, p->family, p->any_dst);
		return !strcmp(field, "protocol") || !strcmp(field, "nexthdr") ? word_is(right, proto) : -1;
	}
	if (strcmp(of, "th") != 0 && strcmp(of, proto) != 0)
		return !strcmp(of, "tcp") || !strcmp(of, "udp") || !strncmp(of, "icmp", 4) ? 0 : -1;
	if (!strcmp(field, "dport"))
		return p->dport ? number_is(right, p->dport) : -1;
	return !strcmp(field, "sport") && p->sport ? number_is(right, p->sport) : -1;
}

/* 1 it holds, 0 it does not, -1 it is not understood. */
static int match_is(const struct fw_packet *p, const json_t *match)
{
	const json_t *left = json_object_get(match, "left"), *right = json_object_get(match, "right"), *part;
	const char *op = text(match, "op");
	int holds = -1;

	if ((part = json_object_get(left, "meta")))
		holds = meta_is(p, text(part, "key"), right);
	else if ((part = json_object_get(left, "payload")))
		holds = payload_is(p, part, right);
	else if ((part = json_object_get(left, "ct")) && !strcmp(text(part, "key"), "state"))
		holds = word_is(right, p->fresh ? "new" : "established");
	else if ((part = json_object_get(left, "fib")) && !strcmp(text(part, "result"), "type"))
		holds = word_is(right, "local") < 0 ? -1 : word_is(right, "local") == p->dst_local;
	if (holds < 0)
		return -1;
	if (!strcmp(op, "!="))
		return !holds;
	return !strcmp(op, "==") || !strcmp(op, "in") ? holds : -1;
}

static enum end walk_chain(struct walk *w, const char *chain, unsigned depth);

/* What a statement that is no match does. */
static enum end statement(struct walk *w, const json_t *e, unsigned depth)
{
	static const struct { const char *key; enum end end; } ends[] = {
		{ "accept", END_ACCEPT }, { "drop", END_DROP },         { "reject", END_REJECT },
		{ "return", END_RETURN }, { "dnat", END_ELSEWHERE }, { "redirect", END_ELSEWHERE },
	};
	const json_t *jump = json_object_get(e, "jump"), *gone = json_object_get(e, "goto"),
		     *vmap = json_object_get(e, "vmap");
	const json_t *pair;
	enum end end;
	size_t i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (json_object_get(e, ends[i].key))
			return ends[i].end;
	if (jump || gone) {
		end = depth < DEPTH_MAX ? walk_chain(w, text(jump ? jump : gone, "target"), depth + 1) : END_FALL;
		return end == END_FALL && gone ? END_RETURN : end;
	}
	json_array_foreach(json_object_get(json_object_get(vmap, "data"), "set"), i, pair) {
		json_t *match = json_pack("{s:s, s:O, s:O}", "op", "==", "left", json_object_get(vmap, "key"), "right",
					  json_array_get(pair, 0));
		int holds = match ? match_is(w->p, match) : -1;

		json_decref(match);
		if (holds == 1)
			return statement(w, json_array_get(pair, 1), depth);
	}
	return END_FALL;
}

/* The line of a table that ends with this handle, without it; NULL: there is none. Handles are unique in a table. */
static const char *line_of(const struct walk *w, json_int_t handle, int *octets)
{
	char begin[160], end[40];
	const char *at, *rest, *stop;

	snprintf(begin, sizeof(begin), "table %s %s {", w->family, w->table);
	snprintf(end, sizeof(end), " # handle %" JSON_INTEGER_FORMAT "\n", handle);
	at = w->listing;
	while (at && strncmp(at, begin, strlen(begin)) != 0) {
		at = strchr(at, '\n');
		if (at)
			at++;
	}
	at = at ? strchr(at, '\n') : NULL;	/* the table's own handle is of another kind */
	stop = at ? strstr(at, "\n}") : NULL;
	rest = stop ? strstr(at, end) : NULL;
	if (!rest || rest > stop)
		return NULL;
	for (at = rest; at[-1] != '\n' && at[-1] != '\t'; at--)
		;
	*octets = (int)(rest - at);
	return at;
}

static void name_rule(const struct walk *w, const char *chain, const json_t *rule)
{
	char *json = NULL;
	int n = 0;
	const char *words = line_of(w, json_integer_value(json_object_get(rule, "handle")), &n);

	if (!words) {
		json = json_dumps(json_object_get(rule, "expr"), JSON_COMPACT);
		words = json ? json : "?";
		n = (int)strlen(words);
	}
	snprintf(w->rule, FW_RULE_OCTETS, "table %s %s, chain %s: %.*s", w->family, w->table, chain, n < 200 ? n : 200, words);
	free(json);
}

static enum end walk_rule(struct walk *w, const char *chain, const json_t *rule, unsigned depth)
{
	const json_t *exprs = json_object_get(rule, "expr"), *e, *match;
	size_t i;

	json_array_foreach(exprs, i, e) {
		enum end end;

		match = json_object_get(e, "match");
		if (match) {
			if (match_is(w->p, match) != 1)
				return END_FALL;
			continue;
		}
		if (json_object_get(e, "limit") || json_object_get(e, "quota") || json_object_get(e, "ct count") ||
		    json_object_get(e, "xt"))
			return END_FALL;	/* conditions too, that are not understood */
		end = statement(w, e, depth);
		if (end == END_FALL)
			continue;
		if (!json_object_get(e, "jump") && !json_object_get(e, "goto") && !json_object_get(e, "vmap"))
			name_rule(w, chain, rule);
		return end;
	}
	return END_FALL;
}

static bool is_ours(const struct walk *w, const json_t *o, const char *chain)
{
	return !strcmp(text(o, "family"), w->family) && !strcmp(text(o, "table"), w->table) &&
	       !strcmp(text(o, "chain"), chain);
}

static enum end walk_chain(struct walk *w, const char *chain, unsigned depth)
{
	const json_t *o, *rule;
	size_t i;

	json_array_foreach(w->objects, i, o) {
		enum end end;

		rule = json_object_get(o, "rule");
		if (!rule || !is_ours(w, rule, chain) || w->walked++ > WALK_MAX)
			continue;
		end = walk_rule(w, chain, rule, depth);
		if (end == END_RETURN)
			return END_FALL;
		if (end != END_FALL)
			return end;
	}
	return END_FALL;
}

/* Tables that iptables-nft made have chains named as the hooks of iptables. */
static bool is_of_iptables(const char *chain)
{
	static const char *const names[] = { "PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(chain, names[i]))
			return true;
	return false;
}

enum fw_verdict fw_nft(const json_t *ruleset, const char *listing, const char *hook, const char *type,
		       const struct fw_packet *p, char *rule)
{
	struct walk w = { .objects = json_object_get(ruleset, "nftables"), .listing = listing, .p = p, .rule = rule };
	const json_t *o, *chain;
	size_t i;

	*rule = '\0';
	json_array_foreach(w.objects, i, o) {
		enum end end;

		chain = json_object_get(o, "chain");
		if (strcmp(text(chain, "hook"), hook) != 0 || strcmp(text(chain, "type"), type) != 0 ||
		    is_of_iptables(text(chain, "name")) || !strncmp(text(chain, "table"), "nfqnat", 6))
			continue;
		w.family = text(chain, "family");
		w.table = text(chain, "table");
		if (strcmp(w.family, "inet") != 0 && strcmp(w.family, p->family == NAT_IPV4 ? "ip" : "ip6") != 0)
			continue;
		end = walk_chain(&w, text(chain, "name"), 0);
		if (end == END_FALL && !strcmp(text(chain, "policy"), "drop")) {
			snprintf(rule, FW_RULE_OCTETS, "table %s %s: the policy of chain %s is drop", w.family, w.table,
				 text(chain, "name"));
			return FW_DROP;
		}
		if (end == END_DROP || end == END_REJECT || end == END_ELSEWHERE)
			return end == END_DROP ? FW_DROP : end == END_REJECT ? FW_REJECT : FW_ELSEWHERE;
	}
	return FW_PASS;
}
