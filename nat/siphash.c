/* SPDX-License-Identifier: GPL-2.0-or-later */
/* siphash - see siphash.h; names follow the paper: v0..v3, sipround, finalization */
#include "nat/siphash.h"

#include <string.h>

uint64_t siphash_words(const struct siphash_key *key, const uint64_t *w, size_t n)
{
	return siphash_tail(key, w, n, (uint64_t)(n * 8) << 56);
}

static uint64_t load_le(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

uint64_t siphash_24(const struct siphash_key *key, const uint8_t *data, size_t len)
{
	struct sip s = sip_start(key);
	size_t i;

	for (i = 0; i + 8 <= len; i += 8)
		sip_word(&s, load_le(data + i, 8), 2);
	sip_word(&s, (uint64_t)len << 56 | load_le(data + i, len - i), 2);
	return sip_end(&s, 4);
}
