/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_agent - any octets as an agent's answer: unicast addresses of their family, no more than there is room for. */
#include <assert.h>
#include <stdlib.h>

#include "conf/ip.h"
#include "virt/watch/agent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* of the exact size, so that one too many is seen */
	struct agent_pair *pairs = calloc(AGENT_PAIRS, sizeof(*pairs));
	int n = agent_read((const char *)data, size, pairs);

	assert(n >= -1 && n <= AGENT_PAIRS);
	for (int i = 0; i < n; i++) {
		assert(nat_addr_fits(&pairs[i].addr, (enum nat_family)pairs[i].family));
		assert(conf_ip_kind(&pairs[i].addr, (enum nat_family)pairs[i].family) == CONF_IP_UNICAST);
	}
	free(pairs);
	return 0;
}
