/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shape - hold a YAML tree against a libcyaml schema; shape.h has the contract. */
#include "conf/shape.h"

#include <string.h>

#define WORD_MAX 24	/* longer words are not compared: no key is near that */
#define KEYS_TEXT 256

struct shape {
	struct conf_doc *in, *out;
	struct conf_errors *errs;
	bool oom;
};

static const char *node_text(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

/* Levenshtein's distance: single letters to add, remove or change. */
static size_t distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1], la = strlen(a), lb = strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}

static void unknown_key(struct shape *s, const yaml_node_t *key, const cyaml_schema_field_t *fields)
{
	char quote[CONF_QUOTE_MAX], known[KEYS_TEXT] = "";
	const char *near = NULL;
	size_t best = 3, n = 0;

	for (const cyaml_schema_field_t *f = fields; f->key; f++) {
		size_t d = distance(node_text(key), f->key);

		if (d < best && d < strlen(f->key) - 1) {
			best = d;
			near = f->key;
		}
		if (n < sizeof(known))
			n += (size_t)snprintf(known + n, sizeof(known) - n, "%s%s", n ? ", " : "", f->key);
	}
	conf_quote(quote, node_text(key), key->data.scalar.length);
	if (near)
		conf_error_add(s->errs, conf_doc_at(s->in, key), "key %s is not known; did you mean '%s'?", quote, near);
	else if (!fields[1].key)
		conf_error_add(s->errs, conf_doc_at(s->in, key), "key %s does not belong here; only %s does", quote, known);
	else
		conf_error_add(s->errs, conf_doc_at(s->in, key), "key %s is not known; the keys here are %s", quote, known);
}

static int note_place(struct shape *s, int id, const yaml_node_t *from)
{
	yaml_node_t *node = yaml_document_get_node(&s->out->yaml, id);

	if (!node) {
		s->oom = true;
		return 0;
	}
	node->start_mark = from->start_mark;
	node->end_mark = from->end_mark;
	return id;
}

static int add_scalar(struct shape *s, const char *text, size_t len, const yaml_node_t *from)
{
	return note_place(s, yaml_document_add_scalar(&s->out->yaml, NULL, (const yaml_char_t *)text, (int)len,
						      YAML_DOUBLE_QUOTED_SCALAR_STYLE), from);
}

static int add_sequence(struct shape *s, const yaml_node_t *from)
{
	return note_place(s, yaml_document_add_sequence(&s->out->yaml, NULL, YAML_BLOCK_SEQUENCE_STYLE), from);
}

/* An id of 0: refused or no memory, and that is known already. */
static void append(struct shape *s, int seq, int item)
{
	if (seq && item && !yaml_document_append_sequence_item(&s->out->yaml, seq, item))
		s->oom = true;
}

static void set_key(struct shape *s, int map, const char *key, int value, const yaml_node_t *from)
{
	int k = map && value ? add_scalar(s, key, strlen(key), from) : 0;

	if (k && !yaml_document_append_mapping_pair(&s->out->yaml, map, k, value))
		s->oom = true;
}

/* A key with nothing behind it is an empty plain scalar. */
static bool is_absent(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE && !node->data.scalar.length &&
	       node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

/* "wrong; advice" if @node cannot be a text, else NULL */
static const char *text_fault(const yaml_node_t *node, size_t max)
{
	size_t len = node->data.scalar.length;

	if (!len)
		return "is empty; write a value, or remove it";
	if (len > max)
		return "is too long; no value needs so much";
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)node_text(node)[i] < ' ' || node_text(node)[i] == 0x7f)
			return "has a line break or control character; write it on one line";
	return NULL;
}

/* The kind @node has and @schema does not want: "wrong; advice". NULL if it is as wanted. */
static const char *kind_fault(const yaml_node_t *node, const cyaml_schema_value_t *schema)
{
	if (is_absent(node))
		return "has no value here; write one, or remove the line";
	if (schema->type == CYAML_STRING) {
		if (node->type == YAML_SEQUENCE_NODE)
			return "takes a single value here, not a list; remove the brackets, or put all of it in quotes";
		if (node->type == YAML_MAPPING_NODE)
			return "takes a single value here, not keys; use quotes, and no space after a colon";
		return text_fault(node, schema->string.max);
	}
	if (schema->type == CYAML_MAPPING)
		return node->type == YAML_MAPPING_NODE ? NULL : "takes keys here; write `key: value`";
	if (schema->sequence.entry->type != CYAML_STRING)
		return node->type == YAML_SEQUENCE_NODE ? NULL : "is a list; begin each item with `- `";
	if (node->type == YAML_MAPPING_NODE)
		return "takes a value or a list, not keys; use quotes, and no space after a colon";
	if (node->type == YAML_SCALAR_NODE)
		return text_fault(node, schema->sequence.entry->string.max);
	if (node->data.sequence.items.start == node->data.sequence.items.top)
		return "is an empty list; write an item, or remove the key";
	return NULL;
}

/* The field that @key names, once; else NULL and a word about it. */
static const cyaml_schema_field_t *find_field(struct shape *s, const yaml_node_t *key,
					      const cyaml_schema_field_t *fields, uint32_t *seen)
{
	if (key->type != YAML_SCALAR_NODE) {
		conf_error_add(s->errs, conf_doc_at(s->in, key), "a key is a single word; remove the brackets or the `?`");
		return NULL;
	}
	for (const cyaml_schema_field_t *f = fields; f->key; f++) {
		uint32_t bit = UINT32_C(1) << (f - fields);

		if (strlen(f->key) != key->data.scalar.length || strcmp(f->key, node_text(key)) != 0)
			continue;
		if (!(*seen & bit)) {
			*seen |= bit;
			return f;
		}
		conf_error_add(s->errs, conf_doc_at(s->in, key), "key '%s' is written twice; keep one of them", f->key);
		return NULL;
	}
	unknown_key(s, key, fields);
	return NULL;
}

/* Keys that one of is enough, and the list that is required otherwise. */
static const struct { const char *list, *other; } alternatives[] = { { "to", "guest" } };

/* The other key that may stand for @key; NULL: none */
static const char *alternative(const char *key)
{
	for (size_t i = 0; i < sizeof(alternatives) / sizeof(*alternatives); i++)
		if (!strcmp(alternatives[i].list, key))
			return alternatives[i].other;
	return NULL;
}

/* Report the required keys that were not @seen; and make those not in the copy empty lists. */
static void add_missing(struct shape *s, const yaml_node_t *node, int map, const cyaml_schema_field_t *fields,
			uint32_t seen, uint32_t copied)
{
	for (const cyaml_schema_field_t *f = fields; f->key; f++) {
		uint32_t bit = UINT32_C(1) << (f - fields);
		const char *other;

		if (f->value.flags & CYAML_FLAG_OPTIONAL)
			continue;
		other = alternative(f->key);
		if (!(seen & bit) && !(other && conf_doc_key(s->in, node, other)))
			conf_error_add(s->errs, conf_doc_at(s->in, node), "key '%s' is missing here; add it%s%s", f->key,
				       other ? ", or " : "", other ? other : "");
		if (!(copied & bit))
			set_key(s, map, f->key, add_sequence(s, node), node);
	}
}

/* Copy @node as @schema wants it. Returns the copy's id, or 0: refused (or no memory). */
static int copy_value(struct shape *s, const yaml_node_t *node, const cyaml_schema_value_t *schema, const char *name)
{
	const char *fault = kind_fault(node, schema);
	const cyaml_schema_field_t *fields;
	uint32_t seen = 0, copied = 0;
	yaml_node_t *item;
	int id, value;

	if (fault) {
		conf_error_add(s->errs, conf_doc_at(s->in, node), "%s %s", name, fault);
		return 0;
	}
	if (schema->type == CYAML_STRING)
		return add_scalar(s, node_text(node), node->data.scalar.length, node);

	if (schema->type == CYAML_SEQUENCE) {
		id = add_sequence(s, node);
		if (node->type == YAML_SCALAR_NODE)
			append(s, id, copy_value(s, node, schema->sequence.entry, name));
		for (unsigned i = 0; (item = conf_doc_item(s->in, node, i)); i++)
			append(s, id, copy_value(s, item, schema->sequence.entry, name));
		return id;
	}

	fields = schema->mapping.fields;
	id = note_place(s, yaml_document_add_mapping(&s->out->yaml, NULL, YAML_BLOCK_MAPPING_STYLE), node);
	for (yaml_node_pair_t *p = node->data.mapping.pairs.start; id && p < node->data.mapping.pairs.top; p++) {
		const yaml_node_t *key = yaml_document_get_node(&s->in->yaml, p->key);
		const cyaml_schema_field_t *f = find_field(s, key, fields, &seen);

		if (!f)
			continue;
		value = copy_value(s, yaml_document_get_node(&s->in->yaml, p->value), &f->value, f->key);
		set_key(s, id, f->key, value, key);
		if (value)
			copied |= UINT32_C(1) << (f - fields);
	}
	add_missing(s, node, id, fields, seen, copied);
	return id;
}

int conf_shape_copy(struct conf_doc *in, const cyaml_schema_value_t *schema, struct conf_doc *out,
		    struct conf_errors *errs)
{
	struct shape s = { .in = in, .out = out, .errs = errs };

	if (conf_doc_init(out, in->file))
		return -1;
	/* A root that is refused leaves an empty mapping: all defaults, but there is a mistake to tell. */
	if (!copy_value(&s, conf_doc_root(in), schema, "the file") &&
	    !yaml_document_add_mapping(&out->yaml, NULL, YAML_BLOCK_MAPPING_STYLE))
		s.oom = true;
	if (!s.oom)
		return 0;
	conf_doc_close(out);
	return -1;
}
