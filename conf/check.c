/* SPDX-License-Identifier: GPL-2.0-or-later */
/* check - what can be judged only when all files are read: clashes and limits. */
#include <netinet/in.h>
#include <stdlib.h>

#include "conf/build.h"
#include "nat/tuple.h"

#define COMPARE(x, y) do { if ((x) != (y)) return (x) < (y) ? -1 : 1; } while (0)

/* The order in which things were written. */
static int by_place(const struct conf_row *a, const struct conf_row *b)
{
	COMPARE(a->forward, b->forward);
	COMPARE(a->line, b->line);
	COMPARE(a->col, b->col);
	return 0;
}

/* Rows of one listener stand together: same family, protocol, address and device. */
int conf_row_by_listener(const struct conf_row *a, const struct conf_row *b)
{
	int c;

	COMPARE(a->family, b->family);
	COMPARE(a->proto, b->proto);
	COMPARE(a->rest, b->rest);		/* the rest takes what others leave: no clash */
	c = memcmp(a->listen.octet, b->listen.octet, sizeof(a->listen.octet));
	return c ? c : strcmp(a->dev, b->dev);
}

/* Of one listener, by the lower port. */
static int for_clashes(const void *x, const void *y)
{
	const struct conf_row *a = x, *b = y;
	int c = conf_row_by_listener(a, b);

	if (c)
		return c;
	COMPARE(a->lo, b->lo);
	return by_place(a, b);
}

/* The same of one forward. */
static int for_own_clashes(const void *x, const void *y)
{
	const struct conf_row *a = x, *b = y;
	int c = conf_row_by_listener(a, b);

	if (c)
		return c;
	COMPARE(a->forward, b->forward);
	return for_clashes(x, y);
}

/* The order conf.h promises; address before device before any, then down to the last bit. */
static int for_use(const void *x, const void *y)	/* NOLINT(readability-function-cognitive-complexity): one line per key */
{
	const struct conf_row *a = x, *b = y;
	int c;

	COMPARE(a->family, b->family);
	COMPARE(a->proto, b->proto);
	COMPARE(a->lo, b->lo);
	COMPARE(a->rest, b->rest);
	COMPARE(nat_addr_is_any(&a->listen), nat_addr_is_any(&b->listen));
	COMPARE(!*a->dev, !*b->dev);
	COMPARE(a->hi, b->hi);
	c = conf_row_by_listener(a, b);
	return c ? c : by_place(a, b);
}

void conf_rows_sort(struct conf *c)
{
	qsort(c->rows, c->n_rows, sizeof(*c->rows), for_use);
}

static struct conf_at row_at(const struct conf *c, const struct conf_row *r)
{
	return (struct conf_at){ c->forwards[r->forward].file, r->line, r->col };
}

/* "port 80/tcp is", "ports 80-90/udp are", "ping is" */
static const char *subject(char buf[48], uint8_t proto, unsigned lo, unsigned hi)
{
	if (proto == IPPROTO_ICMP)
		return "ping is";
	if (!nat_proto_has_ports(proto)) {
		snprintf(buf, 48, "%s is", publish_proto_name(proto));
		return buf;
	}
	if (lo == hi)
		snprintf(buf, 48, "port %u/%s is", lo, publish_proto_name(proto));
	else
		snprintf(buf, 48, "ports %u-%u/%s are", lo, hi, publish_proto_name(proto));
	return buf;
}

static void clash(struct conf_build *b, const struct conf_row *x, const struct conf_row *y)
{
	const struct conf_row *first = by_place(x, y) <= 0 ? x : y, *second = first == x ? y : x;
	unsigned lo = x->lo > y->lo ? x->lo : y->lo, hi = x->hi < y->hi ? x->hi : y->hi;
	const struct conf_at at = row_at(b->conf, first);
	char what[48];

	conf_error_add(b->errs, row_at(b->conf, second),
		       "%s already forwarded at %s:%u; remove one, or give each its own address",
		       subject(what, x->proto, lo, hi), at.file, at.line);
}

/* Everything that is published: rows with a target, and those that wait for a guest. To be freed; NULL: no memory. */
static struct conf_row *all_rows(const struct conf *c, unsigned *n)
{
	struct conf_row *all;

	*n = c->n_rows;
	for (unsigned i = 0; i < c->n_forwards; i++)
		*n += c->forwards[i].guest ? c->forwards[i].guest->n_rows : 0;
	all = calloc(*n + 1ul, sizeof(*all));
	if (!all)
		return NULL;
	*n = c->n_rows;
	if (*n)
		memcpy(all, c->rows, *n * sizeof(*all));
	for (unsigned i = 0; i < c->n_forwards; i++) {
		const struct conf_guest *g = c->forwards[i].guest;

		if (g && g->n_rows)
			memcpy(all + *n, g->rows, g->n_rows * sizeof(*all));
		*n += g ? g->n_rows : 0;
	}
	return all;
}

/* Of rows of two patterns nothing can be said: which guests there will be nobody knows. Blocks find a place where there is one. */
static bool may_share(const struct conf *c, const struct conf_row *x, const struct conf_row *y)
{
	const struct conf_guest *g = c->forwards[x->forward].guest, *h = c->forwards[y->forward].guest;

	return x->block || y->block || (g && h && g->is_glob && h->is_glob && x->forward != y->forward);
}

/*
 * Sweep each listener's rows by their lower port, beside the one that reaches
 * farthest. A forward's own rows are held against each other in a sweep of
 * their own: beside two patterns' rows that may overlap, none of them may reach farthest.
 */
static void sweep(struct conf_build *b, struct conf_row *row, unsigned n, bool own)
{
	const struct conf_row *far = row;

	qsort(row, n, sizeof(*row), own ? for_own_clashes : for_clashes);
	for (unsigned i = 1; i < n; i++) {
		const struct conf_row *r = &row[i];
		bool of_one = far->forward == r->forward, same = !conf_row_by_listener(far, r) && (of_one || !own);

		if (same && of_one == own && r->lo <= far->hi && !may_share(b->conf, far, r))
			clash(b, far, r);
		if (!same || (r->hi > far->hi && !r->block) || far->block)
			far = r;
	}
}

static void check_clashes(struct conf_build *b, struct conf_row *row, unsigned n)
{
	sweep(b, row, n, true);
	sweep(b, row, n, false);
}

/* Answers to nfqnat's own source ports must not be taken for a forward. */
static void check_source_ports(struct conf_build *b, const struct conf_row *row, unsigned n)
{
	const struct conf *c = b->conf;
	char what[48];

	for (unsigned i = 0; i < n; i++) {
		const struct conf_row *r = &row[i];

		if (!nat_proto_has_ports(r->proto) || r->lo > c->source_hi || r->hi < c->source_lo)
			continue;
		subject(what, r->proto, r->lo > c->source_lo ? r->lo : c->source_lo,
			r->hi < c->source_hi ? r->hi : c->source_hi);
		conf_error_add(b->errs, row_at(c, r),
			       "%s among source-ports %u-%u; publish other ports, or move source-ports", what,
			       c->source_lo, c->source_hi);
	}
}

struct named {
	const char *name;
	uint32_t forward;
};

static int by_name(const void *x, const void *y)
{
	const struct named *a = x, *b = y;
	int c = strcmp(a->name, b->name);

	if (c)
		return c;
	COMPARE(a->forward, b->forward);
	return 0;
}

static void check_names(struct conf_build *b)
{
	const struct conf_forward *f = b->conf->forwards;
	struct named *named = calloc(b->conf->n_forwards + 1ul, sizeof(*named));
	unsigned n = 0;

	if (!named) {
		b->errs->oom = true;
		return;
	}
	for (unsigned i = 0; i < b->conf->n_forwards; i++)
		if (f[i].is_named)
			named[n++] = (struct named){ f[i].name, i };
	qsort(named, n, sizeof(*named), by_name);
	for (unsigned i = 1; i < n; i++) {
		const struct conf_forward *first = &f[named[i - 1].forward], *again = &f[named[i].forward];

		if (!strcmp(first->name, again->name))
			conf_error_add(b->errs, (struct conf_at){ again->file, again->line, again->col },
				       "name '%s' is already used at %s:%u; choose another", again->name, first->file,
				       first->line);
	}
	free(named);
}

void conf_check(struct conf_build *b)
{
	struct conf *c = b->conf;
	struct conf_row *all;
	unsigned n;

	check_names(b);
	all = all_rows(c, &n);
	if (!all) {
		b->errs->oom = true;
		return;
	}
	if (n) {
		check_clashes(b, all, n);
		check_source_ports(b, all, n);
	}
	free(all);
	if (c->n_rows)
		conf_rows_sort(c);
}
