/* SPDX-License-Identifier: GPL-2.0-or-later */
/* resolve - see resolve.h; address.c says where a guest is, this file what that means for forwards */
#include "virt/resolve.h"

#include <assert.h>
#include <errno.h>
#include <fnmatch.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "virt/address.h"

enum { WAIT_S = 10 };	/* after the start, until libvirt's first word: callers are held, not refused */

static const struct {
	const char *name, *text;
} whys[] = {
#define X(id, text) { #id, text },
	VIRT_WHY_LIST(X)
#undef X
};

const char *virt_why_text(enum virt_why why)
{
	assert(why < VIRT_WHYS);
	return whys[why].text;
}

const char *virt_why_name(enum virt_why why)
{
	assert(why < VIRT_WHYS);
	return whys[why].name;
}

void virt_status_free(struct virt_status *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		free(s->entry[i].name);
		free(s->entry[i].guest);
		free(s->entry[i].uri);
	}
	free(s->entry);
	*s = (struct virt_status){ 0 };
}

/* One call of virt_resolve(). */
struct job {
	const struct virt_input *in;
	struct virt_blocks *blocks;
	struct conf_claims *claims;
	struct conf_dynamic *out;
	struct virt_status *status;
	struct virt_owners owners;
};

/* A forward and a guest that shall have it. */
struct pair {
	const struct conf_forward *file;	/* NULL: of the guest's metadata */
	const struct virt_guest *guest;		/* NULL: none matches */
	uint32_t index;				/* of file; NAT_NONE */
	const char *name;
};

static struct virt_entry *entry_add(struct job *j, const struct pair *p)
{
	struct virt_status *s = j->status;
	struct virt_entry *e;

	if (s->n == s->room) {
		unsigned room = s->room ? 2 * s->room : 16;
		struct virt_entry *more = reallocarray(s->entry, room, sizeof(*more));

		if (!more)
			return NULL;
		s->entry = more;
		s->room = room;
	}
	e = &s->entry[s->n++];
	*e = (struct virt_entry){ .name = strdup(p->name), .forward = p->index };
	if (p->guest) {
		e->guest = strdup(p->guest->name);
		e->uri = strdup(p->guest->uri);
		memcpy(e->uuid, p->guest->uuid, sizeof(e->uuid));
	}
	return e->name && (!p->guest || (e->guest && e->uri)) ? e : NULL;
}

/* Look again no later than @at. */
static void wake_at(struct job *j, nat_ns at)
{
	if (!j->status->wake || at < j->status->wake)
		j->status->wake = at;
}

/* What callers hear while there is no way to the guest. */
static enum conf_action action_without(struct job *j, const struct pair *p, enum virt_why why)
{
	const struct conf_guest *c = p->file ? p->file->guest : NULL;
	enum conf_action wanted = c ? c->when_off : CONF_REJECT;
	nat_ns until = 0;

	if (wanted == CONF_HOLD)
		until = (p->guest ? p->guest->since : j->in->started) + NAT_SEC(c->hold_s);
	if (why == VIRT_WHY_WAITING && wanted != CONF_DROP && until < j->in->started + NAT_SEC(WAIT_S))
		until = j->in->started + NAT_SEC(WAIT_S);
	if (until > j->in->now) {
		wake_at(j, until);
		return CONF_HOLD;
	}
	return wanted == CONF_HOLD ? CONF_REJECT : wanted;
}

/* The row as it applies now. It is left out if somebody else has its port. */
static int row_add(struct job *j, const struct pair *p, struct virt_entry *e, struct conf_row row, int forward)
{
	struct virt_way *w = &e->way[row.family == NAT_IPV4 ? VIRT_IPV4 : VIRT_IPV6];
	int err;

	row.forward = (uint32_t)forward;
	row.block = 0;
	if (p->guest && virt_why_is_active(w->why)) {
		row.to = w->to;
		row.enclosed = w->enclosed;
		row.host_source = p->file && (p->file->host_source || (w->enclosed && !p->file->guest->client_source));
		row.frozen = w->why == VIRT_WHY_SUSPENDED;
		row.life = (uint16_t)p->guest->life;
	} else {
		row.action = (uint8_t)action_without(j, p, w->why);
	}
	err = conf_claims_add(j->claims, &row);
	if (err == -EEXIST) {
		e->clashes++;
		if (row.action == CONF_FORWARD && w->why != VIRT_WHY_CLASH)
			w->why = VIRT_WHY_CLASH;
		return 0;
	}
	return err ? err : conf_dynamic_row(j->out, &row);
}

/* ---- blocks ---- */

static void block_ports(const struct conf_row *item, unsigned slot, struct conf_row *row)
{
	*row = *item;
	row->lo = (uint16_t)(item->lo + slot * item->block);
	row->hi = (uint16_t)(row->lo + item->block - 1);
	row->to_lo = item->to_lo ? item->to_lo : row->lo;
}

/* The lowest slot that nobody has and that no forward is in; -ENOSPC, -ENOMEM */
static int slot_free(struct job *j, const struct conf_row *item)
{
	unsigned slots = conf_block_slots(j->in->file, item), slot;
	bool *taken = calloc(slots + 1ul, sizeof(*taken));
	struct conf_row row;

	if (!taken)
		return -ENOMEM;
	virt_blocks_taken(j->blocks, item->lo, item->block, taken, slots);
	for (slot = 0; slot < slots; slot++) {
		block_ports(item, slot, &row);
		if (!taken[slot] && !conf_claims_has(j->claims, &row))
			break;
	}
	free(taken);
	return slot < slots ? (int)slot : -ENOSPC;
}

/* The guest's slot, given to it now if need be; -ENOSPC, -ENOMEM */
static int slot_of(struct job *j, const struct conf_row *item, const struct virt_guest *g)
{
	int slot = virt_blocks_find(j->blocks, item->lo, item->block, g->uuid), err;

	if (slot >= 0)
		return (unsigned)slot < conf_block_slots(j->in->file, item) ? slot : -ENOSPC;
	slot = slot_free(j, item);
	if (slot == -ENOSPC && virt_blocks_forget(j->blocks, j->in->world))
		slot = slot_free(j, item);
	if (slot < 0)
		return slot;
	err = virt_blocks_assign(j->blocks, item->lo, item->block, (uint16_t)slot, g->uuid);
	return err ? err : slot;
}

static int block_add(struct job *j, const struct pair *p, struct virt_entry *e, const struct conf_row *item, int forward)
{
	struct virt_way *w = &e->way[item->family == NAT_IPV4 ? VIRT_IPV4 : VIRT_IPV6];
	struct conf_row row;
	int slot;

	if (!p->guest)
		return 0;		/* nobody's block */
	slot = slot_of(j, item, p->guest);
	if (slot == -ENOSPC) {
		w->why = VIRT_WHY_NO_BLOCK;
		return 0;
	}
	if (slot < 0)
		return slot;
	block_ports(item, (unsigned)slot, &row);
	if (!e->block_lo) {
		e->block_lo = row.lo;
		e->block_hi = row.hi;
	}
	return row_add(j, p, e, row, forward);
}

/* ---- pairs ---- */

static enum virt_why why_nobody(const struct virt_input *in)
{
	if (!in->world)
		return VIRT_WHY_WAITING;
	for (unsigned i = 0; i < in->world->n_connections; i++)
		if (!in->world->connection[i].up)
			return VIRT_WHY_NO_LIBVIRT;
	return VIRT_WHY_UNKNOWN;
}

static void ways_of(struct job *j, const struct pair *p, struct virt_way *way)
{
	for (unsigned f = 0; f < VIRT_FAMILIES; f++)
		way[f] = p->guest ? virt_way_of(j->in, &j->owners, p->guest, p->file, f)
				  : (struct virt_way){ .why = why_nobody(j->in) };
}

static bool is_there(struct job *j, const struct pair *p)
{
	struct virt_way way[VIRT_FAMILIES];

	ways_of(j, p, way);
	return virt_why_is_active(way[VIRT_IPV4].why) || virt_why_is_active(way[VIRT_IPV6].why);
}

static int pair_add(struct job *j, const struct pair *p)
{
	const struct conf_guest *c = p->file->guest;
	struct virt_entry *e = entry_add(j, p);
	int forward = conf_dynamic_forward(j->out, p->name, p->file->allow, p->file->n_allow), err = 0;

	if (!e || forward < 0)
		return -ENOMEM;
	j->out->forwards[forward].policy = p->file->policy;
	ways_of(j, p, e->way);
	for (unsigned i = 0; i < c->n_rows && !err; i++)
		err = c->rows[i].block ? block_add(j, p, e, &c->rows[i], forward)
				       : row_add(j, p, e, c->rows[i], forward);
	return err;
}

static bool matches(const struct conf_guest *c, const struct virt_guest *g)
{
	if (!c->is_glob)
		return !strcmp(c->name, g->name);
	if (fnmatch(c->name, g->name, FNM_NOESCAPE) != 0)
		return false;
	for (unsigned i = 0; c->network && i < g->n_nics; i++)
		if (g->nic[i].network && !strcmp(g->nic[i].network, c->network))
			return true;
	return !c->network;
}

/* Has any forward of the file matched? Blocks of nobody need no entry, but the admin wants to see why there is none. */
static int nobody_add(struct job *j, const struct conf_forward *f, uint32_t index)
{
	struct pair p = { .file = f, .index = index, .name = f->name };

	return pair_add(j, &p);
}

/* The name of a forward that one of several guests has. */
static const char *name_of(const struct conf_forward *f, const struct virt_guest *g)
{
	return f->guest->is_glob ? g->name : f->name;
}

/* All guests of one forward of the file that are there (or not, as @there says). Returns how many, or -errno. */
static int forward_add(struct job *j, const struct conf_forward *f, uint32_t index, bool there)
{
	const struct virt_world *w = j->in->world;
	int n = 0, err = 0;

	for (unsigned i = 0; w && i < w->n_guests && !err; i++) {
		struct pair p = { .file = f, .guest = &w->guest[i], .index = index, .name = name_of(f, &w->guest[i]) };

		if (!matches(f->guest, &w->guest[i]))
			continue;
		n++;
		if (is_there(j, &p) == there)
			err = pair_add(j, &p);
	}
	return err ? err : n;
}

/* Forwards of the file: those that name a guest, or those with a pattern. */
static int file_add(struct job *j, bool globs)
{
	const struct conf *c = j->in->file;

	for (unsigned there = 2; there--;)
		for (uint32_t i = 0; i < c->n_forwards; i++) {
			int n;

			if (!c->forwards[i].guest || c->forwards[i].guest->is_glob != globs)
				continue;
			n = forward_add(j, &c->forwards[i], i, there);
			if (!n && !there)
				n = nobody_add(j, &c->forwards[i], i);
			if (n < 0)
				return n;
		}
	return 0;
}

/* ---- metadata ---- */

static bool is_excluded(const struct virt_published *p, unsigned port)
{
	for (unsigned i = 0; i < p->n_ranges; i++)
		if (p->range[i].exclude && port >= p->range[i].start && port <= p->range[i].end)
			return true;
	return false;
}

/* The pieces of one range that no exclusion takes, as rows of both families. */
static int range_add(struct job *j, const struct pair *p, struct virt_entry *e, const struct virt_published *pub,
		     const struct virt_range *r, int forward)
{
	struct conf_row row = { .proto = pub->proto, .listen = pub->listen };
	int err = 0;

	memcpy(row.dev, pub->dev, sizeof(row.dev));
	for (unsigned lo = r->start, hi; lo <= r->end && !err; lo = hi + 1) {
		for (hi = lo; hi < r->end && is_excluded(pub, hi + 1) == is_excluded(pub, lo); hi++)
			;
		if (is_excluded(pub, lo))
			continue;
		row.lo = (uint16_t)lo;
		row.hi = (uint16_t)hi;
		row.to_lo = (uint16_t)(r->to + (lo - r->start));
		for (unsigned f = NAT_IPV4; f <= NAT_IPV6 && !err; f += 2) {
			row.family = (uint8_t)f;
			if (!pub->family || pub->family == f)
				err = row_add(j, p, e, row, forward);
		}
	}
	return err;
}

static bool port_allowed(const struct conf *c, const struct virt_range *r)
{
	bool own = r->start <= c->source_hi && r->end >= c->source_lo;

	return r->start >= c->libvirt.metadata_lo && r->end <= c->libvirt.metadata_hi && !own;
}

static int metadata_add(struct job *j, const struct virt_guest *g)
{
	struct pair p = { .guest = g, .index = NAT_NONE, .name = g->name };
	struct virt_entry *e = entry_add(j, &p);
	int forward = conf_dynamic_forward(j->out, g->name, NULL, 0), err = 0;
	unsigned good = 0;

	if (!e || forward < 0)
		return -ENOMEM;
	ways_of(j, &p, e->way);
	for (unsigned i = 0; i < g->n_published && !err; i++)
		for (unsigned k = 0; k < g->published[i].n_ranges && !err; k++) {
			const struct virt_range *r = &g->published[i].range[k];

			if (r->exclude)
				continue;
			if (!port_allowed(j->in->file, r)) {
				e->refused_ports++;
				continue;
			}
			good++;
			err = range_add(j, &p, e, &g->published[i], r, forward);
		}
	for (unsigned f = 0; f < VIRT_FAMILIES && !good; f++)
		e->way[f].why = VIRT_WHY_PORT_REFUSED;
	return err;
}

static int metadata_all(struct job *j)
{
	const struct virt_world *w = j->in->world;

	for (unsigned there = 2; w && j->in->file->libvirt.metadata && there--;)
		for (unsigned i = 0; i < w->n_guests; i++) {
			struct pair p = { .guest = &w->guest[i], .index = NAT_NONE };
			int err;

			if (!w->guest[i].n_published || is_there(j, &p) != there)
				continue;
			err = metadata_add(j, &w->guest[i]);
			if (err)
				return err;
		}
	return 0;
}

/* Entries in the order of the file, then by guest: the order in which ports were given is nobody's business. */
int virt_entry_order(const void *x, const void *y)
{
	const struct virt_entry *a = x, *b = y;

	if (a->forward != b->forward)
		return a->forward < b->forward ? -1 : 1;
	if (!a->guest || !b->guest)
		return 0;
	return strcmp(a->guest, b->guest) ? strcmp(a->guest, b->guest) : strcmp(a->uuid, b->uuid);
}

int virt_resolve(const struct virt_input *in, struct virt_blocks *blocks, struct conf_claims *claims,
		 struct conf_dynamic *out, struct virt_status *status)
{
	struct job j = { .in = in, .blocks = blocks, .claims = claims, .out = out, .status = status };
	int err = 0;

	*status = (struct virt_status){ 0 };
	if (in->world)
		err = virt_owners_make(in, &j.owners);
	if (!err)
		err = file_add(&j, false);
	if (!err)
		err = file_add(&j, true);
	if (!err)
		err = metadata_all(&j);
	virt_owners_free(&j.owners);
	if (err) {
		virt_status_free(status);
		return err;
	}
	if (status->n)
		qsort(status->entry, status->n, sizeof(*status->entry), virt_entry_order);
	return 0;
}
