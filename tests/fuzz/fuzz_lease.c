/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_lease - any octets as a lease file: as many claims as it says, none if it says that it is none. */
#include <assert.h>

#include "virt/watch/lease.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct claims c = { 0 };
	int64_t next = INT64_MAX;
	int n = lease_read((const char *)data, size, "virbr0", 1000, &next, &c);

	assert(n < 0 ? !c.n : (size_t)n == c.n);
	assert(next > 1000);
	for (size_t i = 0; i < c.n; i++)
		assert(nat_addr_fits(&c.row[i].addr, (enum nat_family)c.row[i].family) && c.row[i].source == CLAIM_LEASE);
	claims_fini(&c);
	return 0;
}
