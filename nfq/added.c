/* SPDX-License-Identifier: GPL-2.0-or-later */
/* added - see added.h */
#include "nfq/added.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nfq/handover.h"
#include "nfq/log.h"

#define ADDED_NAME_KEPT "added"

enum { TEXT_OCTETS_MAX = 64 << 20 };	/* of all */

static const double LOOK_S = 10;	/* so long after its end, at most, a forward goes if the host slept */

struct added {
	struct conf *conf;		/* one forward; NULL: place is free */
	char *text;			/* that it was made of */
	nat_ns ends;			/* state_clock(); 0: never */
	bool passive;			/* its ports are the file's now */
};

static struct {
	struct ev_loop *loop;
	struct live *live;
	int fd;				/* memfd: a line for each, "ENDS TEXT" */
	ev_timer timer;
	struct added list[ADDED_MAX];
} self;

static bool follows_guest(const struct added *a)
{
	return a->conf && a->conf->forwards[0].guest;
}

/* Who watches libvirt may have to begin, or may stop. */
static void tell(void)
{
	if (self.live->reloaded)
		self.live->reloaded(self.live->file);
}

static const char *name_of(const struct added *a)
{
	return a->conf->forwards[0].name;
}

static struct added *find(const char *name)
{
	for (unsigned i = 0; i < ADDED_MAX; i++)
		if (self.list[i].conf && !strcmp(name_of(&self.list[i]), name))
			return &self.list[i];
	return NULL;
}

static struct added *free_place(void)
{
	for (unsigned i = 0; i < ADDED_MAX; i++)
		if (!self.list[i].conf)
			return &self.list[i];
	return NULL;
}

/* True if somebody has to be told: tell(). */
static bool forget(struct added *a)
{
	bool guest = follows_guest(a);

	conf_free(a->conf);
	free(a->text);
	*a = (struct added){ 0 };
	return guest;
}

/* All of its rows or none: half a forward would surprise. */
static int claim_all(const struct conf *c, struct conf_claims *claims)
{
	for (unsigned i = 0; i < c->n_rows; i++)
		if (conf_claims_has(claims, &c->rows[i]))
			return -EEXIST;
	for (unsigned i = 0; i < c->n_rows; i++) {
		int err = conf_claims_add(claims, &c->rows[i]);

		if (err)
			return err;
	}
	return 0;
}

static int contribute_one(struct added *a, struct conf_claims *claims, struct conf_dynamic *out)
{
	const struct conf_forward *f = &a->conf->forwards[0];
	int err = claim_all(a->conf, claims), at;
	bool was = a->passive;

	a->passive = err == -EEXIST;
	if (a->passive) {
		if (!was) {
			log_field("FORWARD", "%s", f->name);
			log_field("REASON", "its port is forwarded already");
			log_warn("forward %s was added by hand, but the configuration publishes one of its ports now; it waits",
				 f->name);
		}
		return 0;
	}
	if (err)
		return err;
	at = conf_dynamic_forward(out, f->name, f->allow, f->n_allow);
	if (at >= 0)
		out->forwards[at].policy = f->policy;
	for (unsigned i = 0; at >= 0 && i < a->conf->n_rows; i++) {
		struct conf_row row = a->conf->rows[i];

		row.forward = (uint32_t)at;
		err = conf_dynamic_row(out, &row);
		if (err)
			return err;
	}
	return at < 0 ? at : 0;
}

static int contribute(void *ctx, const struct conf *file, struct conf_claims *claims, struct conf_dynamic *out)
{
	(void)ctx;
	(void)file;
	for (unsigned i = 0; i < ADDED_MAX; i++) {
		int err = self.list[i].conf && !follows_guest(&self.list[i]) ? contribute_one(&self.list[i], claims, out) : 0;

		if (err)
			return err;
	}
	return 0;
}

/* Wait for the one that ends next. Its clock goes on while the host sleeps, the loop's does not: looked at again soon. */
static void set_timer(void)
{
	nat_ns now = state_clock(), next = 0;
	double wait;

	for (unsigned i = 0; i < ADDED_MAX; i++)
		if (self.list[i].conf && self.list[i].ends && (!next || self.list[i].ends < next))
			next = self.list[i].ends;
	ev_timer_stop(self.loop, &self.timer);
	if (!next)
		return;
	wait = next > now ? (double)(next - now) / 1e9 : 0.;
	ev_timer_set(&self.timer, wait < LOOK_S ? wait : LOOK_S, 0.);
	ev_timer_start(self.loop, &self.timer);
}

/* For the main process after us. Written anew at each change: a line that is cut off makes no sense and is left out. */
static void save(void)
{
	char *text = NULL;
	size_t octets;
	FILE *out = open_memstream(&text, &octets);
	bool good = out;

	for (unsigned i = 0; out && i < ADDED_MAX; i++)
		if (self.list[i].conf)
			fprintf(out, "%" PRIu64 " %s\n", self.list[i].ends, self.list[i].text);
	if (out)
		good = !fclose(out);
	good = good && !ftruncate(self.fd, 0) && pwrite(self.fd, text, octets, 0) == (ssize_t)octets;
	free(text);
	if (!good)
		log_warn("no memory to keep added forwards over a restart");
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	nat_ns now = state_clock();
	bool guests = false, any = false;

	(void)loop;
	(void)w;
	(void)events;
	for (unsigned i = 0; i < ADDED_MAX; i++) {
		struct added *a = &self.list[i];

		if (!a->conf || !a->ends || a->ends > now)
			continue;
		any = true;
		log_field("FORWARD", "%s", name_of(a));
		log_info("forward %s was added for a time that is over now", name_of(a));
		guests |= forget(a);
	}
	set_timer();
	if (!any)
		return;
	if (guests)
		tell();
	live_refresh(self.live);
	save();
}

/* One line that a main process before us wrote. */
static bool restore_line(char *line)
{
	struct added *a = free_place();
	nat_ns ends = strtoull(line, &line, 10);
	char *text = *line == ' ' ? strdup(line + 1) : NULL, *said = NULL;
	size_t octets;
	FILE *err = open_memstream(&said, &octets);
	struct conf *conf = NULL;
	bool good = a && text && err && !conf_parse("added", text, strlen(text), &conf, err) && conf->n_forwards == 1;

	if (err)
		fclose(err);
	free(said);
	if (!good || (ends && ends <= state_clock())) {
		conf_free(conf);
		free(text);
		return good;		/* its time is over */
	}
	*a = (struct added){ .conf = conf, .text = text, .ends = ends };
	log_field("FORWARD", "%s", name_of(a));
	log_info("forward %s was added by hand and goes on", name_of(a));
	return true;
}

static void restore(int fd)
{
	struct stat st;
	char *all = NULL, *save_to = NULL;
	unsigned bad = 0;

	if (fcntl(fd, F_GET_SEALS) < 0 || fstat(fd, &st) < 0 || st.st_size > TEXT_OCTETS_MAX ||
	    !(all = calloc(1, (size_t)st.st_size + 1)) || pread(fd, all, (size_t)st.st_size, 0) != st.st_size)
		log_warn("what was added by hand before cannot be read: it is lost");
	for (char *line = all ? strtok_r(all, "\n", &save_to) : NULL; line; line = strtok_r(NULL, "\n", &save_to))
		bad += !restore_line(line);
	if (bad)
		log_warn("%u forwards that were added by hand before make no sense now: they are lost", bad);
	free(all);
}

struct live_source added_open(struct ev_loop *loop, struct live *live)
{
	self.loop = loop;
	self.live = live;
	ev_init(&self.timer, on_timer);
	self.fd = handover_take(ADDED_NAME_KEPT);
	if (self.fd >= 0)
		restore(self.fd);
	else
		self.fd = memfd_create("nfqnat-added", MFD_CLOEXEC);
	if (self.fd >= 0)
		handover_also(ADDED_NAME_KEPT, self.fd);
	set_timer();
	return (struct live_source){ .contribute = contribute };
}

void added_close(void)
{
	for (unsigned i = 0; i < ADDED_MAX; i++)
		forget(&self.list[i]);
	if (!self.loop)
		return;
	ev_timer_stop(self.loop, &self.timer);
	close(self.fd);
	self.loop = NULL;
}

static const struct conf_forward *name_taken(const struct conf *running, const char *name)
{
	for (unsigned i = 0; i < running->n_forwards; i++)
		if (!strcmp(running->forwards[i].name, name))
			return &running->forwards[i];
	return NULL;
}

static bool overlap(const struct conf_row *a, const struct conf_row *b)
{
	return !conf_row_by_listener(a, b) && a->lo <= b->hi && b->lo <= a->hi;
}

/* Whose port is one of these? NULL: nobody's. A block is put where there is room. */
static const char *port_taken(const struct conf *running, const struct conf_row *rows, unsigned n)
{
	for (unsigned i = 0; i < running->n_rows; i++)
		for (unsigned k = 0; k < n; k++)
			if (!rows[k].block && overlap(&running->rows[i], &rows[k]))
				return running->forwards[running->rows[i].forward].name;
	return NULL;
}

enum added_err added_add(struct conf *conf, const char *text, uint32_t for_s, const char **other)
{
	const struct conf_guest *guest = conf->forwards[0].guest;
	const char *name = conf->forwards[0].name;
	struct added *place = free_place();
	char *copy;

	if (!place)
		return ADDED_FULL;
	if (find(name) || name_taken(self.live->conf, name))
		return ADDED_NAME;
	*other = guest ? port_taken(self.live->conf, guest->rows, guest->n_rows) : port_taken(self.live->conf, conf->rows, conf->n_rows);
	if (*other)
		return ADDED_TAKEN;
	copy = strdup(text);
	if (!copy)
		return ADDED_NO_MEMORY;
	*place = (struct added){ .conf = conf, .text = copy, .ends = for_s ? state_clock() + NAT_SEC(for_s) : 0 };
	set_timer();
	save();
	if (guest)
		tell();
	return ADDED_OK;
}

bool added_del(const char *name)
{
	struct added *a = find(name);

	if (!a)
		return false;
	if (forget(a))
		tell();
	set_timer();
	save();
	return true;
}

unsigned added_guests(const struct conf_forward **out)
{
	unsigned n = 0;

	for (unsigned i = 0; i < ADDED_MAX; i++)
		if (follows_guest(&self.list[i]))
			out[n++] = &self.list[i].conf->forwards[0];
	return n;
}

const struct conf_libvirt *added_libvirt(void)
{
	for (unsigned i = 0; i < ADDED_MAX; i++)
		if (follows_guest(&self.list[i]))
			return &self.list[i].conf->libvirt;
	return NULL;
}

long added_left_s(const char *name, const char **why)
{
	const struct added *a = find(name);
	nat_ns now = state_clock();

	*why = NULL;
	if (!a)
		return -1;
	if (a->passive)
		*why = "the configuration publishes one of its ports now";
	if (!a->ends)
		return 0;
	return a->ends > now ? (long)((a->ends - now) / 1000000000u) + 1 : 1;
}

const char *added_waiting(unsigned i)
{
	for (unsigned k = 0; k < ADDED_MAX; k++)
		if (self.list[k].conf && self.list[k].passive && !i--)
			return name_of(&self.list[k]);
	return NULL;
}
