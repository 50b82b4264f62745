/* SPDX-License-Identifier: GPL-2.0-or-later */
/* print - the configuration as it was understood: settings, then one line per row. */
#include <netinet/in.h>

#include "conf/build.h"
#include "conf/ip.h"
#include "conf/keys.h"
#include "conf/publish.h"
#include "nat/tuple.h"

#define END_TEXT 96	/* address, ports and device */

/* "192.168.122.50:80-90", "[fd00:122::50]:80", without ports "fd00:122::50"; @ip NULL: "any address:80" */
static void endpoint(char buf[END_TEXT], const struct nat_addr *ip, const struct conf_row *r, unsigned lo)
{
	char text[CONF_IP_TEXT] = "any address";
	unsigned hi = lo + (unsigned)(r->hi - r->lo);
	bool ports = nat_proto_has_ports(r->proto);

	if (ip)
		conf_ip_print(text, ip, (enum nat_family)r->family, ports);
	if (!ports)
		snprintf(buf, END_TEXT, "%s", text);
	else if (hi == lo)
		snprintf(buf, END_TEXT, "%s:%u", text, lo);
	else
		snprintf(buf, END_TEXT, "%s:%u-%u", text, lo, hi);
}

static void listener(char buf[END_TEXT], const struct conf_row *r)
{
	size_t n;

	endpoint(buf, nat_addr_is_any(&r->listen) ? NULL : &r->listen, r, r->lo);
	n = strlen(buf);
	if (*r->dev)
		n += (size_t)snprintf(buf + n, END_TEXT - n, " on %s", r->dev);
	if (r->rest)
		snprintf(buf + n, END_TEXT - n, " (the rest)");
}

/* Columns are as wide as their widest text. */
struct widths {
	int name, proto, from, to;
};

static void widen(int *width, const char *text)
{
	int len = (int)strlen(text);

	if (len > *width)
		*width = len;
}

static struct widths measure(const struct conf *c)
{
	struct widths w = { .proto = 4 };

	for (unsigned i = 0; i < c->n_rows; i++) {
		const struct conf_row *r = &c->rows[i];
		char text[END_TEXT];

		widen(&w.name, c->forwards[r->forward].name);
		widen(&w.proto, publish_proto_name(r->proto));
		listener(text, r);
		widen(&w.from, text);
		endpoint(text, &r->to, r, r->to_lo);
		widen(&w.to, text);
	}
	return w;
}

static void print_row(const struct conf *c, const struct conf_row *r, const struct widths *w, FILE *out)
{
	const struct conf_forward *f = &c->forwards[r->forward];
	char from[END_TEXT], to[END_TEXT], prefix[CONF_IP_TEXT];

	listener(from, r);
	endpoint(to, &r->to, r, r->to_lo);
	fprintf(out, "forward %-*s %-*s %-*s -> %-*s", w->name, f->name, w->proto,
		publish_proto_name(r->proto), w->from, from,
		f->n_allow ? w->to : 0, to);
	if (f->host_source)
		fputs(" source host", out);
	for (unsigned i = 0; i < f->n_allow; i++)
		fprintf(out, "%s %s", i ? "," : " allow", conf_prefix_print(prefix, &f->allow[i]));
	conf_policy_print(&f->policy, out);
	fputc('\n', out);
}

void conf_print(const struct conf *c, FILE *out)
{
	const struct widths w = measure(c);

	conf_keys_print(c, out);
	for (unsigned i = 0; i < c->n_outs; i++)
		conf_out_print(&c->outs[i], out);
	for (unsigned i = 0; i < c->n_rows; i++)
		print_row(c, &c->rows[i], &w, out);
	for (unsigned i = 0; i < c->n_forwards; i++)
		if (c->forwards[i].guest)
			conf_guest_print(&c->forwards[i], out);
}
