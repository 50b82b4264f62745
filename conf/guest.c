/* SPDX-License-Identifier: GPL-2.0-or-later */
/* guest - the keys of forwards that follow a libvirt guest. */
#include <inttypes.h>
#include <stdlib.h>

#include "conf/build.h"
#include "conf/ip.h"
#include "nat/tuple.h"

#define HOLD_MAX_S 3600u

/* Keys that mean nothing without `guest:`. */
static void refuse_without_guest(struct conf_build *b, const struct conf_raw_forward *raw, struct conf_doc *doc,
				 const yaml_node_t *node)
{
	const struct { const char *key, *text; } keys[] = {
		{ "network", raw->network }, { "when-off", raw->when_off }, { "isolated", raw->isolated },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (keys[i].text)
			conf_error_add(b->errs, conf_doc_at(doc, conf_doc_key(doc, node, keys[i].key)),
				       "%s is about a libvirt guest, but there is no guest here; remove it, or add guest",
				       keys[i].key);
}

/* "hold 30s", "hold 2m", "hold 30": up to an hour */
static bool read_hold(const char *text, uint32_t *seconds)
{
	static const struct { char unit[2]; uint32_t seconds; } units[] = { { "", 1 }, { "s", 1 }, { "m", 60 }, { "h", 3600 } };
	uint32_t n = 0;

	if (strncmp(text, "hold ", 5) != 0 || text[5] < '1' || text[5] > '9')
		return false;
	for (text += 5; *text >= '0' && *text <= '9'; text++)
		if (n <= HOLD_MAX_S)
			n = n * 10 + (uint32_t)(*text - '0');
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (!strcmp(text, units[i].unit)) {
			*seconds = n > HOLD_MAX_S ? n : n * units[i].seconds;
			return *seconds <= HOLD_MAX_S;
		}
	return false;
}

static bool read_when_off(const char *text, struct conf_guest *g)
{
	g->when_off = CONF_REJECT;
	if (!text || !strcmp(text, "reject"))
		return true;
	g->when_off = strcmp(text, "drop") ? CONF_HOLD : CONF_DROP;
	return g->when_off == CONF_DROP || read_hold(text, &g->hold_s);
}

struct conf_guest *conf_guest_read(struct conf_build *b, const struct conf_raw_forward *raw, struct conf_doc *doc,
				   const yaml_node_t *node)
{
	char quote[CONF_QUOTE_MAX];
	struct conf_guest *g;

	if (!raw->guest) {
		refuse_without_guest(b, raw, doc, node);
		return NULL;
	}
	g = calloc(1, sizeof(*g));
	if (!g || !(g->name = strdup(raw->guest)) || (raw->network && !(g->network = strdup(raw->network)))) {
		conf_guest_free(g);
		b->errs->oom = true;
		return NULL;
	}
	g->is_glob = strpbrk(g->name, "*?[");
	b->conf->libvirt.on = true;
	if (!read_when_off(raw->when_off, g))
		conf_error_add(b->errs, conf_doc_at(doc, conf_doc_key(doc, node, "when-off")),
			       "when-off %s is not known; write reject, drop, or hold with a time up to %us, as in hold 30s",
			       conf_quote(quote, raw->when_off, strlen(raw->when_off)), HOLD_MAX_S);
	g->isolated = raw->isolated && !strcmp(raw->isolated, "allow");
	if (raw->isolated && !g->isolated && strcmp(raw->isolated, "refuse") != 0)
		conf_error_add(b->errs, conf_doc_at(doc, conf_doc_key(doc, node, "isolated")),
			       "isolated %s is not known; write refuse or allow",
			       conf_quote(quote, raw->isolated, strlen(raw->isolated)));
	if (g->is_glob && raw->n_to)
		conf_error_add(b->errs, conf_doc_at(doc, conf_doc_key(doc, node, "to")),
			       "to is one guest's address, but guest %s may be several; name one guest, or remove to",
			       conf_quote(quote, g->name, strlen(g->name)));
	return g;
}

void conf_guest_free(struct conf_guest *g)
{
	if (!g)
		return;
	free(g->name);
	free(g->network);
	free(g->rows);
	free(g);
}

unsigned conf_block_slots(const struct conf *c, const struct conf_row *row)
{
	unsigned end = row->lo < c->source_lo ? c->source_lo : 65536;

	return row->block && end > row->lo ? (end - row->lo) / row->block : 0;
}

/* One line for both families, unless the listener is of one. */
static bool is_printed(const struct conf_row *r)
{
	return r->family == NAT_IPV4 || !nat_addr_is_any(&r->listen);
}

static void print_item(const struct conf_row *r, FILE *out)
{
	char ip[CONF_IP_TEXT] = "any address";
	bool ports = nat_proto_has_ports(r->proto);

	if (!nat_addr_is_any(&r->listen))
		conf_ip_print(ip, &r->listen, (enum nat_family)r->family, ports);
	fprintf(out, " %-4s %s", publish_proto_name(r->proto), ip);
	if (r->block)
		fprintf(out, ":%u+%u", r->lo, r->block);
	else if (ports && r->lo != r->hi)
		fprintf(out, ":%u-%u", r->lo, r->hi);
	else if (ports)
		fprintf(out, ":%u", r->lo);
	if (*r->dev)
		fprintf(out, " on %s", r->dev);
}

static void print_target(const struct conf_guest *g, const struct conf_row *r, FILE *out)
{
	bool ports = nat_proto_has_ports(r->proto);
	char ip[CONF_IP_TEXT];

	fprintf(out, " -> guest %s", g->name);
	if (ports && (r->to_lo || !r->block))
		fprintf(out, ":%u", r->to_lo);
	if (ports && !r->block && r->lo != r->hi)
		fprintf(out, "-%u", (unsigned)(r->to_lo + (r->hi - r->lo)));
	if (g->network)
		fprintf(out, " network %s", g->network);
	if (g->has4)
		fprintf(out, " at %s", conf_ip_print(ip, &g->to4, NAT_IPV4, false));
	if (g->has6)
		fprintf(out, " at %s", conf_ip_print(ip, &g->to6, NAT_IPV6, false));
}

void conf_guest_print(const struct conf_forward *f, FILE *out)
{
	const struct conf_guest *g = f->guest;
	char prefix[CONF_IP_TEXT];

	for (unsigned i = 0; i < g->n_rows; i++) {
		if (!is_printed(&g->rows[i]))
			continue;
		fprintf(out, "forward %s", f->name);
		print_item(&g->rows[i], out);
		print_target(g, &g->rows[i], out);
		fprintf(out, " when-off %s", g->when_off == CONF_REJECT ? "reject" : g->when_off == CONF_DROP ? "drop" : "hold");
		if (g->when_off == CONF_HOLD)
			fprintf(out, " %" PRIu32 "s", g->hold_s);
		fprintf(out, "%s%s", g->isolated ? " isolated allow" : "", f->host_source ? " source host" : g->isolated && g->client_source ? " source client" : "");
		for (unsigned a = 0; a < f->n_allow; a++)
			fprintf(out, "%s %s", a ? "," : " allow", conf_prefix_print(prefix, &f->allow[a]));
		fputc('\n', out);
	}
}
