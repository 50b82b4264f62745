/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_fw - any text as what iptables-save or `nft -j list ruleset` prints, and
 * behind an octet of value 0 what `nft -a list ruleset` does.
 *
 * A verdict that is not "pass" must name a rule.
 */
#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/doctor/fw.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t client[4] = { 198, 51, 100, 2 }, guest[4] = { 192, 168, 122, 50 };
	struct fw_packet p = { .family = NAT_IPV4, .proto = IPPROTO_TCP, .in = "up0", .out = "virbr0", .dport = 80,
			       .src = nat_addr_v4(client), .dst = nat_addr_v4(guest) };
	char rule[FW_RULE_OCTETS];
	char *text = malloc(size + 1), *listing;
	json_t *json;

	memcpy(text, data, size);
	text[size] = '\0';
	listing = text + strlen(text);
	listing += listing < text + size;
	for (unsigned fresh = 0; fresh < 2; fresh++) {
		p.fresh = fresh;
		assert(fw_xt(text, "filter", "FORWARD", &p, rule) == FW_PASS || *rule);
		assert(fw_xt(text, "nat", "PREROUTING", &p, rule) == FW_PASS || *rule);
	}
	json = json_loads(text, 0, NULL);
	if (json) {
		assert(fw_nft(json, listing, "forward", "filter", &p, rule) == FW_PASS || *rule);
		assert(fw_nft(json, listing, "prerouting", "nat", &p, rule) == FW_PASS || *rule);
	}
	json_decref(json);
	free(text);
	return 0;
}
