/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_nflog - any octets as what nfnetlink_log hands over, and as the packet in it.
 *
 * Every packet lies inside what was received, and reading ends; what is said
 * to a client is no longer than what was logged, and parses.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "nfq/nflog.h"
#include "nfq/refused.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct nat engine;

static void engine_up(void)
{
	const struct nat_params params = { .max_policies = 1, .max_flows = 64, .max_rows = 4, .max_allow = 4, .frag_sets = 2,
					   .source_lo = 61000, .source_hi = 61999, .lost_until = UINT32_MAX };
	uint64_t octets = (block_octets(&params) + 63) / 64 * 64;
	void *mem;

	if (engine.block)
		return;
	mem = aligned_alloc(64, octets);
	assert(mem);
	memset(mem, 0, octets);
	block_init(mem, &params);
	assert(!nat_attach(&engine, mem, octets));
}

static void translate(const uint8_t *packet, uint32_t octets)
{
	uint8_t *exact = malloc(octets + !octets);	/* the sanitizer watches its end */
	enum nat_family family;
	struct pkt_view v;
	struct nat_addr dst;
	size_t len;

	memcpy(exact, packet, octets);
	len = refused_translate(&engine, exact, octets, &dst, &family);
	assert(len <= octets);
	if (len) {
		assert(pkt_parse_ip(exact, (uint32_t)len, false, &v) == NAT_WHY_UNDECIDED);
		assert(nat_addr_eq(&v.tuple.ends.dst, &dst) && v.tuple.family == family);
	}
	free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + !size), *packet;
	size_t at = 0, before = 0;
	uint32_t octets;

	engine_up();
	memcpy(copy, data, size);
	while ((packet = nflog_next(copy, size, &at, &octets))) {
		assert(at > before && at <= size);
		assert(packet >= copy + before && packet + octets <= copy + at);
		translate(packet, octets);
		before = at;
	}
	translate(data, (uint32_t)size);
	free(copy);
	return 0;
}
