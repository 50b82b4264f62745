/* SPDX-License-Identifier: GPL-2.0-or-later */
/* json - see take.h; the grammar is jansson's */
#include "virt/take.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "virt/protocol.h"

bool take_good(const struct take *t)
{
	return !*t->fault;
}

static void printable(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

void take_fault(struct take *t, const char *key, const char *wrong)
{
	size_t dot = strlen(t->path);

	if (!take_good(t))
		return;
	if (dot && !*key)
		dot--;			/* the value itself: no dot behind its path */
	snprintf(t->fault, t->fault_octets, "%.*s%s: %s", (int)dot, t->path, key, wrong);
	printable(t->fault);
}

/* jansson takes about a hundred octets for each value: a line of commas must not take a gigabyte. */
static bool is_modest(const char *text, size_t octets)
{
	size_t values = 1;

	for (size_t i = 0; i < octets; i++)
		values += text[i] == ',' || text[i] == '[' || text[i] == '{';
	return values <= VIRT_VALUES;
}

int take_open(struct take *t, const char *text, size_t octets, char *fault, size_t fault_octets)
{
	json_error_t err;

	*t = (struct take){ .fault = fault, .fault_octets = fault_octets };
	*fault = '\0';
	if (octets >= VIRT_LINE_OCTETS || !is_modest(text, octets)) {
		snprintf(fault, fault_octets, "the message is too large");
		return -1;
	}
	t->root = t->at = json_loadb(text, octets, JSON_REJECT_DUPLICATES, &err);
	if (!json_is_object((json_t *)t->root)) {
		snprintf(fault, fault_octets, "the message is no JSON object: %.100s", t->root ? "another value" : err.text);
		printable(fault);
		take_close(t);
		return -1;
	}
	return 0;
}

void take_close(struct take *t)
{
	json_decref(t->root);
	t->root = t->at = NULL;
}

/* The member; NULL: absent or null. */
static json_t *member(struct take *t, const char *key)
{
	json_t *v = take_good(t) ? json_object_get(t->at, key) : NULL;

	return v && !json_is_null(v) ? v : NULL;
}

/* The text of a string that is not too long; NULL after a fault. */
static const char *text_of(struct take *t, const char *key, json_t *v, size_t max)
{
	if (!json_is_string(v)) {
		take_fault(t, key, v ? "is not a string" : "is missing");
		return NULL;
	}
	if (json_string_length(v) > max) {
		take_fault(t, key, "is too long");
		return NULL;
	}
	return json_string_value(v);
}

void take_text_null(struct take *t, const char *key, char *buf, size_t octets)
{
	json_t *v = member(t, key);
	const char *text = v ? text_of(t, key, v, octets - 1) : NULL;

	snprintf(buf, octets, "%s", text ? text : "");
	printable(buf);
}

void take_text(struct take *t, const char *key, char *buf, size_t octets)
{
	take_text_null(t, key, buf, octets);
	if (!*buf)
		take_fault(t, key, "is missing");
}

static char *copy_of(struct take *t, const char *key, json_t *v)
{
	const char *text = text_of(t, key, v, VIRT_TEXT_OCTETS);
	char *copy = text ? strdup(text) : NULL;

	if (copy)
		printable(copy);
	else
		take_fault(t, key, "no memory");
	return copy;
}

char *take_string(struct take *t, const char *key, bool optional)
{
	json_t *v = member(t, key);

	return (!v && optional) || !take_good(t) ? NULL : copy_of(t, key, v);
}

char *take_self(struct take *t)
{
	return take_good(t) ? copy_of(t, "", t->at) : NULL;
}

bool take_bool(struct take *t, const char *key)
{
	json_t *v = member(t, key);

	if (!json_is_boolean(v))
		take_fault(t, key, v ? "is neither true nor false" : "is missing");
	return json_is_true(v);
}

int64_t take_number(struct take *t, const char *key, int64_t min, int64_t max, int64_t absent)
{
	json_t *v = member(t, key);

	if (!v && absent >= 0)
		return absent;
	if (!json_is_integer(v)) {
		take_fault(t, key, v ? "is not a whole number" : "is missing");
		return min;
	}
	if (json_integer_value(v) < min || json_integer_value(v) > max) {
		take_fault(t, key, "is out of range");
		return min;
	}
	return json_integer_value(v);
}

unsigned take_word(struct take *t, const char *key, const char *const *words)
{
	json_t *v = member(t, key);
	const char *text = take_good(t) ? text_of(t, key, v, VIRT_TEXT_OCTETS) : NULL;

	for (unsigned i = 0; text && words[i]; i++)
		if (!strcmp(words[i], text))
			return i;
	take_fault(t, key, "is not a word that is known");
	return 0;
}

/* Read item @i of @list, with the path leading there. */
static void read_item(struct take *t, const char *key, json_t *list, unsigned i, void (*read)(struct take *, void *),
		      void *out)
{
	struct take item = *t;
	size_t n = strlen(item.path);

	snprintf(item.path + n, sizeof(item.path) - n, "%s[%u].", key, i);
	item.at = json_array_get(list, i);
	read(&item, out);
}

void *take_list(struct take *t, const char *key, unsigned max, size_t octets, void (*read)(struct take *t, void *out),
		unsigned *n)
{
	json_t *list = member(t, key);
	size_t count = json_array_size(list);
	char *out;

	*n = 0;
	if (!json_is_array(list)) {
		take_fault(t, key, list ? "is not a list" : "is missing");
		return NULL;
	}
	if (count > max) {
		take_fault(t, key, "has too many items");
		return NULL;
	}
	if (!count)
		return NULL;
	out = calloc(count, octets);
	if (!out) {
		take_fault(t, key, "no memory");
		return NULL;
	}
	for (; *n < count && take_good(t); ++*n)
		read_item(t, key, list, *n, read, out + *n * octets);
	return out;
}
