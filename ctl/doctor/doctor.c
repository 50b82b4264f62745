/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doctor - see doctor.h: the table of checks, and what they find */
#include "ctl/doctor/doctor.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const struct doctor_check doctor_checks[] = {
	{ "nfqueue",    "can this kernel hand packets over, by nft or iptables", doctor_nfqueue },
	{ "queue",      "are the queue numbers free", doctor_queue },
	{ "forwarding", "does this host route, for both families", doctor_forwarding },
	{ "accept-ra",  "are router advertisements still heard while it routes", doctor_accept_ra },
	{ "bridge-nf",  "do bridged frames pass the firewall", doctor_bridge_nf },
	{ "rp-filter",  "are sources checked where routes are not symmetric", doctor_rp_filter },
	{ "ephemeral",  "may this host's own connections use forwarded ports", doctor_ephemeral },
	{ "listeners",  "does a program of this host listen on forwarded ports", doctor_listeners },
	{ "firewall",   "do rules of this host reject what is forwarded", doctor_firewall },
	{ "rivals",     "does something else forward the same ports", doctor_rivals },
	{ "libvirt",    "does libvirtd answer", doctor_libvirt },
	{ "guests",     "is there a way to each guest, and does it answer", doctor_guests },
	{ "ula",        "will guests use their IPv6 addresses", doctor_ula },
	{ "outside",    "does somebody answer for the outside addresses of nptv6 and one-to-one", doctor_outside },
	{ "mtu",        "do packets fit on the way to guests", doctor_mtu },
	{ "offload",    "are packets put together before they come to us", doctor_offload },
	{ NULL, NULL, NULL },
};

const char *doctor_level_name(enum doctor_level level)
{
	static const char *const names[] = { "ok", "note", "warning", "problem" };

	_Static_assert(sizeof(names) / sizeof(names[0]) == DOCTOR_LEVELS, "one name per level");
	return names[level];
}

void doctor_say(struct doctor *d, enum doctor_level level, const char *why, const char *fmt, ...)
{
	struct doctor_finding f = { .check = d->check, .level = level, .why = why };
	va_list ap;

	if (d->n == d->room) {
		unsigned room = d->room ? 2 * d->room : 32;
		struct doctor_finding *more = reallocarray(d->list, room, sizeof(*more));

		if (!more)
			return;
		d->list = more;
		d->room = room;
	}
	va_start(ap, fmt);
	if (vasprintf(&f.what, fmt, ap) >= 0)
		d->list[d->n++] = f;
	va_end(ap);
}

void doctor_mend(struct doctor *d, const char *fmt, ...)
{
	struct doctor_finding *f = &d->list[d->n - 1];
	va_list ap;

	if (!d->n || f->check != d->check || f->mend)
		return;
	va_start(ap, fmt);
	if (vasprintf(&f->mend, fmt, ap) < 0)
		f->mend = NULL;
	va_end(ap);
}

static void run_check(struct doctor *d, const struct doctor_check *c)
{
	unsigned before = d->n;

	d->check = c->name;
	c->run(d);
	if (d->n == before)
		doctor_say(d, DOCTOR_OK, NULL, "nothing stands in the way");
}

void doctor_run(struct doctor *d, const char *only)
{
	for (const struct doctor_check *c = doctor_checks; c->name; c++)
		if (!only || !strcmp(only, c->name))
			run_check(d, c);
}

enum doctor_level doctor_worst(const struct doctor *d)
{
	enum doctor_level worst = DOCTOR_OK;

	for (unsigned i = 0; i < d->n; i++)
		if (d->list[i].level > worst)
			worst = d->list[i].level;
	return worst;
}

void doctor_fini(struct doctor *d)
{
	for (unsigned i = 0; i < d->n; i++) {
		free(d->list[i].what);
		free(d->list[i].mend);
	}
	free(d->list);
	d->list = NULL;
	d->n = d->room = 0;
	net_close(&d->net);
}

const struct conf_row *doctor_row(const struct doctor *d, unsigned i)
{
	const struct conf *c = d->conf;

	if (i < c->n_rows)
		return &c->rows[i];
	i -= c->n_rows;
	for (unsigned f = 0; f < c->n_forwards; f++) {
		const struct conf_guest *g = c->forwards[f].guest;

		if (!g)
			continue;
		if (i < g->n_rows)
			return &g->rows[i];
		i -= g->n_rows;
	}
	return NULL;
}

const struct conf_row *doctor_guest(const struct doctor *d, unsigned i)
{
	const struct conf *c = d->conf;

	for (unsigned r = 0; r < c->n_rows; r++) {
		const struct conf_row *row = &c->rows[r];
		bool seen = row->action != CONF_FORWARD || nat_addr_is_any(&row->to);

		for (unsigned s = 0; !seen && s < r; s++)
			seen = c->rows[s].family == row->family && nat_addr_eq(&c->rows[s].to, &row->to);
		if (!seen && !i--)
			return row;
	}
	return NULL;
}

bool doctor_has_family(const struct doctor *d, enum nat_family family)
{
	const struct conf_row *row;

	for (unsigned i = 0; (row = doctor_row(d, i)); i++)
		if (row->family == family)
			return true;
	return false;
}

long doctor_read(const char *path, ...)
{
	char name[160] = "/proc/sys/";
	long value = -1;
	va_list ap;
	FILE *f;

	va_start(ap, path);
	vsnprintf(name + strlen(name), sizeof(name) - strlen(name), path, ap);
	va_end(ap);
	f = fopen(name, "re");
	if (f && fscanf(f, "%ld", &value) != 1) /* NOLINT(cert-err34-c): the kernel writes a small number */
		value = -1;
	if (f)
		fclose(f);
	return value;
}
