/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fw_xt - rules of iptables, as iptables-save prints them; see fw.h */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "conf/ip.h"
#include "ctl/doctor/fw.h"
#include "conf/import/words.h"

enum { LINE_OCTETS = 2048, DEPTH_MAX = 16, WALK_MAX = 20000 };

/* How a walk through a chain ended. */
enum end { END_FALL, END_RETURN, END_ACCEPT, END_DROP, END_REJECT, END_ELSEWHERE };

struct walk {
	const char *table;		/* the text of one table */
	const char *table_end;
	const char *name;		/* of the table */
	const struct fw_packet *p;
	char *rule;			/* FW_RULE_OCTETS */
	unsigned walked;
};

static bool device_is(const char *pattern, const char *dev)
{
	size_t n = strlen(pattern);

	if (n && pattern[n - 1] == '+')
		return *dev && !strncmp(pattern, dev, n - 1);
	return !strcmp(pattern, dev);
}

static bool addr_is(const char *text, const struct nat_addr *a, uint8_t family, bool any)
{
	struct nat_prefix p;

	return conf_prefix_parse(text, strlen(text), &p) && (!p.bits || (!any && nat_prefix_has(&p, a, family)));
}

static bool ports_have(const char *list, uint16_t port)
{
	uint16_t lo, hi;

	for (const char *at = list; words_ports(&at, ':', &lo, &hi); at++) {
		if (port && lo <= port && port <= hi)
			return true;
		if (*at != ',')
			break;
	}
	return false;
}

static bool proto_is(const char *name, uint8_t proto)
{
	if (!strcmp(name, "all"))
		return true;
	return proto == IPPROTO_TCP ? !strcmp(name, "tcp") : !strcmp(name, "udp");
}

static bool state_is(const char *list, bool fresh)
{
	return strstr(list, fresh ? "NEW" : "ESTABLISHED");
}

/* One condition: 1 it holds, 0 it does not, -1 it is not understood. */
static int condition(const struct fw_packet *p, const char *word, const char *value)
{
	if (!strcmp(word, "-s"))
		return addr_is(value, &p->src, p->family, p->any_src);
	if (!strcmp(word, "-d"))
		return addr_is(value, &p->dst, p->family, p->any_dst);
	if (!strcmp(word, "-i"))
		return device_is(value, p->in);
	if (!strcmp(word, "-o"))
		return device_is(value, p->out);
	if (!strcmp(word, "-p"))
		return proto_is(value, p->proto);
	if (!strcmp(word, "--dport") || !strcmp(word, "--dports"))
		return ports_have(value, p->dport);
	if (!strcmp(word, "--sport") || !strcmp(word, "--sports"))
		return ports_have(value, p->sport);
	if (!strcmp(word, "--ctstate") || !strcmp(word, "--state"))
		return state_is(value, p->fresh);
	if (!strcmp(word, "--dst-type"))
		return !strcmp(value, "LOCAL") ? p->dst_local : -1;
	return !strcmp(word, "-m") || !strcmp(word, "--comment") ? 1 : -1;
}

/* Does the rule match? Its target goes to @target, "" if it has none. */
static bool rule_matches(const struct fw_packet *p, const struct words *w, const char **target)
{
	bool not = false;

	*target = "";
	for (unsigned i = 2; i < w->n; i++) {
		int holds;

		if (!strcmp(w->word[i], "!")) {
			not = true;
			continue;
		}
		if (i + 1 < w->n && (!strcmp(w->word[i], "-j") || !strcmp(w->word[i], "-g"))) {
			*target = w->word[i + 1];
			return true;		/* what follows is the target's */
		}
		if (i + 1 == w->n)
			return false;
		holds = condition(p, w->word[i], w->word[i + 1]);
		if (holds < 0 || (holds > 0) == not)
			return false;
		not = false;
		i++;
	}
	return true;
}

static enum end end_of(const char *target)
{
	static const struct { const char *target; enum end end; } ends[] = {
		{ "ACCEPT", END_ACCEPT },      { "RETURN", END_RETURN },   { "DROP", END_DROP },
		{ "REJECT", END_REJECT },      { "DNAT", END_ELSEWHERE },  { "REDIRECT", END_ELSEWHERE },
	};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (!strcmp(ends[i].target, target))
			return ends[i].end;
	return END_FALL;
}

/* The next line of the table at or behind *@at; copied to @line. False: no more. */
static bool table_line(const struct walk *w, const char **at, char line[LINE_OCTETS])
{
	const char *end;
	size_t n;

	if (*at >= w->table_end)
		return false;
	end = memchr(*at, '\n', (size_t)(w->table_end - *at));
	end = end ? end : w->table_end;
	n = (size_t)(end - *at);
	n = n < LINE_OCTETS - 1 ? n : LINE_OCTETS - 1;
	memcpy(line, *at, n);
	line[n] = '\0';
	*at = end < w->table_end ? end + 1 : end;
	return true;
}

static enum end walk_chain(struct walk *w, const char *chain, unsigned depth)
{
	char line[LINE_OCTETS], whole[FW_RULE_OCTETS];
	const char *at = w->table, *target;
	size_t len = strlen(chain);
	struct words words;
	enum end end;

	while (w->walked < WALK_MAX && table_line(w, &at, line)) {
		if (strncmp(line, "-A ", 3) != 0 || strncmp(line + 3, chain, len) != 0 ||
		    (line[3 + len] && line[3 + len] != ' '))
			continue;
		w->walked++;
		snprintf(whole, sizeof(whole), "%s: %.300s", w->name, line);
		words_split(line, '\0', &words);
		if (words.more || !rule_matches(w->p, &words, &target))
			continue;
		end = end_of(target);
		if (end == END_FALL && *target && depth < DEPTH_MAX)
			end = walk_chain(w, target, depth + 1);
		else
			memcpy(w->rule, whole, sizeof(whole));
		if (end == END_RETURN)
			return END_FALL;
		if (end != END_FALL)
			return end;
	}
	return END_FALL;
}

static bool table_find(struct walk *w, const char *saved, const char *table)
{
	char head[40];
	const char *at;

	snprintf(head, sizeof(head), "*%.30s\n", table);
	at = saved && !strncmp(saved, head, strlen(head)) ? saved : NULL;
	if (saved && !at) {
		snprintf(head, sizeof(head), "\n*%.30s\n", table);
		at = strstr(saved, head);
	}
	if (!at)
		return false;
	w->name = table;
	w->table = at + strlen(head);
	w->table_end = strstr(w->table, "COMMIT");
	w->table_end = w->table_end ? w->table_end : w->table + strlen(w->table);
	return true;
}

enum fw_verdict fw_xt(const char *saved, const char *table, const char *chain, const struct fw_packet *p, char *rule)
{
	struct walk w = { .p = p, .rule = rule };
	char policy[64], line[LINE_OCTETS];
	const char *at;
	enum end end;

	*rule = '\0';
	if (!table_find(&w, saved, table))
		return FW_PASS;
	end = walk_chain(&w, chain, 0);
	snprintf(policy, sizeof(policy), ":%.30s DROP ", chain);
	for (at = w.table; end == END_FALL && table_line(&w, &at, line);)
		if (!strncmp(line, policy, strlen(policy))) {
			snprintf(rule, FW_RULE_OCTETS, "%s: the policy of %s is DROP", table, chain);
			return FW_DROP;
		}
	switch (end) {
	case END_DROP:
		return FW_DROP;
	case END_REJECT:
		return FW_REJECT;
	case END_ELSEWHERE:
		return FW_ELSEWHERE;
	case END_FALL:
	case END_RETURN:
	case END_ACCEPT:
		break;
	}
	return FW_PASS;
}
