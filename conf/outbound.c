/* SPDX-License-Identifier: GPL-2.0-or-later */
/* outbound - the text of outbound rules becomes struct conf_out; outbound.h has the contract. */
#include "conf/outbound.h"

#include <stdlib.h>

#include "conf/build.h"
#include "conf/ip.h"

#define MAX_MAPPINGS 16384u

/* One rule being read. */
struct reader {
	struct conf_build *b;
	struct conf_doc *doc;
	const yaml_node_t *node;
	const char *kind;		/* "masquerade", ... */
};

static const char *const filter_words[] = {
	[CONF_FILTER_ADDRESS] = "address-dependent",
	[CONF_FILTER_ENDPOINT] = "endpoint-independent",
	[CONF_FILTER_BOTH] = "address-and-port",
};

static const char *kind_name(unsigned kind)
{
	return kind == CONF_MASQUERADE ? "masquerade" : kind == CONF_NPTV6 ? "nptv6" : "one-to-one";
}

/* The place of @key, of its item @i, or of the rule if it is not written. */
static struct conf_at place(const struct reader *r, const char *key, unsigned i)
{
	yaml_node_t *list = conf_doc_key(r->doc, r->node, key), *item = conf_doc_item(r->doc, list, i);

	return conf_doc_at(r->doc, item ? item : list ? list : r->node);
}

static void missing(const struct reader *r, const char *key, const char *example)
{
	conf_error_add(r->b->errs, conf_doc_at(r->doc, r->node), "%s: key '%s' is missing here; add it, for example %s: %s",
		       r->kind, key, key, example);
}

/* What is wrong with a prefix of guests or of outside addresses, or NULL. */
static const char *prefix_fault(const struct nat_prefix *p)
{
	switch (conf_ip_kind(&p->addr, (enum nat_family)p->family)) {
	case CONF_IP_UNICAST:
		return p->bits ? NULL : "is everything; write the guests' own subnet";
	case CONF_IP_ANY:
		return "is everything; write the guests' own subnet";
	case CONF_IP_LOOPBACK:
		return "is this host itself; write the guests' subnet";
	case CONF_IP_LINKLOCAL:
		return "is link-local and never leaves its link; write the guests' global or unique local prefix";
	case CONF_IP_MULTICAST:
		return "is not unicast; write the guests' subnet";
	case CONF_IP_MAPPED:
		return "is IPv4 written as IPv6; write the IPv4 prefix";
	}
	return "is of no kind";
}

/* Read a prefix without host bits; @p is only good if it returns true. */
static bool read_prefix(const struct reader *r, const char *key, const char *text, unsigned i, bool any,
			struct nat_prefix *p)
{
	char quote[CONF_QUOTE_MAX], trimmed[CONF_IP_TEXT];
	struct conf_at at = place(r, key, i);
	struct nat_prefix t;
	const char *fault;

	conf_quote(quote, text, strlen(text));
	if (!conf_prefix_parse(text, strlen(text), p)) {
		conf_error_add(r->b->errs, at, "%s: %s %s is not a prefix; write for example 192.168.122.0/24 or \"fd00:122::/64\"",
			       r->kind, key, quote);
		return false;
	}
	fault = any && p->addr.octet[0] != 0xff ? NULL : prefix_fault(p);
	if (fault) {
		conf_error_add(r->b->errs, at, "%s: %s %s %s", r->kind, key, quote, fault);
		return false;
	}
	t = conf_prefix_trim(p);
	if (nat_addr_eq(&t.addr, &p->addr))
		return true;
	conf_error_add(r->b->errs, at, "%s: %s %s has bits set behind the prefix; write %s", r->kind, key, quote,
		       conf_prefix_print(trimmed, &t));
	return false;
}

static void read_device(const struct reader *r, const char *text, bool required, struct conf_out *o)
{
	char quote[CONF_QUOTE_MAX];
	size_t len;

	if (!text) {
		if (required)
			missing(r, "out", "eth0");
		return;
	}
	len = strlen(text);
	if (len < IFNAMSIZ && strcspn(text, " /:%\"'*?$`\\") == len && strcmp(text, ".") != 0 && strcmp(text, "..") != 0) {
		memcpy(o->out, text, len + 1);
		return;
	}
	conf_error_add(r->b->errs, place(r, "out", 0), "%s: out %s is no name of a device; write for example eth0", r->kind,
		       conf_quote(quote, text, len));
}

/* An outside address goes to the rules of its family, none of which may have it inside. */
static void read_to(const struct reader *r, const char *text, unsigned i, struct conf_out *rules, unsigned n)
{
	struct conf_at at = place(r, "to", i);
	char quote[CONF_QUOTE_MAX];
	enum nat_family family;
	struct nat_addr a;
	bool used = false;

	conf_quote(quote, text, strlen(text));
	if (!conf_ip_parse(text, strlen(text), &a, &family) || conf_ip_kind(&a, family) != CONF_IP_UNICAST) {
		conf_error_add(r->b->errs, at, "%s: to %s is no unicast address; write one that leads to this host from outside",
			       r->kind, quote);
		return;
	}
	for (unsigned k = 0; k < n; k++) {
		struct conf_out *o = &rules[k];

		if (o->inside.family != family)
			continue;
		used = true;
		if (nat_prefix_has(&o->inside, &a, (uint8_t)family))
			conf_error_add(r->b->errs, at, "%s: to %s is inside its own `from`; write an outside address", r->kind, quote);
		else if (o->n_to == CONF_OUT_TO)
			conf_error_add(r->b->errs, at, "%s: to %s is one too many; at most %d of a family", r->kind, quote, CONF_OUT_TO);
		else
			o->to[o->n_to++] = a;
	}
	if (n && !used)
		conf_error_add(r->b->errs, at, "%s: to %s is IPv%d, but no `from` is; remove it, or add a prefix", r->kind, quote,
			       (int)family);
}

static void read_except(const struct reader *r, const char *text, unsigned i, struct conf_out *rules, unsigned n)
{
	struct nat_prefix p;
	char quote[CONF_QUOTE_MAX];

	if (!read_prefix(r, "except", text, i, true, &p))
		return;
	for (unsigned k = 0; k < n; k++) {
		if (rules[k].inside.family != p.family)
			continue;
		if (rules[k].n_except < CONF_OUT_EXCEPT)
			rules[k].except[rules[k].n_except++] = p;
		else
			conf_error_add(r->b->errs, place(r, "except", i), "%s: except %s is one too many; at most %d of a family",
				       r->kind, conf_quote(quote, text, strlen(text)), CONF_OUT_EXCEPT);
	}
}

static void read_ports(const struct reader *r, const char *text, struct conf_out *o)
{
	char quote[CONF_QUOTE_MAX], *end = NULL;
	unsigned long lo, hi = 0;

	if (!text)
		return;
	lo = strtoul(text, &end, 10);
	if (*end == '-')
		hi = strtoul(end + 1, &end, 10);
	if (strspn(text, "0123456789-") == strlen(text) && !*end && lo && lo <= hi && hi <= 65535) {
		o->lo = (uint16_t)lo;
		o->hi = (uint16_t)hi;
		return;
	}
	conf_error_add(r->b->errs, place(r, "ports", 0), "%s: ports %s is not a range; write for example 20000-29999", r->kind,
		       conf_quote(quote, text, strlen(text)));
}

static void read_filter(const struct reader *r, const char *text, struct conf_out *o)
{
	char quote[CONF_QUOTE_MAX];

	for (unsigned i = 0; text && i < sizeof(filter_words) / sizeof(*filter_words); i++)
		if (!strcmp(text, filter_words[i])) {
			o->filter = (uint8_t)i;
			return;
		}
	if (text)
		conf_error_add(r->b->errs, place(r, "filter", 0), "%s: filter %s is not known; write %s, %s or %s", r->kind,
			       conf_quote(quote, text, strlen(text)), filter_words[0], filter_words[1], filter_words[2]);
}

static void read_rest(const struct reader *r, const struct conf_raw_out *raw, struct conf_out *o)
{
	char quote[CONF_QUOTE_MAX], *end = NULL;
	unsigned long n;

	read_ports(r, raw->ports, o);
	read_filter(r, raw->filter, o);
	o->pick_up = raw->mid_stream && !strcmp(raw->mid_stream, "pick-up");
	if (raw->mid_stream && !o->pick_up && strcmp(raw->mid_stream, "drop") != 0)
		conf_error_add(r->b->errs, place(r, "mid-stream", 0), "%s: mid-stream %s is not known; write drop or pick-up", r->kind,
			       conf_quote(quote, raw->mid_stream, strlen(raw->mid_stream)));
	o->max_mappings = MAX_MAPPINGS;
	if (!raw->max_mappings)
		return;
	n = strtoul(raw->max_mappings, &end, 10);
	if (strspn(raw->max_mappings, "0123456789") == strlen(raw->max_mappings) && n >= 1 && n <= 1000000)
		o->max_mappings = (uint32_t)n;
	else
		conf_error_add(r->b->errs, place(r, "max-mappings", 0),
			       "%s: max-mappings %s is no number from 1 to 1000000; write for example %u", r->kind,
			       conf_quote(quote, raw->max_mappings, strlen(raw->max_mappings)), MAX_MAPPINGS);
}

static bool same_rule(const struct conf_out *a, const struct conf_out *b)
{
	return a->inside.family == b->inside.family && a->inside.bits == b->inside.bits &&
	       nat_addr_eq(&a->inside.addr, &b->inside.addr) && !strcmp(a->out, b->out) && a->kind == b->kind;
}

static void too_many(const struct reader *r, struct conf_at at)
{
	conf_error_add(r->b->errs, at, "%s: more than %d outbound rules; join prefixes", r->kind, CONF_OUTS);
}

/* Add a finished rule, in the order of kinds. */
static void add(const struct reader *r, struct conf_out *o)
{
	struct conf *c = r->b->conf;
	struct conf_at at = conf_doc_at(r->doc, r->node);
	char text[CONF_IP_TEXT];
	unsigned i;

	o->line = at.line;
	o->col = at.col;
	for (i = 0; i < c->n_outs; i++)
		if (same_rule(&c->outs[i], o)) {
			conf_error_add(r->b->errs, at, "%s of %s is already written at line %u; remove one", r->kind,
				       conf_prefix_print(text, &o->inside), c->outs[i].line);
			return;
		}
	if (c->n_outs == CONF_OUTS) {
		too_many(r, at);
		return;
	}
	for (i = c->n_outs++; i && c->outs[i - 1].kind > o->kind; i--)
		c->outs[i] = c->outs[i - 1];
	c->outs[i] = *o;
}

static void read_masquerade(const struct reader *r, const struct conf_raw_out *raw)
{
	struct conf_out rules[CONF_OUTS], common = { .kind = CONF_MASQUERADE };
	unsigned n = 0;

	if (!raw->n_from)
		missing(r, "from", "\"fd00:122::/64\"");
	read_device(r, raw->out, true, &common);
	read_rest(r, raw, &common);
	for (unsigned i = 0; i < raw->n_from && n < CONF_OUTS; i++) {
		rules[n] = common;
		n += read_prefix(r, "from", raw->from[i], i, false, &rules[n].inside);
	}
	if (raw->n_from > CONF_OUTS)
		too_many(r, place(r, "from", CONF_OUTS));
	for (unsigned i = 0; i < raw->n_to; i++)
		read_to(r, raw->to[i], i, rules, n);
	for (unsigned i = 0; i < raw->n_except; i++)
		read_except(r, raw->except[i], i, rules, n);
	for (unsigned i = 0; i < n; i++)
		add(r, &rules[i]);
}

static void read_stateless(const struct reader *r, const struct conf_raw_out *raw, unsigned kind)
{
	struct conf_out o = { .kind = (uint8_t)kind };
	bool good = raw->inside && raw->outside;

	if (!raw->inside)
		missing(r, "inside", kind == CONF_NPTV6 ? "\"fd00:122::/48\"" : "192.168.122.50");
	if (!raw->outside)
		missing(r, "outside", kind == CONF_NPTV6 ? "\"2001:db8:1::/48\"" : "203.0.113.50");
	read_device(r, raw->out, kind == CONF_NPTV6, &o);
	if (!good || !read_prefix(r, "inside", raw->inside, 0, false, &o.inside) ||
	    !read_prefix(r, "outside", raw->outside, 0, false, &o.outside))
		return;
	if (o.inside.family != o.outside.family || o.inside.bits != o.outside.bits) {
		conf_error_add(r->b->errs, place(r, "outside", 0),
			       "%s: inside and outside differ in family or length; write two prefixes of the same", r->kind);
		return;
	}
	if (kind == CONF_NPTV6 && (o.inside.family != NAT_IPV6 || o.inside.bits > 64)) {
		conf_error_add(r->b->errs, place(r, "inside", 0),
			       "%s: RFC 6296 translates IPv6 prefixes of at most 64 bits; use one-to-one for others", r->kind);
		return;
	}
	if (nat_addr_eq(&o.inside.addr, &o.outside.addr)) {
		conf_error_add(r->b->errs, place(r, "outside", 0), "%s: inside and outside are the same; remove the rule", r->kind);
		return;
	}
	add(r, &o);
}

void conf_outbound_add(struct conf_build *b, const struct conf_raw_out *raw, unsigned kind, struct conf_doc *doc,
		       const yaml_node_t *node)
{
	struct reader r = { b, doc, node, kind_name(kind) };

	if (kind == CONF_MASQUERADE)
		read_masquerade(&r, raw);
	else
		read_stateless(&r, raw, kind);
}

static bool prefix_same(const struct nat_prefix *a, const struct nat_prefix *b)
{
	return a->family == b->family && a->bits == b->bits && nat_addr_eq(&a->addr, &b->addr);
}

bool conf_out_same(const struct conf_out *a, const struct conf_out *b)
{
	bool same = a->kind == b->kind && a->filter == b->filter && a->pick_up == b->pick_up && a->n_to == b->n_to &&
		    a->n_except == b->n_except && a->lo == b->lo && a->hi == b->hi && a->max_mappings == b->max_mappings &&
		    !strcmp(a->out, b->out) && prefix_same(&a->inside, &b->inside) && prefix_same(&a->outside, &b->outside);

	for (unsigned i = 0; same && i < a->n_to; i++)
		same = nat_addr_eq(&a->to[i], &b->to[i]);
	for (unsigned i = 0; same && i < a->n_except; i++)
		same = prefix_same(&a->except[i], &b->except[i]);
	return same;
}

const char *conf_out_name(char *buf, const struct conf_out *o)
{
	char text[CONF_IP_TEXT];

	snprintf(buf, 64, "%s %s", kind_name(o->kind), conf_prefix_print(text, &o->inside));
	return buf;
}

void conf_out_print(const struct conf_out *o, FILE *out)
{
	char name[64], text[CONF_IP_TEXT];

	fputs(conf_out_name(name, o), out);
	if (*o->out)
		fprintf(out, " out %s", o->out);
	if (o->kind != CONF_MASQUERADE) {
		fprintf(out, " as %s\n", conf_prefix_print(text, &o->outside));
		return;
	}
	for (unsigned i = 0; i < o->n_to; i++)
		fprintf(out, "%s %s", i ? "," : " to", conf_ip_print(text, &o->to[i], (enum nat_family)o->inside.family, false));
	if (o->lo)
		fprintf(out, " ports %u-%u", o->lo, o->hi);
	fprintf(out, " filter %s", filter_words[o->filter]);
	if (o->pick_up)
		fputs(" mid-stream pick-up", out);
	fprintf(out, " max-mappings %u", o->max_mappings);
	for (unsigned i = 0; i < o->n_except; i++)
		fprintf(out, "%s %s", i ? "," : " except", conf_prefix_print(text, &o->except[i]));
	fputc('\n', out);
}
