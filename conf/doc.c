/* SPDX-License-Identifier: GPL-2.0-or-later */
/* doc - a YAML text as a tree that knows the place of everything; doc.h has the contract. */
#include "conf/doc.h"

#include <string.h>

#define DEPTH_MAX 16		/* libyaml's time grows with the square of the depth; we need 5 */

struct source {
	const char *file, *text;
	size_t len;
};

static struct conf_at at_mark(const char *file, yaml_mark_t mark)
{
	return (struct conf_at){ file, (unsigned)mark.line + 1, (unsigned)mark.column + 1 };
}

/* libyaml tells where in the octets its reader stopped, but not the line. */
static struct conf_at at_offset(const struct source *s, size_t offset)
{
	struct conf_at at = { s->file, 1, 1 };

	for (size_t i = 0; i < offset && i < s->len; i++) {
		at.col++;
		if (s->text[i] == '\n') {
			at.line++;
			at.col = 1;
		}
	}
	return at;
}

/* The octet at @mark; '\0' behind the end. Columns count characters, so UTF-8 tails are skipped. */
static char octet_at(const struct source *s, yaml_mark_t mark)
{
	const char *p = s->text, *end = s->text + s->len;
	size_t col = mark.column;

	for (size_t line = 0; line < mark.line; line++) {
		p = memchr(p, '\n', (size_t)(end - p));
		if (!p)
			return '\0';
		p++;
	}
	for (; p < end && *p != '\n'; p++)
		if ((*p & 0xc0) != 0x80 && !col--)
			return *p;
	return '\0';
}

/* The usual causes, by the character libyaml could not go past. */
static const char *advice_for(char c)
{
	switch (c) {
	case '\t':
		return "YAML cannot be indented with a tab; use spaces";
	case '%':
	case '@':
	case '`':
		return "a value cannot start with this character; put it in quotes, as in \"%eth0:9000\"";
	case '[':
	case ']':
	case ':':
		return "brackets and colons do not fit here; put IPv6 addresses in quotes, as in \"[2001:db8::1]:2222:22\"";
	default:
		return "check the indentation, the brackets and the quotes of this line and the one before";
	}
}

static void syntax_error(const struct source *s, const yaml_parser_t *p, struct conf_errors *errs)
{
	const char *problem = p->problem ? p->problem : "cannot be read";

	switch (p->error) {
	case YAML_MEMORY_ERROR:
		errs->oom = true;
		return;
	case YAML_READER_ERROR:
		conf_error_add(errs, at_offset(s, p->problem_offset), "%s; save the file as plain UTF-8 text", problem);
		return;
	case YAML_NO_ERROR:
	case YAML_SCANNER_ERROR:
	case YAML_PARSER_ERROR:
	case YAML_COMPOSER_ERROR:
	case YAML_WRITER_ERROR:
	case YAML_EMITTER_ERROR:
		break;
	}
	conf_error_add(errs, at_mark(s->file, p->problem_mark), "%s; %s", problem,
		       advice_for(octet_at(s, p->problem_mark)));
}

/* What of YAML is not for configuration files; NULL: fine. */
static const char *refusal(const yaml_event_t *e)
{
	static const char anchor[] = "anchors (&name) are not used here; write the value out, or put it in quotes";
	static const char tag[] = "tags (!name) are not used here; remove it, or put the value in quotes";

	switch (e->type) {
	case YAML_ALIAS_EVENT:
		return "aliases (*name) are not used here; write the value out, or put it in quotes";
	case YAML_SCALAR_EVENT:
		return e->data.scalar.anchor ? anchor : e->data.scalar.tag ? tag : NULL;
	case YAML_SEQUENCE_START_EVENT:
		return e->data.sequence_start.anchor ? anchor : e->data.sequence_start.tag ? tag : NULL;
	case YAML_MAPPING_START_EVENT:
		return e->data.mapping_start.anchor ? anchor : e->data.mapping_start.tag ? tag : NULL;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		break;
	}
	return NULL;
}

static void parser_start(yaml_parser_t *p, const struct source *s)
{
	yaml_parser_set_encoding(p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(p, (const unsigned char *)s->text, s->len);
}

/* +1 where a list or mapping begins, -1 where it ends */
static int depth_step(const yaml_event_t *e)
{
	bool begins = e->type == YAML_SEQUENCE_START_EVENT || e->type == YAML_MAPPING_START_EVENT;
	bool ends = e->type == YAML_SEQUENCE_END_EVENT || e->type == YAML_MAPPING_END_EVENT;

	return begins - ends;
}

/* Read all of the text once, for its syntax and for what is refused. */
static bool is_clean(const struct source *s, struct conf_errors *errs)
{
	bool more = true, clean = true;
	unsigned documents = 0;
	yaml_parser_t parser;
	int depth = 0;

	if (!yaml_parser_initialize(&parser)) {
		errs->oom = true;
		return false;
	}
	parser_start(&parser, s);
	while (more) {
		const char *why;
		yaml_event_t e;

		if (!yaml_parser_parse(&parser, &e)) {
			syntax_error(s, &parser, errs);
			clean = false;
			break;
		}
		why = refusal(&e);
		if (e.type == YAML_DOCUMENT_START_EVENT && documents++)
			why = "a second document starts here; remove the line with ---";
		depth += depth_step(&e);
		if (depth > DEPTH_MAX)
			why = "lists or keys are nested too deep here; check the brackets";
		if (why) {
			conf_error_add(errs, at_mark(s->file, e.start_mark), "%s", why);
			clean = false;
		}
		more = e.type != YAML_STREAM_END_EVENT && depth <= DEPTH_MAX;
		yaml_event_delete(&e);
	}
	yaml_parser_delete(&parser);
	if (clean && !documents) {
		conf_error_add(errs, (struct conf_at){ s->file, 1, 1 },
			       "the file says nothing; write at least `forwards: []`");
		clean = false;
	}
	return clean;
}

int conf_doc_open(struct conf_doc *d, const char *file, const char *text, size_t len, struct conf_errors *errs)
{
	struct source s = { file, text, len };
	yaml_parser_t parser;
	bool good;

	if (len > CONF_FILE_MAX) {
		conf_error_add(errs, (struct conf_at){ file, 0, 0 },
			       "is larger than 4 MiB; use port ranges, or split it into forwards.d/*.yaml");
		return -1;
	}
	if (!is_clean(&s, errs))
		return -1;
	if (!yaml_parser_initialize(&parser)) {
		errs->oom = true;
		return -1;
	}
	parser_start(&parser, &s);
	good = yaml_parser_load(&parser, &d->yaml);
	if (!good)
		syntax_error(&s, &parser, errs);
	yaml_parser_delete(&parser);
	d->file = file;
	return good ? 0 : -1;
}

int conf_doc_init(struct conf_doc *d, const char *file)
{
	d->file = file;
	return yaml_document_initialize(&d->yaml, NULL, NULL, NULL, 1, 1) ? 0 : -1;
}

void conf_doc_close(struct conf_doc *d)
{
	yaml_document_delete(&d->yaml);
}

struct conf_at conf_doc_at(const struct conf_doc *d, const yaml_node_t *node)
{
	return at_mark(d->file, node->start_mark);
}

yaml_node_t *conf_doc_root(struct conf_doc *d)
{
	return yaml_document_get_root_node(&d->yaml);
}

yaml_node_t *conf_doc_key(struct conf_doc *d, const yaml_node_t *map, const char *key)
{
	if (!map || map->type != YAML_MAPPING_NODE)
		return NULL;
	for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++) {
		yaml_node_t *k = yaml_document_get_node(&d->yaml, p->key);

		if (k && k->type == YAML_SCALAR_NODE && !strcmp((const char *)k->data.scalar.value, key))
			return yaml_document_get_node(&d->yaml, p->value);
	}
	return NULL;
}

yaml_node_t *conf_doc_item(struct conf_doc *d, const yaml_node_t *seq, unsigned i)
{
	if (!seq || seq->type != YAML_SEQUENCE_NODE ||
	    i >= (size_t)(seq->data.sequence.items.top - seq->data.sequence.items.start))
		return NULL;
	return yaml_document_get_node(&d->yaml, seq->data.sequence.items.start[i]);
}
