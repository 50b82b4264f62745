/* SPDX-License-Identifier: GPL-2.0-or-later */
/* live - see live.h */
#include "nfq/live.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "nfq/limits.h"
#include "nfq/live_out.h"
#include "nfq/log.h"
#include "nfq/refused.h"
#include "nfq/route.h"
#include "nfq/steer/rules.h"

enum { WHY_OCTETS = 1024, WAYS_KNOWN = 256 };

/* What the kernel said of the guests of these rules: it is asked once for each. */
static struct {
	struct { struct nat_addr to; uint8_t family; char dev[IFNAMSIZ]; } known[WAYS_KNOWN];
	unsigned n;
} ways;

static void way_to(const struct nat_addr *to, enum nat_family family, char *dev)
{
	struct route r;

	for (unsigned i = 0; i < ways.n; i++)
		if (ways.known[i].family == family && nat_addr_eq(&ways.known[i].to, to)) {
			memcpy(dev, ways.known[i].dev, IFNAMSIZ);
			return;
		}
	if (route_get(to, family, &r) < 0 || !r.oif || !if_indextoname(r.oif, dev))
		dev[0] = '\0';
	if (ways.n == WAYS_KNOWN)
		return;
	ways.known[ways.n].to = *to;
	ways.known[ways.n].family = (uint8_t)family;
	memcpy(ways.known[ways.n++].dev, dev, IFNAMSIZ);
}

static int make_rules(struct live *l, const struct conf *c, struct rules *r)
{
	int err;

	ways.n = 0;		/* routes may have changed since the last time */
	err = live_out_rules(l, c, way_to, r);
	if (!err) {
		r->headers = l->road.headers;
		r->refusals = c->respect_firewall && refused_listen();
	}
	return err;
}

/* The file and what the sources say now, as one configuration. */
static int compose(struct live *l, const struct conf *file, struct conf **out)
{
	struct conf_dynamic lists[LIVE_SOURCES] = { 0 };
	struct conf_claims claims;
	int err = conf_claims_init(&claims, file);

	for (unsigned i = 0; !err && i < LIVE_SOURCES; i++)
		if (l->source[i].contribute)
			err = l->source[i].contribute(l->source[i].ctx, file, &claims, &lists[i]);
	if (!err)
		err = conf_compose(file, lists, LIVE_SOURCES, out);
	conf_claims_free(&claims);
	for (unsigned i = 0; i < LIVE_SOURCES; i++)
		conf_dynamic_free(&lists[i]);
	return err;
}

static int open_table(struct live *l)
{
	uint32_t area;
	int err = compose(l, l->file, &l->conf);

	if (!err)
		err = table_make(l->conf, &l->table);
	if (!err)
		err = table_load(&l->table, l->conf, &l->state, &area);
	if (!err)
		return 0;
	log_error("mapping table of %u rows: %s; forward fewer ranges", l->conf ? l->conf->n_rows : l->file->n_rows,
		  strerror(-err));
	table_free(&l->table);
	conf_free(l->conf);
	l->conf = NULL;
	return err;
}

void live_params(const struct conf *c, struct nat_params *p)
{
	*p = (struct nat_params){ .max_flows = c->max_flows, .source_lo = c->source_lo, .source_hi = c->source_hi };
	limits_idle(&c->timeouts, p->limit_s);
	p->half_open = limits_half_open(c);
}

/* What an earlier main process left, if it can be used. */
static bool take_over(struct live *l, int kept)
{
	char why[WHY_OCTETS];
	const struct nat_block *b;

	if (kept < 0)
		return false;
	if (state_take(&l->state, kept, why, sizeof(why)) < 0) {
		log_warn("the flows of the run before are lost: %s; starting with an empty table", why);
		close(kept);
		return false;
	}
	if (compose(l, l->file, &l->conf) < 0) {
		state_free(&l->state);
		return false;
	}
	b = l->state.nat.block;
	if (b->max_flows != l->file->max_flows || b->source_lo != l->file->source_lo || b->source_hi != l->file->source_hi)
		log_warn("max-flows and source-ports stay as they were when the flows that are taken over began; stop and start "
			 "to change them");
	l->held = true;
	log_info("flow table: taken over with %" PRIu32 " of %" PRIu32 " flows", b->flows.used, b->max_flows);
	return true;
}

int live_open(struct live *l, int kept)
{
	struct nat_params p;
	int err;

	live_out_warn(l->file);
	if (take_over(l, kept))
		return 0;

	live_params(l->file, &p);
	err = state_make(&l->state, &p);
	if (err) {
		log_error("no memory for %" PRIu32 " flows: %s; lower `max-flows:`", p.max_flows, strerror(-err));
		return err;
	}
	err = open_table(l);
	if (err) {
		state_free(&l->state);
		return err;
	}
	nat_swap_map(&l->state.nat);
	nat_sweep(&l->state.nat, state_clock(), UINT32_MAX);
	log_info("flow table: %" PRIu32 " flows, %" PRIu64 " MiB at most", p.max_flows,
		 (l->state.nat.block->octets + (1 << 20) - 1) >> 20);
	return 0;
}

/* For who takes over from us. */
static void rules_note(struct live *l, const struct conf *c)
{
	struct state_shared *s = l->state.shared;

	s->steer_want = (uint32_t)c->steering;
	s->steer_backend = (uint32_t)l->steer.backend;
	s->steer_conntrack = l->steer.conntrack;
	snprintf(s->steer_flavour, sizeof(s->steer_flavour), "%s", l->steer.backend == STEER_NONE ? "?" : l->steer.flavour);
}

static int rules_begin(struct live *l, const struct conf *c)
{
	char why[WHY_OCTETS] = "";
	struct rules r;
	int err = make_rules(l, c, &r);

	if (err)
		return err;
	err = steer_start(&l->steer, c->steering, &r, why, sizeof(why));
	rules_free(&r);
	rules_note(l, c);
	if (err)
		log_error("steering rules: %s; see `steering:` and whether this kernel has NFQUEUE", why);
	return err;
}

int live_steer(struct live *l)
{
	return l->held ? 0 : rules_begin(l, l->conf);
}

static int rules_change(struct live *l, const struct conf *c, bool always)
{
	char why[WHY_OCTETS] = "";
	struct rules r;
	int err = make_rules(l, c, &r);

	if (err)
		return err;
	err = steer_replace(&l->steer, &r, always, why, sizeof(why));
	rules_free(&r);
	if (err)
		log_error("steering rules: %s", *why ? why : strerror(-err));
	else if (always)
		l->touched = false;
	return err;
}

/*
 * Is each rule still there that we installed, and as it was? Counting them is
 * cheaper than installing them once more, by far if there are many; who
 * reloads because rules were flushed or changed gets them back.
 */
static bool rules_are_whole(const struct live *l)
{
	unsigned want, have;

	return !l->touched && steer_count(&l->steer, &want, &have) && want == have;
}

/* Outbound rules of @old that are not in @both come behind its own. */
static void outs_widen(struct conf *both, const struct conf *old)
{
	for (unsigned i = 0, k; i < old->n_outs && both->n_outs < CONF_OUTS; i++) {
		for (k = 0; k < both->n_outs && !conf_out_same(&both->outs[k], &old->outs[i]); k++)
			;
		if (k == both->n_outs)
			both->outs[both->n_outs++] = old->outs[i];
	}
}

static bool same_rules(const struct conf_row *a, const struct conf_row *b)
{
	return a->action == b->action && a->lo == b->lo && a->hi == b->hi && a->to_lo == b->to_lo &&
	       a->host_source == b->host_source && a->enclosed == b->enclosed && nat_addr_eq(&a->to, &b->to) && !conf_row_by_listener(a, b);
}

static bool has_rules(const struct conf_row *rows, unsigned n, const struct conf_row *r)
{
	for (unsigned i = 0; i < n; i++)
		if (same_rules(&rows[i], r))
			return true;
	return false;
}

/* Rows of sources that run, but not in @new: a guest that was stopped may be started again. Bounded, and so is the search. */
static void rules_keep(struct live *l, const struct conf *new)
{
	const struct conf *old = l->conf;
	unsigned looks = 0;

	for (unsigned i = 0; i < old->n_rows && l->n_kept < LIVE_KEPT && looks < 4 * LIVE_KEPT; i++) {
		const struct conf_row *r = &old->rows[i];

		if (r->forward < l->file->n_forwards || r->action != CONF_FORWARD)
			continue;
		looks++;
		if (!has_rules(new->rows, new->n_rows, r) && !has_rules(l->kept, l->n_kept, r))
			l->kept[l->n_kept++] = *r;
	}
}

/* Rules for what runs and what comes, together, and for what was kept. */
static int rules_widen(struct live *l, const struct conf *new)
{
	const struct { const struct conf_row *row; unsigned n; } parts[] = {
		{ new->rows, new->n_rows }, { l->conf->rows, l->conf->n_rows }, { l->kept, l->n_kept },
	};
	struct conf both = *new;
	int err;

	both.n_rows = 0;
	both.rows = calloc((size_t)new->n_rows + l->conf->n_rows + l->n_kept + 1, sizeof(*both.rows));
	if (!both.rows)
		return -ENOMEM;
	for (unsigned p = 0; p < sizeof(parts) / sizeof(parts[0]); p++) {
		if (parts[p].n)
			memcpy(both.rows + both.n_rows, parts[p].row, parts[p].n * sizeof(*both.rows));
		both.n_rows += parts[p].n;
	}
	outs_widen(&both, l->conf);
	err = rules_change(l, &both, false);
	free(both.rows);
	if (!err)
		rules_keep(l, new);
	return err;
}

static void change_abandon(struct live *l)
{
	conf_free(l->change.file);
	conf_free(l->change.conf);
	table_free(&l->change.table);
	l->change.file = l->change.conf = NULL;
	l->change.under_way = false;
}

/* What cannot change while flows and queues exist. */
static void warn_fixed(const struct conf *old, const struct conf *new)
{
	if (old->queue != new->queue || old->workers != new->workers || old->max_flows != new->max_flows ||
	    old->steering != new->steering || old->headers_only != new->headers_only || old->source_lo != new->source_lo || old->source_hi != new->source_hi)
		log_warn("queue, workers, max-flows, steering, headers-only and source-ports change with a restart only; "
			 "the running values stay");
}

/* Settings that the running daemon keeps are carried over, so that rules and queues stay in step. */
static void keep_fixed(const struct conf *old, struct conf *new)
{
	if (old->control_given)
		memcpy(new->control_socket, old->control_socket, sizeof(new->control_socket));
	new->control_given = old->control_given;
	new->queue = old->queue;
	new->workers = old->workers;
	new->max_flows = old->max_flows;
	new->steering = old->steering;
	new->headers_only = old->headers_only;
	new->source_lo = old->source_lo;
	new->source_hi = old->source_hi;
}

static void change_limits(struct live *l)
{
	uint32_t limit_s[IDLE_CLASSES] = { 0 };

	limits_idle(&l->conf->timeouts, limit_s);
	l->state.nat.block->half_open = limits_half_open(l->conf);
	for (unsigned c = IDLE_FREE + 1; c < IDLE_FROZEN; c++)
		l->state.nat.block->flows.limit[c] = nat_tick_span(NAT_SEC(limit_s[c]));
}

/* After a take-over: rules for @c in place of those of the run before, whatever those were. */
static int rules_resume(struct live *l, const struct conf *c)
{
	struct state_shared *s = l->state.shared;

	s->steer_flavour[sizeof(s->steer_flavour) - 1] = '\0';
	if (s->steer_want == (uint32_t)c->steering &&
	    steer_resume(&l->steer, (enum steer_backend)s->steer_backend, s->steer_flavour, s->steer_conntrack) &&
	    !rules_change(l, c, true))
		return 0;
	return rules_begin(l, c);
}

static bool names_same(const struct conf *a, const struct conf *b)
{
	if (a->n_forwards != b->n_forwards)
		return false;
	for (unsigned i = 0; i < a->n_forwards; i++)
		if (strcmp(a->forwards[i].name, b->forwards[i].name) != 0)
			return false;
	return true;
}

/* Table and rules of the change in hand: made, and waiting for the worker. */
static int change_prepare(struct live *l)
{
	int err = table_load(&l->change.table, l->change.conf, &l->state, &l->change.area);

	if (!err)
		err = l->held ? rules_resume(l, l->change.conf) : rules_widen(l, l->change.conf);
	if (err && !l->held)
		rules_change(l, l->conf, true);
	return err;
}

/* Begin to change to @file, or NULL: the running one, if anything is different. Takes @file. */
static void change_begin(struct live *l, struct conf *file)
{
	struct change *ch = &l->change;
	int err;

	ch->file = file;
	err = compose(l, file ? file : l->file, &ch->conf);
	if (!err)
		err = table_make(ch->conf, &ch->table);
	if (!err && !file && !l->held && table_same(&l->table, &ch->table) && names_same(l->conf, ch->conf)) {
		change_abandon(l);
		return;
	}
	if (!err)
		err = change_prepare(l);
	if (err) {
		log_error("new mapping table: %s; what runs goes on running", strerror(-err));
		change_abandon(l);
		return;
	}
	if (l->held)
		change_limits(l);
	l->held = false;
	ch->again = false;
	ch->under_way = true;
	ch->asked = state_clock();
	l->ask_swap(ch->area);
}

static bool sources_settled(const struct live *l)
{
	for (unsigned i = 0; i < LIVE_SOURCES; i++)
		if (l->source[i].settled && !l->source[i].settled(l->source[i].ctx))
			return false;
	return true;
}

void live_settle(struct live *l, bool wait)
{
	if (!l->held || l->change.under_way || (wait && !sources_settled(l)))
		return;
	change_begin(l, NULL);
}

void live_tidy(struct live *l)
{
	if (!l->untidy || l->change.under_way)
		return;			/* a change under way says it again */
	l->untidy = false;
	l->n_kept = 0;
	rules_change(l, l->conf, false);
}

/* The worker works by the new table: what ran before is gone. */
static void change_finish(struct live *l, uint32_t ended)
{
	struct change *ch = &l->change;
	bool reloaded = ch->file;
	nat_ns took = state_clock() - ch->asked;

	table_free(&l->table);
	conf_free(l->conf);
	l->table = ch->table;
	l->conf = ch->conf;
	if (reloaded) {
		conf_free(l->file);
		l->file = ch->file;
		change_limits(l);
		live_out_warn(l->file);
		l->n_kept = 0;
		rules_change(l, l->conf, !rules_are_whole(l));
		if (l->reloaded)
			l->reloaded(l->file);
	} else {
		l->untidy = true;
		l->ask_tidy();
	}
	if (l->changed)
		l->changed(l->conf);
	ch->file = ch->conf = NULL;
	ch->table = (struct table){ 0 };
	ch->under_way = false;
	log_info("%s: %u rows, %" PRIu32 " flows ended with their forward, swapped in %.1f ms",
		 reloaded ? "configuration reloaded" : "forwards, routes or devices changed", l->conf->n_rows, ended,
		 (double)took / 1e6);
}

/* A multi-line text to the log, each line by itself. */
static void log_lines(char *text)
{
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		log_error("%s", line);
}

void live_reload(struct live *l)
{
	struct conf *new = NULL;
	char *text = NULL;
	size_t octets;
	FILE *err;
	int bad;

	if (l->change.under_way || l->held) {
		l->change.reload = true;
		return;
	}
	err = open_memstream(&text, &octets);
	if (!err) {
		log_error("no memory to read %s; the running configuration stays", l->path);
		return;
	}
	bad = conf_load(l->path, &new, err);
	fclose(err);
	if (bad) {
		log_lines(text);
		log_error("%s was not taken over; the running configuration stays", l->path);
	} else {
		warn_fixed(l->file, new);
		keep_fixed(l->file, new);
		change_begin(l, new);
	}
	free(text);
}

void live_refresh(struct live *l)
{
	if (l->held)
		live_settle(l, true);
	else if (l->change.under_way)
		l->change.again = true;
	else
		change_begin(l, NULL);
}

int live_restore(struct live *l)
{
	return rules_change(l, l->conf, true);
}

void live_worker_ready(struct live *l)
{
	if (l->change.under_way)
		l->ask_swap(l->change.area);
}

void live_swapped(struct live *l, uint32_t area, uint32_t ended)
{
	if (!l->change.under_way || area != l->change.area)
		return;
	change_finish(l, ended);
	if (l->change.reload) {
		l->change.reload = false;
		live_reload(l);
	}
	/* Also if that file was no good. */
	if (l->change.again && !l->change.under_way) {
		l->change.again = false;
		change_begin(l, NULL);
	}
}

void live_unsteer(struct live *l)
{
	if (l->held)
		steer_clear();
	steer_stop(&l->steer);
}

void live_close(struct live *l)
{
	change_abandon(l);
	table_free(&l->table);
	conf_free(l->conf);
	l->conf = NULL;
	state_free(&l->state);
}
