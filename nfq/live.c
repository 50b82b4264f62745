/* SPDX-License-Identifier: GPL-2.0-or-later */
/* live - see live.h */
#include "nfq/live.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "nfq/log.h"
#include "nfq/route.h"
#include "nfq/rules.h"

enum { WHY_OCTETS = 1024 };

static void way_to(const struct nat_addr *to, enum nat_family family, char *dev)
{
	struct route r;

	if (route_get(to, family, &r) < 0 || !r.oif || !if_indextoname(r.oif, dev))
		dev[0] = '\0';
}

static void limits_of(const struct conf *c, uint32_t *limit_s)
{
	const struct conf_timeouts *t = &c->timeouts;

	limit_s[IDLE_UDP_OPENING] = limit_s[IDLE_UDP] = t->udp;
	limit_s[IDLE_TCP_OPENING] = t->tcp_opening;
	limit_s[IDLE_TCP_ESTABLISHED] = t->tcp_established;
	limit_s[IDLE_TCP_DOUBT] = limit_s[IDLE_TCP_PICKED_UP] = t->tcp_doubt;
	limit_s[IDLE_TCP_FIN] = limit_s[IDLE_TCP_CLOSING] = t->tcp_closing;
	limit_s[IDLE_ICMP] = t->icmp;
}

void live_params(const struct conf *c, struct nat_params *p)
{
	*p = (struct nat_params){ .max_flows = c->max_flows, .source_lo = c->source_lo, .source_hi = c->source_hi };
	limits_of(c, p->limit_s);
}

int live_open(struct live *l)
{
	struct nat_params p;
	uint32_t area;
	int err;

	live_params(l->conf, &p);
	err = state_make(&l->state, &p);
	if (err) {
		log_error("no memory for %" PRIu32 " flows: %s; lower `max-flows:`", p.max_flows, strerror(-err));
		return err;
	}
	err = table_make(l->conf, &l->table);
	if (!err)
		err = table_load(&l->table, l->conf, &l->state, &area);
	if (err) {
		log_error("mapping table of %u rows: %s; forward fewer ranges", l->conf->n_rows, strerror(-err));
		state_free(&l->state);
		return err;
	}
	nat_swap_map(&l->state.nat);
	nat_sweep(&l->state.nat, UINT32_MAX);
	log_info("flow table: %" PRIu32 " flows, %" PRIu64 " MiB at most", p.max_flows,
		 (l->state.nat.block->octets + (1 << 20) - 1) >> 20);
	return 0;
}

static int rules_for(const struct live *l, const struct conf *c, struct rules *r)
{
	return rules_make(c, l->threads, way_to, r);
}

int live_steer(struct live *l)
{
	char why[WHY_OCTETS] = "";
	struct rules r;
	int err = rules_for(l, l->conf, &r);

	if (err)
		return err;
	err = steer_start(&l->steer, l->conf->steering, &r, why, sizeof(why));
	rules_free(&r);
	if (err)
		log_error("steering rules: %s; see `steering:` and whether this kernel has NFQUEUE", why);
	return err;
}

static int rules_change(struct live *l, const struct conf *c)
{
	char why[WHY_OCTETS] = "";
	struct rules r;
	int err = rules_for(l, c, &r);

	if (err)
		return err;
	err = steer_replace(&l->steer, &r, why, sizeof(why));
	rules_free(&r);
	if (err)
		log_error("steering rules: %s", why);
	return err;
}

static void change_abandon(struct live *l)
{
	conf_free(l->change.conf);
	table_free(&l->change.table);
	l->change.conf = NULL;
	l->change.under_way = false;
}

/* What cannot change while flows and queues exist. */
static void warn_fixed(const struct conf *old, const struct conf *new)
{
	if (old->queue != new->queue || old->workers != new->workers || old->max_flows != new->max_flows ||
	    old->steering != new->steering || old->source_lo != new->source_lo || old->source_hi != new->source_hi)
		log_warn("queue, workers, max-flows, steering and source-ports change with a restart only; "
			 "the running values stay");
}

/* Settings that the running daemon keeps are carried over, so that rules and queues stay in step. */
static void keep_fixed(const struct conf *old, struct conf *new)
{
	new->queue = old->queue;
	new->workers = old->workers;
	new->max_flows = old->max_flows;
	new->steering = old->steering;
	new->source_lo = old->source_lo;
	new->source_hi = old->source_hi;
}

static void change_limits(struct live *l)
{
	uint32_t limit_s[IDLE_CLASSES] = { 0 };

	limits_of(l->conf, limit_s);
	for (unsigned c = IDLE_FREE + 1; c < IDLE_CLASSES; c++)
		l->state.nat.block->flows.limit[c] = nat_tick_span(NAT_SEC(limit_s[c]));
}

static void change_begin(struct live *l, struct conf *new)
{
	const struct conf *c = new ? new : l->conf;
	int err;

	err = table_make(c, &l->change.table);
	if (!err && !new && table_same(&l->table, &l->change.table)) {
		table_free(&l->change.table);
		return;
	}
	if (!err)
		err = table_load(&l->change.table, c, &l->state, &l->change.area);
	l->change.conf = new;
	l->change.under_way = true;
	if (err) {
		log_error("new mapping table: %s; the running configuration stays", strerror(-err));
		change_abandon(l);
		return;
	}
	l->ask_swap(l->change.area);
}

/* The worker works by the new table: bring the rules after it. */
static void change_finish(struct live *l, uint32_t ended)
{
	struct conf *new = l->change.conf;
	int err = rules_change(l, new ? new : l->conf);

	if (err && new) {
		log_error("going back to the configuration before");
		change_abandon(l);
		rules_change(l, l->conf);
		table_free(&l->table);	/* differs from any other: the old rows are loaded again */
		change_begin(l, NULL);
		return;
	}
	table_free(&l->table);
	l->table = l->change.table;
	l->change.table = (struct table){ 0 };
	if (new) {
		conf_free(l->conf);
		l->conf = new;
		l->change.conf = NULL;
		change_limits(l);
	}
	l->change.under_way = false;
	log_info("%s: %u rows, %" PRIu32 " flows ended with their forward",
		 new ? "configuration reloaded" : "routes or devices changed", l->conf->n_rows, ended);
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

	if (l->change.under_way) {
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
		warn_fixed(l->conf, new);
		keep_fixed(l->conf, new);
		change_begin(l, new);
	}
	free(text);
}

void live_refresh(struct live *l)
{
	if (l->change.under_way)
		l->change.again = true;
	else
		change_begin(l, NULL);
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
	if (l->change.under_way)
		return;			/* going back */
	if (l->change.reload) {
		l->change.reload = l->change.again = false;
		live_reload(l);
	} else if (l->change.again) {
		l->change.again = false;
		change_begin(l, NULL);
	}
}

void live_unsteer(struct live *l)
{
	steer_stop(&l->steer);
}

void live_close(struct live *l)
{
	change_abandon(l);
	table_free(&l->table);
	state_free(&l->state);
}
