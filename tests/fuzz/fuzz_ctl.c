/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_ctl - any octets as a request of the control socket: parsed, held against
 * the keys, read as a filter, and the filter held against a flow. Whatever comes,
 * there is an object or a reason.
 */
#include <assert.h>
#include <string.h>

#include "nat/tcp.h"
#include "nfq/ctl/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct nat_flow some_flow(void)
{
	static const uint8_t c[4] = { 198, 51, 100, 2 }, h[4] = { 198, 51, 100, 1 }, g[4] = { 192, 168, 122, 50 };
	struct nat_flow f = { .proto = NAT_PROTO_TCP, .family = NAT_IPV4, .tcp = TCP_ESTABLISHED, .idle = IDLE_TCP_ESTABLISHED };

	f.orig = (struct nat_ends){ .src = nat_addr_v4(c), .dst = nat_addr_v4(h), .sport = 0x1234, .dport = 0x901f };
	f.reply = (struct nat_ends){ .src = nat_addr_v4(g), .dst = nat_addr_v4(c), .sport = 0x5000, .dport = 0x1234 };
	return f;
}

static void as_filter(json_t *req)
{
	static const char *const known[] = { CTL_FILTER_KEYS, NULL };
	const struct nat_flow flow = some_flow();
	char why[CTL_WHY_OCTETS] = "";
	struct ctl_filter f;
	uint32_t n = 0;
	bool is_set;

	if (!ctl_request_known(req, known, why, sizeof(why)))
		assert(*why);
	why[0] = '\0';
	if (!ctl_request_number(req, "for_s", 1, 100, &n, &is_set, why, sizeof(why)))
		assert(*why);
	else
		assert(!is_set || (n >= 1 && n <= 100));
	why[0] = '\0';
	if (!ctl_filter_parse(req, &f, why, sizeof(why))) {
		assert(*why);
		return;
	}
	/* A filter that asks for nothing means every flow. */
	if (json_object_size(req) == 1)
		assert(ctl_filter_has(&f, &flow, "web", "guest"));
	if (ctl_filter_has(&f, &flow, "web", "guest")) {
		assert(!f.forward || !strcmp(f.forward, "web"));
		assert(!f.proto || f.proto == NAT_PROTO_TCP);
		assert(!f.has_ends || nat_ends_eq(&f.ends, &flow.orig) || nat_ends_eq(&f.ends, &flow.reply));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char why[CTL_WHY_OCTETS] = "";
	const char *cmd = NULL;
	json_t *req = ctl_request_parse((const char *)data, size, &cmd, why, sizeof(why));

	if (!req) {
		assert(*why);
		return 0;
	}
	assert(cmd);
	as_filter(req);
	json_decref(req);
	return 0;
}
