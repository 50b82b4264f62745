/* SPDX-License-Identifier: GPL-2.0-or-later */
/* load - texts become one configuration, or a list of all mistakes in them. */
#include <stdlib.h>

#include "conf/build.h"
#include "conf/files.h"
#include "conf/libvirt.h"
#include "conf/shape.h"

#define QUEUES 65536u		/* the kernel counts queues in 16 bits */

/* The tree of @doc as YAML, to be freed; the tree is used up. NULL: no memory. */
static char *dump(struct conf_doc *doc, size_t *len)
{
	yaml_emitter_t emitter;
	char *text = NULL;
	bool good = false;
	FILE *f = open_memstream(&text, len);

	if (!f || !yaml_emitter_initialize(&emitter)) {
		conf_doc_close(doc);
	} else {
		yaml_emitter_set_output_file(&emitter, f);
		yaml_emitter_set_width(&emitter, -1);
		good = yaml_emitter_dump(&emitter, &doc->yaml);
		good &= yaml_emitter_flush(&emitter) == 1;
		yaml_emitter_delete(&emitter);
	}
	if (f && fclose(f))
		good = false;
	if (good)
		return text;
	free(text);
	return NULL;
}

/*
 * Text to raw values and the tree that has their places. The tree is copied
 * twice because the emitter uses one up. 0, or -1 after a word in @errs.
 */
static int read_raw(const struct conf_file *f, bool dropin, struct conf_doc *tree, struct conf_raw **raw,
		    struct conf_errors *errs)
{
	struct conf_doc written, copy;
	const char *why = NULL;
	char *text = NULL;
	size_t len = 0;

	if (conf_doc_open(&written, f->name, f->text, f->len, errs))
		return -1;
	if (conf_shape_copy(&written, conf_schema(dropin), tree, errs))
		goto close;
	if (conf_shape_copy(&written, conf_schema(dropin), &copy, NULL))
		goto close_tree;
	text = dump(&copy, &len);
	if (!text)
		goto close_tree;
	why = conf_raw_load(text, len, dropin, raw);
	free(text);
	if (why)
		goto close_tree;
	conf_doc_close(&written);
	return 0;

close_tree:
	conf_doc_close(tree);
close:
	conf_doc_close(&written);
	if (why)
		conf_error_add(errs, (struct conf_at){ f->name, 0, 0 }, "cannot be loaded: %s; please report this file", why);
	else
		errs->oom = true;
	return -1;
}

static void read_settings(struct conf_build *b, const struct conf_raw *raw, struct conf_doc *tree)
{
	struct conf *c = b->conf;
	yaml_node_t *queue = conf_doc_key(tree, conf_doc_root(tree), "queue");

	for (unsigned i = 0; i < conf_keys_n; i++) {
		const struct conf_key *k = &conf_keys[i];
		yaml_node_t *map = conf_doc_root(tree);
		const char *text;

		memcpy(&text, (const char *)raw + k->raw, sizeof(text));
		if (!text)
			continue;
		if (k->section)
			map = conf_doc_key(tree, map, k->section);
		conf_key_read(k, text, c, b->errs, conf_doc_at(tree, conf_doc_key(tree, map, k->name)));
	}
	if (queue && c->queue + conf_queues(c, c->workers) > QUEUES)
		conf_error_add(b->errs, conf_doc_at(tree, queue),
			       "queue %u leaves no room for %u queues of each of %u workers; write %u or less", c->queue,
			       conf_queues(c, 1), c->workers, QUEUES - conf_queues(c, c->workers));
}

static void read_outbound(struct conf_build *b, const struct conf_raw *raw, struct conf_doc *tree)
{
	const struct { const char *key; const struct conf_raw_out *list; unsigned n, kind; } lists[] = {
		{ "masquerade", raw->masquerade, raw->n_masquerade, CONF_MASQUERADE },
		{ "nptv6", raw->nptv6, raw->n_nptv6, CONF_NPTV6 },
		{ "one-to-one", raw->one_to_one, raw->n_one_to_one, CONF_ONE_TO_ONE },
	};

	for (unsigned k = 0; k < sizeof(lists) / sizeof(*lists); k++) {
		yaml_node_t *node = conf_doc_key(tree, conf_doc_root(tree), lists[k].key);

		for (unsigned i = 0; i < lists[k].n; i++)
			conf_outbound_add(b, &lists[k].list[i], lists[k].kind, tree, conf_doc_item(tree, node, i));
	}
}

static void read_file(struct conf_build *b, const struct conf_file *f, bool dropin)
{
	yaml_node_t *forwards;
	struct conf_raw *raw = NULL;
	struct conf_doc tree;

	if (read_raw(f, dropin, &tree, &raw, b->errs))
		return;
	if (raw && !dropin) {
		read_settings(b, raw, &tree);
		conf_libvirt_read(b, raw, &tree);
		read_outbound(b, raw, &tree);
	}
	forwards = conf_doc_key(&tree, conf_doc_root(&tree), "forwards");
	for (unsigned i = 0; raw && i < raw->n_forwards && !b->errs->oom; i++)
		conf_forward_add(b, &raw->forwards[i], &tree, conf_doc_item(&tree, forwards, i));
	conf_raw_free(raw, dropin);
	conf_doc_close(&tree);
}

/* The object that @files describe, or NULL and every mistake in @errs. */
static struct conf *build(const struct conf_files *files, struct conf_errors *errs)
{
	struct conf_build b = { .conf = calloc(1, sizeof(*b.conf)), .errs = errs };

	if (!b.conf) {
		errs->oom = true;
		return NULL;
	}
	conf_keys_default(b.conf);
	conf_libvirt_default(b.conf);
	for (unsigned i = 0; i < files->n && !errs->oom; i++)
		if (files->file[i].text)
			read_file(&b, &files->file[i], i > 0);
	if (!errs->oom)
		conf_check(&b);
	return b.conf;
}

/* Build, and hand out either the object or the mistakes. Messages name files and forwards: free last. */
static int finish(const struct conf_files *files, struct conf_errors *errs, struct conf **out, FILE *err)
{
	struct conf *c = build(files, errs);
	bool bad = conf_errors_any(errs);

	if (bad)
		conf_errors_print(errs, err);
	conf_errors_fini(errs);
	if (bad) {
		conf_free(c);
		return -1;
	}
	*out = c;
	return 0;
}

int conf_parse(const char *name, const char *text, size_t len, struct conf **out, FILE *err)
{
	struct conf_file file = { .name = (char *)name, .text = (char *)(text ? text : ""), .len = len };
	struct conf_files files = { &file, 1 };
	struct conf_errors errs = { 0 };

	return finish(&files, &errs, out, err);
}

int conf_load(const char *path, struct conf **out, FILE *err)
{
	struct conf_errors errs = { 0 };
	struct conf_files files;
	int ret;

	conf_files_read(path, &files, &errs);
	ret = finish(&files, &errs, out, err);
	conf_files_free(&files);
	return ret;
}

void conf_copy_settings(struct conf *to, const struct conf *from)
{
	*to = *from;
	to->forwards = NULL;
	to->rows = NULL;
	to->n_forwards = to->n_rows = 0;
}

void conf_forward_fini(struct conf_forward *f)
{
	free(f->name);
	free(f->file);
	free(f->allow);
	conf_guest_free(f->guest);
}

void conf_free(struct conf *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < c->n_forwards; i++)
		conf_forward_fini(&c->forwards[i]);
	free(c->forwards);
	free(c->rows);
	free(c);
}
