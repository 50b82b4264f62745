/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json - what the daemon's answers hold, without a check at each step: an
 * absent key is an empty text or 0.
 */
#ifndef CTL_JSON_H
#define CTL_JSON_H

#include <jansson.h>

static inline const char *json_text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static inline json_int_t json_number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

#endif
