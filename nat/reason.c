/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reason - see reason.h */
#include "nat/reason.h"

#include <assert.h>

static const struct {
	const char *name, *words;
	enum nat_verdict verdict;
} reasons[] = {
#define X(name, verdict, words) { #name, words, verdict },
	NAT_REASON_LIST(X)
#undef X
};

_Static_assert(sizeof(reasons) / sizeof(reasons[0]) == NAT_REASONS, "one row per reason");

const char *nat_reason_words(enum nat_reason r)
{
	assert(r < NAT_REASONS);
	return reasons[r].words;
}

const char *nat_reason_name(enum nat_reason r)
{
	assert(r < NAT_REASONS);
	return reasons[r].name;
}

enum nat_verdict nat_reason_verdict(enum nat_reason r)
{
	assert(r < NAT_REASONS);
	return reasons[r].verdict;
}
