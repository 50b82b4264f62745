/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan - see plan.h */
#include "conf/import/plan.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/errors.h"
#include "conf/ip.h"

static void say(struct plan *p, unsigned line, const char *what, const char *fmt, va_list ap)
	__attribute__((format(printf, 4, 0)));
static void say(struct plan *p, unsigned line, const char *what, const char *fmt, va_list ap)
{
	fprintf(p->notes, "%s:", p->name);
	if (line)
		fprintf(p->notes, "%u:", line);
	fprintf(p->notes, " %s", what);
	vfprintf(p->notes, fmt, ap);
	fputc('\n', p->notes);
}

void plan_leave(struct plan *p, unsigned line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(p, line, "left out: ", fmt, ap);
	va_end(ap);
	p->left_out++;
}

void plan_note(struct plan *p, unsigned line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(p, line, "note: ", fmt, ap);
	va_end(ap);
}

void plan_name(char name[PLAN_NAME], const char *text)
{
	size_t n = 0;

	for (; n < PLAN_NAME - 1 && text[n]; n++) {
		char c = text[n];
		bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
			    c == '_' || (c == '-' && n);

		if (good)
			name[n] = c;
		else
			name[n] = "_-"[n > 0];
	}
	name[n] = '\0';
}

bool plan_target(struct plan_head *h, const char *text)
{
	enum nat_family family;
	struct nat_addr a;

	if (!conf_ip_parse(text, strlen(text), &a, &family))
		return false;
	if (family == NAT_IPV4) {
		h->has4 = true;
		h->to4 = a;
	} else {
		h->has6 = true;
		h->to6 = a;
	}
	return true;
}

bool plan_allow(struct plan_head *h, const char *text)
{
	struct nat_prefix p;

	if (h->n_allow == PLAN_ALLOW || !conf_prefix_parse(text, strlen(text), &p))
		return false;
	h->allow[h->n_allow++] = conf_prefix_trim(&p);
	return true;
}

static bool is_same_head(const struct plan_head *a, const struct plan_head *b)
{
	if (a->has4 != b->has4 || a->has6 != b->has6 || a->n_allow != b->n_allow)
		return false;
	if ((a->has4 && !nat_addr_eq(&a->to4, &b->to4)) || (a->has6 && !nat_addr_eq(&a->to6, &b->to6)))
		return false;
	for (unsigned i = 0; i < a->n_allow; i++)
		if (a->allow[i].family != b->allow[i].family || a->allow[i].bits != b->allow[i].bits ||
		    !nat_addr_eq(&a->allow[i].addr, &b->allow[i].addr))
			return false;
	return true;
}

static bool is_name_taken(const struct plan *p, const char *name)
{
	for (unsigned i = 0; i < p->n; i++)
		if (!strcmp(p->forward[i].head.name, name))
			return true;
	return false;
}

/* A name is given once: the second forward of a name gets a number behind it. */
static void make_unique(const struct plan *p, char name[PLAN_NAME])
{
	char base[PLAN_NAME - 8];

	if (!*name || !is_name_taken(p, name))
		return;
	snprintf(base, sizeof(base), "%.*s", (int)sizeof(base) - 1, name);
	for (unsigned i = 2; is_name_taken(p, name); i++)
		snprintf(name, PLAN_NAME, "%s-%u", base, i);
}

/* The forward of this head; made if there is none. The last that was made is the likeliest. */
static struct plan_forward *forward_of(struct plan *p, const struct plan_head *head)
{
	for (unsigned i = p->n; i > 0; i--)
		if (!strcmp(p->forward[i - 1].base, head->name) && is_same_head(&p->forward[i - 1].head, head))
			return &p->forward[i - 1];
	if (p->n == p->room) {
		unsigned room = p->room ? 2 * p->room : 8;
		struct plan_forward *more = reallocarray(p->forward, room, sizeof(*more));

		if (!more) {
			p->oom = true;
			return NULL;
		}
		p->forward = more;
		p->room = room;
	}
	p->forward[p->n] = (struct plan_forward){ .head = *head };
	memcpy(p->forward[p->n].base, head->name, PLAN_NAME);
	make_unique(p, p->forward[p->n].head.name);
	return &p->forward[p->n++];
}

static bool has_item(const struct plan_forward *f, const struct publish *a)
{
	for (unsigned i = 0; i < f->n; i++) {
		const struct publish *b = &f->item[i].p;

		if (a->family == b->family && a->proto == b->proto && nat_addr_eq(&a->listen, &b->listen) &&
		    !strcmp(a->dev, b->dev) && a->lo == b->lo && a->hi == b->hi && a->to_lo == b->to_lo)
			return true;
	}
	return false;
}

void plan_add(struct plan *p, unsigned line, const struct plan_head *head, const struct publish *item)
{
	char text[PUBLISH_TEXT];
	struct plan_forward *f;
	struct publish good;
	enum publish_err err;
	size_t at;

	publish_print(text, item);
	err = publish_parse(text, strlen(text), &good, &at);
	if (err) {
		plan_leave(p, line, "'%s' %s", text, publish_err_text(err));
		return;
	}
	f = forward_of(p, head);
	if (!f || has_item(f, &good))
		return;
	if (f->n == f->room) {
		unsigned room = f->room ? 2 * f->room : 8;
		struct plan_item *more = reallocarray(f->item, room, sizeof(*more));

		if (!more) {
			p->oom = true;
			return;
		}
		f->item = more;
		f->room = room;
	}
	f->item[f->n++] = (struct plan_item){ .p = good, .line = line };
}

static unsigned write_forward(struct plan_forward *f, unsigned at, FILE *out)
{
	const struct plan_head *h = &f->head;
	char ip[CONF_IP_TEXT], text[PUBLISH_TEXT];

	f->from = at;
	fputs("  - ", out);
	if (*h->name) {
		fprintf(out, "name: \"%s\"\n    ", h->name);
		at++;
	}
	fputs("to: [", out);
	if (h->has4)
		fprintf(out, "%s%s", conf_ip_print(ip, &h->to4, NAT_IPV4, false), h->has6 ? ", " : "");
	if (h->has6)
		fprintf(out, "\"%s\"", conf_ip_print(ip, &h->to6, NAT_IPV6, false));
	fputs("]\n", out);
	at++;
	for (unsigned i = 0; i < h->n_allow; i++)
		fprintf(out, "%s\"%s\"", i ? ", " : "    allow: [", conf_prefix_print(ip, &h->allow[i]));
	if (h->n_allow) {
		fputs("]\n", out);
		at++;
	}
	fputs("    publish:\n", out);
	at++;
	for (unsigned i = 0; i < f->n; i++) {
		if (f->item[i].out)
			continue;
		fprintf(out, "      - \"%s\"\n", publish_print(text, &f->item[i].p));
		f->item[i].at = at++;
	}
	f->to = at;
	return at;
}

static unsigned count(const struct plan_forward *f)
{
	unsigned n = 0;

	for (unsigned i = 0; i < f->n; i++)
		n += !f->item[i].out;
	return n;
}

static unsigned write_all(struct plan *p, FILE *out)
{
	unsigned at = 2, n = 0;

	for (unsigned i = 0; i < p->n; i++)
		n += count(&p->forward[i]);
	fputs(n ? "forwards:\n" : "forwards: []\n", out);
	for (unsigned i = 0; i < p->n; i++) {
		p->forward[i].from = p->forward[i].to = 0;
		if (count(&p->forward[i]))
			at = write_forward(&p->forward[i], at, out);
	}
	return n;
}

/* The line of the source that line @at of the YAML comes from; 0: none. */
static unsigned source_line(const struct plan *p, unsigned at)
{
	for (unsigned i = 0; i < p->n; i++)
		for (unsigned j = 0; j < p->forward[i].n; j++)
			if (!p->forward[i].item[j].out && p->forward[i].item[j].at == at)
				return p->forward[i].item[j].line;
	return 0;
}

/* What the parser said, with a line of the source where it names one of ours ("-:4"). */
static void translate(const struct plan *p, char *why, size_t size, const char *said, int len)
{
	const char *ref = memmem(said, (size_t)len, " -:", 3);
	unsigned line = 0;
	char *end = NULL;

	if (ref)
		line = source_line(p, (unsigned)strtoul(ref + 3, &end, 10));
	if (line && end <= said + len)
		snprintf(why, size, "%.*s line %u%.*s", (int)(ref - said), said, line, (int)(said + len - end), end);
	else
		snprintf(why, size, "%.*s", len, said);
}

/* Leave out what is written at line @at of the YAML: an item, or a whole forward. False: nothing is there. */
static bool leave_out(struct plan *p, unsigned at, const char *why)
{
	for (unsigned i = 0; i < p->n; i++) {
		struct plan_forward *f = &p->forward[i];
		bool item = false;

		if (at < f->from || at >= f->to)
			continue;
		for (unsigned j = 0; j < f->n; j++)
			item |= !f->item[j].out && f->item[j].at == at;
		for (unsigned j = 0; j < f->n; j++) {
			if (f->item[j].out || (item && f->item[j].at != at))
				continue;
			f->item[j].out = true;
			plan_leave(p, f->item[j].line, "%s", why);
		}
		return true;
	}
	return false;
}

/*
 * What the configuration's own parser says of the text: each mistake names a
 * line, and what stands there is left out. Returns whether anything was.
 */
static bool judge(struct plan *p, const char *yaml, size_t octets)
{
	struct conf *c = NULL;
	char *said = NULL;
	size_t len = 0;
	bool any = false;
	FILE *err = open_memstream(&said, &len);

	if (!err) {
		p->oom = true;
		return false;
	}
	if (conf_parse("-", yaml, octets, &c, err) == 0)
		conf_free(c);
	fclose(err);
	for (char *line = said, *end; line && *line; line = end + (*end != '\0')) {
		char *text = NULL, why[256];
		unsigned at = 0;

		end = strchrnul(line, '\n');
		if (!strncmp(line, "-:", 2))
			at = (unsigned)strtoul(line + 2, &text, 10);
		text = at ? memmem(text, (size_t)(end - text), ": ", 2) : NULL;
		if (text) {
			translate(p, why, sizeof(why), text + 2, (int)(end - text - 2));
			any |= leave_out(p, at, why);
		}
	}
	free(said);
	return any;
}

unsigned plan_write(struct plan *p, FILE *out)
{
	unsigned n = 0;
	bool again;

	do {
		char *yaml = NULL;
		size_t octets = 0;
		FILE *f = open_memstream(&yaml, &octets);

		if (!f) {
			p->oom = true;
			return 0;
		}
		n = write_all(p, f);
		fclose(f);
		again = judge(p, yaml, octets);
		if (!again)
			fwrite(yaml, 1, octets, out);
		free(yaml);
	} while (again);
	return n;
}

void plan_fini(struct plan *p)
{
	for (unsigned i = 0; i < p->n; i++)
		free(p->forward[i].item);
	free(p->forward);
	p->forward = NULL;
	p->n = p->room = 0;
}
