/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libvirt - see libvirt.h */
#include "conf/libvirt.h"

void conf_libvirt_default(struct conf *c)
{
	snprintf(c->libvirt.uri[0], sizeof(c->libvirt.uri[0]), "qemu:///system");
	c->libvirt.n_uris = 1;
}

/* driver[+transport]://..., in plain characters */
static bool is_uri(const char *text)
{
	size_t scheme = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+-.");

	if (!scheme || strncmp(text + scheme, "://", 3) != 0)
		return false;
	for (; *text; text++)
		if (*text <= ' ' || *text > '~' || *text == '"')
			return false;
	return true;
}

static bool is_twice(const struct conf_libvirt *l, const char *text)
{
	for (unsigned i = 0; i < l->n_uris; i++)
		if (!strcmp(l->uri[i], text))
			return true;
	return false;
}

void conf_libvirt_read(struct conf_build *b, const struct conf_raw *raw, struct conf_doc *tree)
{
	yaml_node_t *map = conf_doc_key(tree, conf_doc_root(tree), "libvirt");
	struct conf_libvirt *l = &b->conf->libvirt;
	char quote[CONF_QUOTE_MAX];

	if (!map)
		return;
	l->on = true;
	if (raw->libvirt.n_uri)
		l->n_uris = 0;
	for (unsigned i = 0; i < raw->libvirt.n_uri; i++) {
		const char *text = raw->libvirt.uri[i];
		yaml_node_t *item = conf_doc_item(tree, conf_doc_key(tree, map, "uri"), i);
		const char *wrong = !is_uri(text)             ? "is not a libvirt URI; write for example qemu:///system"
				    : is_twice(l, text)       ? "is written twice; remove one"
				    : l->n_uris == CONF_URIS ? "is more than can be watched; write 16 at most"
							      : NULL;

		if (wrong)
			conf_error_add(b->errs, conf_doc_at(tree, item), "libvirt.uri %s %s",
				       conf_quote(quote, text, strlen(text)), wrong);
		else
			snprintf(l->uri[l->n_uris++], sizeof(l->uri[0]), "%s", text);
	}
}

void conf_uris_print(const struct conf *c, FILE *out)
{
	fputs("  uri: [", out);
	for (unsigned i = 0; i < c->libvirt.n_uris; i++)
		fprintf(out, "%s%s", i ? ", " : "", c->libvirt.uri[i]);
	fputs("]\n", out);
}
