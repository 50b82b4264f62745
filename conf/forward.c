/* SPDX-License-Identifier: GPL-2.0-or-later */
/* forward - the text of one forward becomes a name, targets, sources and items. */
#include <stdlib.h>

#include "conf/build.h"
#include "conf/ip.h"

#define NAME_MAX_LEN 63

/* One forward being read: what is common to all its parts. */
struct reader {
	struct conf_build *b;
	struct conf_doc *doc;
	const yaml_node_t *node;	/* the forward */
};

/* The place of item @i of list @key. */
static struct conf_at place(struct reader *r, const char *key, unsigned i)
{
	yaml_node_t *item = conf_doc_item(r->doc, conf_doc_key(r->doc, r->node, key), i);

	return conf_doc_at(r->doc, item ? item : r->node);
}

/* The same, @skip octets into the text; only if the text stands there as it reads. */
static struct conf_at place_in(struct reader *r, const char *key, unsigned i, size_t skip)
{
	yaml_node_t *item = conf_doc_item(r->doc, conf_doc_key(r->doc, r->node, key), i);
	struct conf_at at = place(r, key, i);
	size_t width;

	if (!item || item->start_mark.line != item->end_mark.line)
		return at;
	width = item->end_mark.column - item->start_mark.column;
	if (width == item->data.scalar.length)
		at.col += (unsigned)skip;
	else if (width == item->data.scalar.length + 2)
		at.col += (unsigned)skip + 1;		/* the quote */
	return at;
}

static bool is_name(const char *s)
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:";
	size_t len = strlen(s);

	return len <= NAME_MAX_LEN && strspn(s, set) == len && *s != '-';
}

static void read_name(struct reader *r, const struct conf_raw_forward *raw, struct conf_forward *f,
		      const struct conf_targets *to)
{
	const char *text = raw->name, *made_up = raw->guest;
	yaml_node_t *node = conf_doc_key(r->doc, r->node, "name");
	struct conf_at at = conf_doc_at(r->doc, node ? node : r->node);
	char ip[CONF_IP_TEXT] = "?", quote[CONF_QUOTE_MAX];

	if (text && !is_name(text)) {
		conf_error_add(r->b->errs, at,
			       "name %s will not do; use up to %d letters, digits and . _ - : not beginning with -",
			       conf_quote(quote, text, strlen(text)), NAME_MAX_LEN);
		text = NULL;
	}
	f->is_named = text;
	if (!text && (to->has4 || to->has6))
		conf_ip_print(ip, to->has4 ? &to->to4 : &to->to6, to->has4 ? NAT_IPV4 : NAT_IPV6, false);
	f->line = at.line;
	f->col = at.col;
	f->name = strdup(text ? text : made_up ? made_up : ip);
	f->file = strdup(r->doc->file);
	if (!f->name || !f->file)
		r->b->errs->oom = true;
}

static const char *target_fault(enum conf_ip_kind kind)
{
	switch (kind) {
	case CONF_IP_UNICAST:
		return NULL;
	case CONF_IP_ANY:
		return "is no address of a guest; write the guest's own";
	case CONF_IP_LOOPBACK:
		return "is this host itself; write the guest's address";
	case CONF_IP_LINKLOCAL:
		return "is link-local and cannot be forwarded to; give the guest a global or unique local address";
	case CONF_IP_MULTICAST:
		return "is not a unicast address; write the guest's own";
	case CONF_IP_MAPPED:
		return "is an IPv4 address written as IPv6; write the IPv4 address alone";
	}
	return "is of no kind";
}

static void read_to(struct reader *r, const char *text, unsigned i, struct conf_targets *to)
{
	struct conf_at at = place(r, "to", i);
	char quote[CONF_QUOTE_MAX];
	enum nat_family family;
	struct nat_addr addr;
	const char *fault;
	bool *has;

	conf_quote(quote, text, strlen(text));
	if (!conf_ip_parse(text, strlen(text), &addr, &family)) {
		conf_error_add(r->b->errs, at,
			       "to %s is not an IP address; write for example 192.168.122.50 or \"fd00:122::50\"", quote);
		return;
	}
	fault = target_fault(conf_ip_kind(&addr, family));
	if (fault) {
		conf_error_add(r->b->errs, at, "to %s %s", quote, fault);
		return;
	}
	has = family == NAT_IPV4 ? &to->has4 : &to->has6;
	if (*has) {
		conf_error_add(r->b->errs, at, "to %s is a second IPv%d address; a forward has one, make a forward for each",
			       quote, (int)family);
		return;
	}
	*has = true;
	*(family == NAT_IPV4 ? &to->to4 : &to->to6) = addr;
}

static void read_allow(struct reader *r, const char *text, unsigned i, struct conf_forward *f)
{
	char quote[CONF_QUOTE_MAX], trimmed[CONF_IP_TEXT];
	struct conf_at at = place(r, "allow", i);
	struct nat_prefix p, t;

	conf_quote(quote, text, strlen(text));
	if (!conf_prefix_parse(text, strlen(text), &p)) {
		conf_error_add(r->b->errs, at,
			       "allow %s is not a prefix; write for example 198.51.100.0/24 or \"2001:db8::/32\"", quote);
		return;
	}
	if (conf_ip_kind(&p.addr, (enum nat_family)p.family) == CONF_IP_MAPPED) {
		conf_error_add(r->b->errs, at, "allow %s is IPv4 written as IPv6; write the IPv4 prefix", quote);
		return;
	}
	t = conf_prefix_trim(&p);
	if (!nat_addr_eq(&t.addr, &p.addr)) {
		conf_error_add(r->b->errs, at, "allow %s has bits set behind the prefix; write %s", quote,
			       conf_prefix_print(trimmed, &t));
		return;
	}
	f->allow[f->n_allow++] = p;
}

/* Read the items that are right into @items; returns how many. */
static unsigned read_publish(struct reader *r, const struct conf_raw_forward *raw, struct conf_item *items)
{
	char quote[CONF_QUOTE_MAX];
	unsigned n = 0;

	for (unsigned i = 0; i < raw->n_publish; i++) {
		const char *text = raw->publish[i];
		size_t at = 0;
		enum publish_err err = publish_parse(text, strlen(text), &items[n].p, &at);

		if (err) {
			conf_error_add(r->b->errs, place_in(r, "publish", i, at), "publish %s: %s",
				       conf_quote(quote, text, strlen(text)), publish_err_text(err));
			continue;
		}
		items[n].at = place(r, "publish", i);
		if (items[n].p.block && !raw->guest)
			conf_error_add(r->b->errs, items[n].at,
				       "publish %s: a block is for each guest of a forward with guest; write a range",
				       conf_quote(quote, text, strlen(text)));
		items[n++].text = text;
	}
	return n;
}

static void read_source(struct reader *r, const char *text, struct conf_forward *f)
{
	yaml_node_t *node = conf_doc_key(r->doc, r->node, "source");
	char quote[CONF_QUOTE_MAX];

	if (f->guest)
		f->guest->client_source = text && !strcmp(text, "client");
	if (!text || !strcmp(text, "client"))
		return;
	f->host_source = !strcmp(text, "host");
	if (!f->host_source)
		conf_error_add(r->b->errs, conf_doc_at(r->doc, node), "source %s is not known; write client or host",
			       conf_quote(quote, text, strlen(text)));
}

/* Rows of both families without a target: where the guest is, libvirt will tell. */
static void add_guest_rows(struct conf_build *b, struct conf_forward *f, const struct conf_item *items, unsigned n,
			   const struct conf_targets *to)
{
	const struct conf_targets any = { .has4 = true, .has6 = true };
	struct conf c = { .source_lo = b->conf->source_lo, .source_hi = b->conf->source_hi };
	struct conf_build rows = { .conf = &c, .errs = b->errs };

	if (!f->guest)
		return;
	f->guest->has4 = to->has4;
	f->guest->has6 = to->has6;
	f->guest->to4 = to->to4;
	f->guest->to6 = to->to6;
	conf_rows_add(&rows, b->conf->n_forwards - 1, items, n, &any);
	f->guest->rows = c.rows;
	f->guest->n_rows = c.n_rows;
}

static struct conf_forward *add(struct conf_build *b)
{
	struct conf *c = b->conf;

	if (c->n_forwards == b->forwards_room) {
		unsigned room = b->forwards_room ? 2 * b->forwards_room : 8;
		struct conf_forward *more = reallocarray(c->forwards, room, sizeof(*more));

		if (!more)
			return NULL;
		c->forwards = more;
		b->forwards_room = room;
	}
	c->forwards[c->n_forwards] = (struct conf_forward){ 0 };
	return &c->forwards[c->n_forwards++];
}

void conf_forward_add(struct conf_build *b, const struct conf_raw_forward *raw, struct conf_doc *doc,
		      const yaml_node_t *node)
{
	struct conf_item *items = calloc(raw->n_publish + 1ul, sizeof(*items));
	struct nat_prefix *allow = calloc(raw->n_allow + 1ul, sizeof(*allow));
	struct reader r = { b, doc, node };
	struct conf_targets to = { 0 };
	struct conf_forward *f;
	unsigned n;

	f = items && allow ? add(b) : NULL;
	if (!f) {
		b->errs->oom = true;
		free(items);
		free(allow);
		return;
	}
	f->allow = allow;
	for (unsigned i = 0; i < raw->n_to; i++)
		read_to(&r, raw->to[i], i, &to);
	for (unsigned i = 0; i < raw->n_allow; i++)
		read_allow(&r, raw->allow[i], i, f);
	f->guest = conf_guest_read(b, raw, doc, node);
	read_source(&r, raw->source, f);
	conf_policy_read(b, raw, doc, node, &f->policy);
	read_name(&r, raw, f, &to);
	n = read_publish(&r, raw, items);
	if (raw->guest)
		add_guest_rows(b, f, items, n, &to);
	else
		conf_rows_add(b, b->conf->n_forwards - 1, items, n, &to);
	free(items);
}
