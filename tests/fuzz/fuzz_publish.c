/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_publish - any octets as a publish item: what is read must print and read back the same. */
#include <assert.h>
#include <stdlib.h>

#include "conf/publish.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const struct publish *a, const struct publish *b)
{
	assert(a->exclude == b->exclude && a->family == b->family && a->proto == b->proto);
	assert(nat_addr_eq(&a->listen, &b->listen) && !memcmp(a->dev, b->dev, sizeof(a->dev)));
	assert(a->lo == b->lo && a->hi == b->hi && a->to_lo == b->to_lo && a->block == b->block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[PUBLISH_TEXT], again[PUBLISH_TEXT];
	struct publish p = { 0 }, q = { 0 };
	size_t at = 0;

	if (publish_parse((const char *)data, size, &p, &at)) {
		assert(at <= size);
		return 0;
	}
	assert(p.lo <= p.hi && p.to_lo + (p.hi - p.lo) <= UINT16_MAX);
	assert(!publish_parse(publish_print(text, &p), strlen(text), &q, &at));
	check_same(&p, &q);
	assert(!strcmp(text, publish_print(again, &q)));
	return 0;
}
