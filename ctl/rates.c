/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rates - see rates.h */
#include "ctl/rates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rate *row_of(struct rates *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->row[i].name, name))
			return &r->row[i];
	if (r->n == r->room) {
		size_t room = r->room ? 2 * r->room : 32;
		struct rate *more = reallocarray(r->row, room, sizeof(*more));

		if (!more)
			return NULL;
		r->row = more;
		r->room = room;
	}
	r->row[r->n] = (struct rate){ 0 };
	snprintf(r->row[r->n].name, sizeof(r->row[r->n].name), "%s", name);
	return &r->row[r->n++];
}

/* The value of label @key in `name{a="x",b="y"} 1`; false: it has none. Escapes stay as they are. */
static bool label(const char *line, const char *key, char *out, size_t octets)
{
	const char *at = strchr(line, '{');
	size_t len = strlen(key), n = 0;

	for (; at && (at = strstr(at, key)); at += len) {
		if ((at[-1] != '{' && at[-1] != ',') || at[len] != '=' || at[len + 1] != '"')
			continue;
		for (at += len + 2; *at && *at != '"' && n + 1 < octets; at++)
			out[n++] = *at;
		out[n] = '\0';
		return true;
	}
	return false;
}

static bool is_series(const char *line, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(line, name, len) && (line[len] == '{' || line[len] == ' ');
}

static bool total(struct rates *r, const char *line, double value)
{
	if (is_series(line, "nfqnat_flows"))
		r->flows = value;
	else if (is_series(line, "nfqnat_flows_limit"))
		r->flows_limit = value;
	else if (is_series(line, "nfqnat_worker_packets_total"))
		r->packets = value;
	else if (is_series(line, "nfqnat_packets_total") && strstr(line, "verdict=\"drop\""))
		r->drops += value;
	return true;
}

bool rates_line(struct rates *r, const char *line)
{
	char name[RATES_NAME_OCTETS], way[8] = "";
	const char *end = strrchr(line, ' ');
	double value = end ? strtod(end + 1, NULL) : 0;
	struct rate *row;

	if (*line == '#' || strncmp(line, "nfqnat_forward_", 15) != 0)
		return total(r, line, value);
	if (!label(line, r->by_guest ? "guest" : "forward", name, sizeof(name)))
		return true;
	row = row_of(r, name);
	if (!row)
		return false;
	label(line, "direction", way, sizeof(way));
	if (is_series(line, "nfqnat_forward_flows"))
		row->flows += value;
	else if (is_series(line, "nfqnat_forward_flows_opened_total"))
		row->opened += value;
	else if (is_series(line, "nfqnat_forward_packets_total"))
		row->packets += value;
	else if (is_series(line, "nfqnat_forward_octets_total") && !strcmp(way, "in"))
		row->in += value;
	else if (is_series(line, "nfqnat_forward_octets_total"))
		row->out += value;
	return true;
}

bool rates_copy(struct rates *to, const struct rates *from)
{
	*to = *from;
	to->room = from->n;
	to->row = calloc(from->n + 1, sizeof(*to->row));
	if (!to->row) {
		*to = (struct rates){ .by_guest = from->by_guest };
		return false;
	}
	if (from->n)
		memcpy(to->row, from->row, from->n * sizeof(*to->row));
	return true;
}

static double per_second(double now, double before, double seconds)
{
	return now > before ? (now - before) / seconds : 0;
}

void rates_step(struct rates *now, const struct rates *before, double seconds)
{
	for (size_t i = 0; i < now->n; i++) {
		struct rate *n = &now->row[i], zero = { 0 };
		const struct rate *b = &zero;

		for (size_t k = 0; k < before->n; k++)
			if (!strcmp(before->row[k].name, n->name))
				b = &before->row[k];
		n->opened = per_second(n->opened, b->opened, seconds);
		n->packets = per_second(n->packets, b->packets, seconds);
		n->in = per_second(n->in, b->in, seconds);
		n->out = per_second(n->out, b->out, seconds);
	}
	now->drops = per_second(now->drops, before->drops, seconds);
	now->packets = per_second(now->packets, before->packets, seconds);
}

static int order(const void *x, const void *y)
{
	const struct rate *a = x, *b = y;
	double p = a->in + a->out, q = b->in + b->out;

	if (p != q)
		return p < q ? 1 : -1;
	if (a->flows != b->flows)
		return a->flows < b->flows ? 1 : -1;
	return strcmp(a->name, b->name);
}

void rates_sort(struct rates *r)
{
	if (r->n)
		qsort(r->row, r->n, sizeof(*r->row), order);
}

void rates_fini(struct rates *r)
{
	free(r->row);
	*r = (struct rates){ .by_guest = r->by_guest };
}
