/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dynamic - see dynamic.h */
#include "conf/dynamic.h"

#include <errno.h>
#include <stdlib.h>

#include "conf/build.h"

/* Room for one more in *@array; false: no memory. */
static bool grow(void *array, unsigned n, unsigned *room, size_t octets)
{
	unsigned more = *room ? 2 * *room : 8;
	void *old, *new;

	if (n < *room)
		return true;
	memcpy(&old, array, sizeof(old));
	new = reallocarray(old, more, octets);
	if (!new)
		return false;
	memcpy(array, &new, sizeof(new));
	*room = more;
	return true;
}

static struct nat_prefix *copy_allow(const struct nat_prefix *allow, unsigned n)
{
	struct nat_prefix *copy = calloc(n + 1ul, sizeof(*copy));

	if (copy && n)
		memcpy(copy, allow, n * sizeof(*copy));
	return copy;
}

int conf_dynamic_forward(struct conf_dynamic *d, const char *name, const struct nat_prefix *allow, unsigned n_allow)
{
	struct conf_forward f = { .n_allow = n_allow };

	if (!grow(&d->forwards, d->n_forwards, &d->forwards_room, sizeof(*d->forwards)))
		return -ENOMEM;
	f.name = strdup(name);
	f.file = strdup("");
	f.allow = copy_allow(allow, n_allow);
	if (!f.name || !f.file || !f.allow) {
		conf_forward_fini(&f);
		return -ENOMEM;
	}
	d->forwards[d->n_forwards] = f;
	return (int)d->n_forwards++;
}

int conf_dynamic_row(struct conf_dynamic *d, const struct conf_row *row)
{
	if (!grow(&d->rows, d->n_rows, &d->rows_room, sizeof(*d->rows)))
		return -ENOMEM;
	d->rows[d->n_rows++] = *row;
	return 0;
}

void conf_dynamic_free(struct conf_dynamic *d)
{
	for (unsigned i = 0; i < d->n_forwards; i++)
		conf_forward_fini(&d->forwards[i]);
	free(d->forwards);
	free(d->rows);
	*d = (struct conf_dynamic){ 0 };
}

/* By listener, then by port: of rows that do not overlap this is an order without ties. */
static int claim_order(const struct conf_row *a, const struct conf_row *b)
{
	int c = conf_row_by_listener(a, b);

	return c ? c : (a->lo > b->lo) - (a->lo < b->lo);
}

static int claim_sort(const void *a, const void *b)
{
	return claim_order(a, b);
}

int conf_claims_init(struct conf_claims *claims, const struct conf *file)
{
	struct conf_claims new = { .n = file->n_rows, .room = file->n_rows + 1 };

	new.row = calloc(new.room, sizeof(*new.row));
	if (!new.row)
		return -ENOMEM;
	if (new.n)
		memcpy(new.row, file->rows, new.n * sizeof(*new.row));
	qsort(new.row, new.n, sizeof(*new.row), claim_sort);
	*claims = new;
	return 0;
}

/* How many claims come before @row. */
static unsigned claim_place(const struct conf_claims *claims, const struct conf_row *row)
{
	unsigned lo = 0, hi = claims->n;

	while (lo < hi) {
		unsigned mid = lo + (hi - lo) / 2;

		if (claim_order(&claims->row[mid], row) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static bool overlap(const struct conf_row *a, const struct conf_row *b)
{
	return !conf_row_by_listener(a, b) && a->lo <= b->hi && b->lo <= a->hi;
}

static bool claimed_at(const struct conf_claims *claims, const struct conf_row *row, unsigned place)
{
	return (place && overlap(&claims->row[place - 1], row)) ||
	       (place < claims->n && overlap(&claims->row[place], row));
}

bool conf_claims_has(const struct conf_claims *claims, const struct conf_row *row)
{
	return claimed_at(claims, row, claim_place(claims, row));
}

int conf_claims_add(struct conf_claims *claims, const struct conf_row *row)
{
	unsigned place = claim_place(claims, row);

	if (claimed_at(claims, row, place))
		return -EEXIST;
	if (!grow(&claims->row, claims->n, &claims->room, sizeof(*claims->row)))
		return -ENOMEM;
	memmove(claims->row + place + 1, claims->row + place, (claims->n - place) * sizeof(*claims->row));
	claims->row[place] = *row;
	claims->n++;
	return 0;
}

void conf_claims_free(struct conf_claims *claims)
{
	free(claims->row);
	*claims = (struct conf_claims){ 0 };
}

static int copy_forward(struct conf_forward *to, const struct conf_forward *from)
{
	*to = (struct conf_forward){ .line = from->line, .col = from->col, .is_named = from->is_named,
				     .policy = from->policy, .n_allow = from->n_allow, .host_source = from->host_source };
	to->name = strdup(from->name);
	to->file = strdup(from->file);
	to->allow = copy_allow(from->allow, from->n_allow);
	return to->name && to->file && to->allow ? 0 : -ENOMEM;
}

static int copy_forwards(struct conf *c, const struct conf_forward *from, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (copy_forward(&c->forwards[c->n_forwards++], &from[i]))
			return -ENOMEM;
	return 0;
}

static void copy_rows(struct conf *c, const struct conf_row *from, unsigned n, unsigned forward)
{
	for (unsigned i = 0; i < n; i++) {
		c->rows[c->n_rows] = from[i];
		c->rows[c->n_rows++].forward += forward;
	}
}

int conf_compose(const struct conf *file, const struct conf_dynamic *lists, unsigned n_lists, struct conf **out)
{
	unsigned n_forwards = file->n_forwards, n_rows = file->n_rows;
	struct conf *c;
	int err;

	for (unsigned i = 0; i < n_lists; i++) {
		n_forwards += lists[i].n_forwards;
		n_rows += lists[i].n_rows;
	}
	if (n_rows > CONF_ROWS_MAX)
		return -E2BIG;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	conf_copy_settings(c, file);
	c->forwards = calloc(n_forwards + 1ul, sizeof(*c->forwards));
	c->rows = calloc(n_rows + 1ul, sizeof(*c->rows));
	err = c->forwards && c->rows ? copy_forwards(c, file->forwards, file->n_forwards) : -ENOMEM;
	if (!err)
		copy_rows(c, file->rows, file->n_rows, 0);
	for (unsigned i = 0; !err && i < n_lists; i++) {
		copy_rows(c, lists[i].rows, lists[i].n_rows, c->n_forwards);
		err = copy_forwards(c, lists[i].forwards, lists[i].n_forwards);
	}
	if (err) {
		conf_free(c);
		return err;
	}
	conf_rows_sort(c);
	*out = c;
	return 0;
}
