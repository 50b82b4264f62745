/* SPDX-License-Identifier: GPL-2.0-or-later */
/* idle - see idle.h; the queues themselves are in flow.c, where the flows are */
#include "nat/idle.h"

#include <assert.h>

static const struct {
	const char *name;
	uint32_t seconds;
	unsigned evict;
} classes[] = {
#define X(name, seconds, evict, why) { #name, seconds, evict },
	IDLE_CLASS_LIST(X)
#undef X
};

_Static_assert(sizeof(classes) / sizeof(classes[0]) == IDLE_CLASSES, "one row per class");

const char *idle_class_name(enum idle_class c)
{
	assert(c < IDLE_CLASSES);
	return classes[c].name;
}

uint32_t idle_default_s(enum idle_class c)
{
	assert(c < IDLE_CLASSES);
	return classes[c].seconds;
}

unsigned idle_evict_rank(enum idle_class c)
{
	assert(c < IDLE_CLASSES);
	return classes[c].evict;
}
