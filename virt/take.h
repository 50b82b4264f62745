/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * take - values of a message by name and kind, the first fault kept.
 *
 * A reader asks for one member after the other; after the first fault every
 * answer is empty and nothing more is noted, so that it need not look after
 * each. Text comes out printable: control characters become '?'.
 */
#ifndef VIRT_TAKE_H
#define VIRT_TAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct take {
	void *root, *at;		/* json_t: all, and the object that is being read */
	char *fault;			/* of the caller; "": good so far */
	size_t fault_octets;
	char path[64];			/* to `at`: "guests[3].nics[0]." */
};

/* take_open - parse @octets at @text; 0, or -1 and a word in @fault. Refuses what protocol.h does. */
int take_open(struct take *t, const char *text, size_t octets, char *fault, size_t fault_octets);
void take_close(struct take *t);

bool take_good(const struct take *t);

/* take_fault - note that member @key "is wrong" */
void take_fault(struct take *t, const char *key, const char *wrong);

/* take_text - a string of at most @octets - 1, not empty, into @buf */
void take_text(struct take *t, const char *key, char *buf, size_t octets);

/* take_text_null - the same, but null, absent and "" give "" */
void take_text_null(struct take *t, const char *key, char *buf, size_t octets);

/* take_string - a string of at most VIRT_TEXT_OCTETS, to be freed; NULL: a fault, or null or absent where @optional */
char *take_string(struct take *t, const char *key, bool optional);

/* take_self - the same of the value that is being read itself */
char *take_self(struct take *t);

bool take_bool(struct take *t, const char *key);

/* take_number - a whole number from @min to @max; null or absent is @absent, a fault if that is below 0 */
int64_t take_number(struct take *t, const char *key, int64_t min, int64_t max, int64_t absent);

/* take_word - which of @words, NULL-terminated, a string is; 0 after a fault */
unsigned take_word(struct take *t, const char *key, const char *const *words);

/**
 * take_list - a list of at most @max, each read by @read into @octets zeroed octets
 * @n: out; 0 or more; after a fault those that were read in part are counted too, so that they can be freed
 * Returns memory to be freed; NULL if @n is 0.
 */
void *take_list(struct take *t, const char *key, unsigned max, size_t octets, void (*read)(struct take *t, void *out),
		unsigned *n);

#endif
