/* SPDX-License-Identifier: GPL-2.0-or-later */
/* write - see write.h */
#include "replay/write.h"

#include "nat/nat.h"
#include "nfq/pcapng.h"

bool write_begin(FILE *to, int type)
{
	static const char *const what[] = {
		[NAT_PRE] = "came from outside or from a guest: PREROUTING",
		[NAT_IN] = "to this host: INPUT",
		[NAT_FWD] = "is passed on: FORWARD",
		[NAT_OUT] = "of this host: OUTPUT",
		[NAT_POST] = "leaves: POSTROUTING",
	};

	_Static_assert(sizeof(what) / sizeof(what[0]) == NAT_HOOKS, "one sentence per hook");
	if (!pcapng_begin(to, "nfqnatd --replay"))
		return false;
	for (unsigned h = 0; h < NAT_HOOKS; h++)
		if (!pcapng_interface(to, (uint16_t)type, nat_hook_name((enum nat_hook)h), what[h]))
			return false;
	return true;
}

bool write_packet(FILE *to, const struct pcap_pkthdr *h, const uint8_t *frame, enum nat_hook hook, const char *comment)
{
	/* Nanoseconds: that precision was asked for. */
	uint64_t when = (uint64_t)h->ts.tv_sec * 1000000000u + (uint64_t)h->ts.tv_usec;

	return pcapng_packet(to, hook, when, frame, h->caplen, h->len, comment);
}
