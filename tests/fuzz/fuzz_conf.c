/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_conf - any octets as a configuration file.
 *
 * A refusal must say something. What is accepted must print; the settings must
 * read back as printed; and the rows, written as one forward each, must give
 * the same rows again.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "conf/conf.h"
#include "conf/ip.h"
#include "conf/publish.h"

#define ROWS_MAX 64	/* more are not written out, to keep the fuzzer fast */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
	char *octets;
	size_t len;
};

/* NULL on refusal, and then something was said. */
static struct conf *parse(const char *text, size_t len)
{
	struct text said = { 0 };
	struct conf *c = NULL;
	FILE *err = open_memstream(&said.octets, &said.len);
	int ret = conf_parse("fuzz.yaml", text, len, &c, err);

	fclose(err);
	assert(ret ? said.len && !c : !said.len && c);
	free(said.octets);
	return c;
}

static struct text print(const struct conf *c)
{
	struct text t = { 0 };
	FILE *f = open_memstream(&t.octets, &t.len);

	conf_print(c, f);
	fclose(f);
	return t;
}

/* The printed settings are YAML up to the first row. */
static size_t settings_len(const struct text *t)
{
	const char *row = strstr(t->octets, "\nforward ");

	return row ? (size_t)(row - t->octets) + 1 : t->len;
}

static void check_settings(const struct text *t)
{
	struct conf *c = parse(t->octets, settings_len(t));
	struct text again;

	assert(c);
	again = print(c);
	assert(again.len == settings_len(t) && !memcmp(again.octets, t->octets, again.len));
	free(again.octets);
	conf_free(c);
}

static void write_row(const struct conf *c, const struct conf_row *r, FILE *f)
{
	struct publish p = {
		.family = r->family, .proto = r->proto, .listen = r->listen, .lo = r->lo, .hi = r->hi, .to_lo = r->to_lo,
	};
	const struct conf_forward *fw = &c->forwards[r->forward];
	char to[CONF_IP_TEXT], item[PUBLISH_TEXT];

	memcpy(p.dev, r->dev, sizeof(p.dev));
	fprintf(f, "- { to: \"%s\", publish: \"%s\"", conf_ip_print(to, &r->to, (enum nat_family)r->family, false),
		publish_print(item, &p));
	for (unsigned i = 0; i < fw->n_allow; i++)
		fprintf(f, "%s\"%s\"", i ? ", " : ", allow: [", conf_prefix_print(to, &fw->allow[i]));
	fputs(fw->n_allow ? "] }\n" : " }\n", f);
}

static bool is_same_row(const struct conf_row *a, const struct conf_row *b)
{
	return a->family == b->family && a->proto == b->proto && nat_addr_eq(&a->listen, &b->listen) &&
	       !strcmp(a->dev, b->dev) && a->lo == b->lo && a->hi == b->hi && nat_addr_eq(&a->to, &b->to) &&
	       a->to_lo == b->to_lo;
}

static void check_rows(const struct conf *c)
{
	struct text t = { 0 };
	FILE *f = open_memstream(&t.octets, &t.len);
	struct conf *again;

	/* the ports published decide where the source ports may be, so both are written */
	fprintf(f, "source-ports: %u-%u\nforwards:%s\n", c->source_lo, c->source_hi, c->n_rows ? "" : " []");
	for (unsigned i = 0; i < c->n_rows; i++)
		write_row(c, &c->rows[i], f);
	fclose(f);
	again = parse(t.octets, t.len);
	assert(again && again->n_rows == c->n_rows);
	for (unsigned i = 0; i < c->n_rows; i++)
		assert(is_same_row(&c->rows[i], &again->rows[i]));
	conf_free(again);
	free(t.octets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf *c = parse((const char *)data, size);
	struct text t;

	if (!c)
		return 0;
	t = print(c);
	check_settings(&t);
	if (c->n_rows <= ROWS_MAX)
		check_rows(c);
	free(t.octets);
	conf_free(c);
	return 0;
}
