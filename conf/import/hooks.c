/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hooks - hooks.json (qemu.json) of libvirt-hook-qemu, and of its fork with IPv6.
 *
 *	{ "DOMAIN": ENTRY or [ENTRY, ...], ... }
 *	ENTRY   private_ip, private_ipv6   the guest
 *	        public_ip, public_ipv6     listen there; else on every address
 *	        source_ip, source_ipv6     only from there
 *	        public_interface           only what arrives on it
 *	        interface                  toward the guest; the routing table knows
 *	        port_map                   { "tcp": [443, [1100, 3000]], "udp": ..., "icmp": ... }
 *	        port_range                 [{ "init_port": N, "ports_num": N, "protocol": "tcp" }]
 *
 * The hook is given a key of its own for comments (// and block ones) and
 * people leave trailing commas: both become blanks before jansson reads it.
 */
#include <jansson.h>
#include <netinet/in.h>
#include <string.h>

#include "conf/ip.h"
#include "conf/import/import.h"

enum { PORTS_PER_ENTRY = 65535 };

/* Comments and commas before a closing bracket become blanks; lines stay lines. */
static void blank(char *text)
{
	char *comma = NULL;

	for (char *c = text; *c; c++) {
		if (*c == '"') {
			comma = NULL;
			for (c++; *c && *c != '"'; c++)
				c += *c == '\\' && c[1];
			if (!*c)
				return;
		} else if (*c == '/' && (c[1] == '/' || c[1] == '*')) {
			bool block = c[1] == '*';

			for (; *c && (block ? c[0] != '*' || c[1] != '/' || c[-1] == '/' : *c != '\n'); c++)
				if (*c != '\n')
					*c = ' ';
			if (!*c)
				return;
			if (block)
				c[0] = c[1] = ' ';
		} else if (*c == ',') {
			comma = c;
		} else if (*c == ']' || *c == '}') {
			if (comma)
				*comma = ' ';
			comma = NULL;
		} else if (!strchr(" \t\r\n", *c)) {
			comma = NULL;
		}
	}
}

/* jansson keeps no lines: the line of `"key":` at or behind *@from, which moves there; 0: not found. */
static unsigned line_of(const char *text, const char *key, const char **from)
{
	size_t len = strlen(key);
	unsigned line = 1;

	for (const char *p = *from; (p = strstr(p, key)); p++) {
		const char *colon = p + len + 1;

		if (p == text || p[-1] != '"' || p[len] != '"')
			continue;
		colon += strspn(colon, " \t\r\n");
		if (*colon != ':')
			continue;
		*from = p;
		for (const char *c = text; c < p; c++)
			line += *c == '\n';
		return line;
	}
	return 0;
}

/* One entry on its way. */
struct entry {
	struct plan *plan;
	unsigned line;			/* of its domain, or of its guest's address */
	struct plan_head head;
	struct publish item;		/* listen and dev; proto and ports are filled in */
};

static const char *text_of(const json_t *entry, const char *key)
{
	return json_string_value(json_object_get(entry, key));
}

/* Keys that are there must be text that we know: one that is not read might have been a restriction. */
static bool check_keys(const struct entry *e, const json_t *entry)
{
	static const char *const texts[] = { "private_ip", "private_ipv6", "public_ip", "public_ipv6", "source_ip",
					     "source_ipv6", "public_interface", "interface" };
	unsigned before = e->plan->left_out;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)entry, key, value) {
		bool known = !strcmp(key, "port_map") || !strcmp(key, "port_range");
		bool text = false;

		for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
			text |= !strcmp(key, texts[i]);
		if (!known && !text)
			plan_leave(e->plan, e->line, "key '%.40s' is not one of the hook's", key);
		else if (text && !json_is_string(value))
			plan_leave(e->plan, e->line, "%s is not text; write it in quotes", key);
	}
	return e->plan->left_out == before;
}

static void add(struct entry *e, const char *proto, json_int_t lo, json_int_t to, json_int_t n)
{
	struct publish item = e->item;

	if (!strcmp(proto, "icmp")) {
		item.proto = IPPROTO_ICMP;
		plan_note(e->plan, e->line, "icmp has no ports: ping of the host is answered by the guest");
	} else if (strcmp(proto, "tcp") != 0 && strcmp(proto, "udp") != 0) {
		plan_leave(e->plan, e->line, "protocol '%.20s' is not forwarded here; tcp, udp and icmp are", proto);
		return;
	} else if (lo < 1 || to < 1 || n < 1 || lo + n > 65536 || to + n > 65536 || n > PORTS_PER_ENTRY) {
		plan_leave(e->plan, e->line, "%s ports %" JSON_INTEGER_FORMAT " to %" JSON_INTEGER_FORMAT
			   ", %" JSON_INTEGER_FORMAT " of them: ports are 1 to 65535", proto, lo, to, n);
		return;
	} else {
		item.proto = !strcmp(proto, "tcp") ? IPPROTO_TCP : IPPROTO_UDP;
		item.lo = (uint16_t)lo;
		item.hi = (uint16_t)(lo + n - 1);
		item.to_lo = (uint16_t)to;
	}
	plan_add(e->plan, e->line, &e->head, &item);
}

static void add_mapped(struct entry *e, const char *proto, const json_t *port)
{
	const json_t *from = json_array_get(port, 0), *to = json_array_get(port, 1);

	if (json_is_integer(port))
		add(e, proto, json_integer_value(port), json_integer_value(port), 1);
	else if (json_array_size(port) == 2 && json_is_integer(from) && json_is_integer(to))
		add(e, proto, json_integer_value(from), json_integer_value(to), 1);
	else
		plan_leave(e->plan, e->line, "a port of port_map is neither a number nor [host, guest]");
}

static void add_range(struct entry *e, const json_t *range)
{
	const json_t *first = json_object_get(range, "init_port"), *n = json_object_get(range, "ports_num");
	const char *proto = text_of(range, "protocol");

	if (!proto || !json_is_integer(first) || !json_is_integer(n))
		plan_leave(e->plan, e->line, "a port_range needs init_port, ports_num and protocol");
	else
		add(e, proto, json_integer_value(first), json_integer_value(first), json_integer_value(n));
}

static void add_ports(struct entry *e, const json_t *entry)
{
	json_t *map = json_object_get(entry, "port_map"), *ranges = json_object_get(entry, "port_range"), *ports, *port;
	const char *proto;
	size_t i;

	if ((map && !json_is_object(map)) || (ranges && !json_is_array(ranges)))
		plan_leave(e->plan, e->line, "port_map is not {...}, or port_range not [...]");
	json_object_foreach(map, proto, ports) {
		if (!json_is_array(ports))
			plan_leave(e->plan, e->line, "port_map.%.20s is not a list", proto);
		json_array_foreach(ports, i, port)
			add_mapped(e, proto, port);
	}
	json_array_foreach(ranges, i, port)
		add_range(e, port);
	if (!map && !ranges)
		plan_leave(e->plan, e->line, "has neither port_map nor port_range");
}

/* What a family's keys say. False: a part is not understood, and the family is left out. */
static bool read_family(struct entry *e, const json_t *entry, bool v6)
{
	const char *to = text_of(entry, v6 ? "private_ipv6" : "private_ip");
	const char *listen = text_of(entry, v6 ? "public_ipv6" : "public_ip");
	const char *source = text_of(entry, v6 ? "source_ipv6" : "source_ip");
	enum nat_family family, want = v6 ? NAT_IPV6 : NAT_IPV4;
	const char *wrong = NULL;

	if (!to)
		return false;
	e->item.family = (uint8_t)want;
	if (!plan_target(&e->head, to) || (v6 ? e->head.has4 : e->head.has6))
		wrong = to;
	else if (listen && (!conf_ip_parse(listen, strlen(listen), &e->item.listen, &family) || family != want))
		wrong = listen;
	else if (source && (!plan_allow(&e->head, source) || e->head.allow[0].family != want))
		wrong = source;
	if (!wrong)
		return true;
	plan_leave(e->plan, e->line, "'%.60s' is not an IPv%d address", wrong, want);
	return false;
}

static void add_entry(struct plan *p, const char *domain, const json_t *entry, unsigned line)
{
	struct entry e = { .plan = p, .line = line }, family[2];
	const char *dev = text_of(entry, "public_interface");
	bool has[2];

	plan_name(e.head.name, domain);
	if (!check_keys(&e, entry))
		return;
	if (dev && strlen(dev) >= sizeof(e.item.dev)) {
		plan_leave(p, line, "public_interface '%.40s' is too long for a device", dev);
		return;
	}
	if (dev)
		memcpy(e.item.dev, dev, strlen(dev));
	for (unsigned v6 = 0; v6 < 2; v6++) {
		family[v6] = e;
		has[v6] = read_family(&family[v6], entry, v6);
	}
	if (!has[0] && !has[1]) {
		if (!text_of(entry, "private_ip") && !text_of(entry, "private_ipv6"))
			plan_leave(p, line, "'%.40s' has neither private_ip nor private_ipv6", domain);
		return;
	}
	/* Without addresses or sources of a family, both share a forward and its items. */
	if (has[0] && has[1] && !family[0].head.n_allow && !family[1].head.n_allow &&
	    nat_addr_is_any(&family[0].item.listen) && nat_addr_is_any(&family[1].item.listen)) {
		family[0].head.has6 = true;
		family[0].head.to6 = family[1].head.to6;
		family[0].item.family = 0;
		has[1] = false;
	}
	for (unsigned v6 = 0; v6 < 2; v6++)
		if (has[v6])
			add_ports(&family[v6], entry);
}

static void add_domain(struct plan *p, const char *text, const char *domain, const json_t *value, const char **from)
{
	unsigned line = line_of(text, domain, from);
	json_t *entry;
	size_t i;

	if (json_is_object(value)) {
		add_entry(p, domain, value, line);
		return;
	}
	if (!json_is_array(value)) {
		plan_leave(p, line, "'%.40s' is neither {...} nor a list of them", domain);
		return;
	}
	json_array_foreach(value, i, entry) {
		unsigned own = line_of(text, json_object_get(entry, "private_ip") ? "private_ip" : "private_ipv6",
				       from);

		*from += own != 0;
		add_entry(p, domain, entry, own ? own : line);
	}
}

bool import_hooks(struct plan *p, char *text, const struct import_args *args)
{
	const char *domain, *from = text;
	json_error_t err;
	json_t *root, *value;

	(void)args;
	blank(text);
	root = json_loads(text, JSON_REJECT_DUPLICATES, &err);
	if (!root) {
		fprintf(p->notes, "%s:%d:%d: %s; mend the JSON\n", p->name, err.line, err.column, err.text);
		return false;
	}
	if (!json_is_object(root))
		plan_leave(p, 1, "this is not hooks.json: no { \"domain\": ... }");
	json_object_foreach(root, domain, value)
		add_domain(p, text, domain, value, &from);
	json_decref(root);
	return true;
}
