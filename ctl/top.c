/* SPDX-License-Identifier: GPL-2.0-or-later */
/* top - `nfqnatctl top`: live rates by forward or by guest, full screen */
#include <getopt.h>
#include <math.h>
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl/link.h"
#include "ctl/out.h"
#include "ctl/rates.h"
#include "ctl/span.h"

struct reading {
	struct rates rates;
	double when;
	char *rest;			/* a line that a piece of the text ended in the middle of */
	bool good;
};

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Pieces end anywhere: keep what has no newline yet. */
static void take(void *ctx, json_t *line)
{
	struct reading *r = ctx;
	const char *text = json_string_value(json_object_get(line, "text"));
	char *all = NULL, *at, *end;

	if (!text || asprintf(&all, "%s%s", r->rest ? r->rest : "", text) < 0) {
		r->good = false;
		return;
	}
	free(r->rest);
	for (at = all; (end = strchr(at, '\n')); at = end + 1) {
		*end = '\0';
		r->good = rates_line(&r->rates, at) && r->good;
	}
	r->rest = strdup(at);
	free(all);
}

static int read_now(const struct ctl *c, bool by_guest, struct reading *r)
{
	int ret;

	*r = (struct reading){ .rates = { .by_guest = by_guest }, .when = now_s(), .good = true };
	ret = link_ask(c, json_pack("{s:s}", "cmd", "metrics"), take, r, NULL);
	free(r->rest);
	r->rest = NULL;
	return ret ? ret : r->good ? CMD_OK : CMD_NO;
}

static const char *bits(char buf[8], double octets_per_second)
{
	return out_count(buf, octets_per_second * 8);
}

static void head(char *line, size_t octets, const struct rates *r)
{
	char packets[8], drops[8];

	snprintf(line, octets, "nfqnat: %.0f of %.0f flows, %s packets/s, %s dropped/s", r->flows, r->flows_limit,
		 out_count(packets, r->packets), out_count(drops, r->drops));
}

static void row(char *line, size_t octets, const struct rate *r)
{
	char in[8], out[8], packets[8];

	snprintf(line, octets, "%-31.31s %9.0f %8.0f %9s %9s %9s", r->name, r->flows, r->opened,
		 out_count(packets, r->packets), bits(in, r->in), bits(out, r->out));
}

static void title(char *line, size_t octets, bool by_guest)
{
	snprintf(line, octets, "%-31s %9s %8s %9s %9s %9s", by_guest ? "guest" : "forward", "flows", "new/s", "packets/s", "in bit/s",
		 "out bit/s");
}

static void draw(const struct rates *r)
{
	char line[160];
	int rows = getmaxy(stdscr);

	erase();
	head(line, sizeof(line), r);
	mvaddnstr(0, 0, line, COLS);
	title(line, sizeof(line), r->by_guest);
	attron(A_REVERSE);
	mvaddnstr(2, 0, line, COLS);
	attroff(A_REVERSE);
	for (int i = 0; i < (int)r->n && i + 4 < rows; i++) {
		row(line, sizeof(line), &r->row[i]);
		mvaddnstr(3 + i, 0, line, COLS);
	}
	mvaddnstr(rows - 1, 0, "g: by guest  f: by forward  q: end", COLS);
	refresh();
}

static void print(struct ctl *c, const struct rates *r)
{
	char line[160];

	if (c->json) {
		for (size_t i = 0; i < r->n; i++) {
			const struct rate *x = &r->row[i];
			json_t *o = json_pack("{s:s, s:f, s:f, s:f, s:f, s:f}", r->by_guest ? "guest" : "forward", x->name, "flows",
					      x->flows, "new_per_s", x->opened, "packets_per_s", x->packets, "in_octets_per_s",
					      x->in, "out_octets_per_s", x->out);

			link_print(c, o);
			json_decref(o);
		}
		return;
	}
	head(line, sizeof(line), r);
	fprintf(c->out, "%s\n", line);
	title(line, sizeof(line), r->by_guest);
	fprintf(c->out, "%s\n", line);
	for (size_t i = 0; i < r->n; i++) {
		row(line, sizeof(line), &r->row[i]);
		fprintf(c->out, "%s\n", line);
	}
}

/* Wait for a key or the time; false: the end is wanted. */
static bool keys(bool *by_guest, bool *again)
{
	int key = getch();

	*again = key == 'g' || key == 'f';
	if (*again)
		*by_guest = key == 'g';
	return key != 'q' && key != 3 && key != 27;
}

static int screen(struct ctl *c, bool by_guest, unsigned every_s)
{
	struct reading last = { 0 }, now = { 0 };
	bool again = false;
	int ret;

	if (!initscr()) {
		cmd_error("this terminal cannot be used; `nfqnatctl top --once` needs none");
		return CMD_NO;
	}
	cbreak();
	noecho();
	curs_set(0);
	timeout((int)every_s * 1000);
	do {
		struct rates totals;

		if (again)
			rates_fini(&last.rates);	/* other names: rates from the next reading on */
		ret = read_now(c, by_guest, &now);
		if (!ret && !rates_copy(&totals, &now.rates))
			ret = CMD_NO;
		if (ret)
			break;
		rates_step(&now.rates, &last.rates, last.rates.n ? now.when - last.when : HUGE_VAL);
		rates_sort(&now.rates);
		draw(&now.rates);
		rates_fini(&last.rates);
		rates_fini(&now.rates);
		last = (struct reading){ .rates = totals, .when = now.when };
	} while (keys(&by_guest, &again));
	rates_fini(&last.rates);
	rates_fini(&now.rates);
	endwin();
	return ret;
}

static int once(struct ctl *c, bool by_guest, unsigned every_s)
{
	struct reading a, b;
	int ret = read_now(c, by_guest, &a);

	if (ret)
		return ret;
	sleep(every_s);
	ret = read_now(c, by_guest, &b);
	if (!ret) {
		rates_step(&b.rates, &a.rates, b.when - a.when);
		rates_sort(&b.rates);
		print(c, &b.rates);
	}
	rates_fini(&a.rates);
	rates_fini(&b.rates);
	return ret;
}

int cmd_top(struct ctl *c, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "guests", no_argument, NULL, 'g' }, { "once", no_argument, NULL, '1' }, { "every", required_argument, NULL, 'e' }, { 0 },
	};
	bool by_guest = false, is_once = c->json || !isatty(STDOUT_FILENO);
	uint32_t every_s = 1;
	int opt;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (opt) {
		case 'g':
			by_guest = true;
			break;
		case '1':
			is_once = true;
			break;
		case 'e':
			if (span_parse(optarg, &every_s) && every_s <= 3600)
				break;
			cmd_error("--every %s: write for example 2s, at most an hour", optarg);
			return CMD_USAGE;
		default:
			return cmd_usage(argv[0]);
		}
	}
	if (optind < argc)
		return cmd_usage(argv[0]);
	return is_once ? once(c, by_guest, every_s) : screen(c, by_guest, every_s);
}
