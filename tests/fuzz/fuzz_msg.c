/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_msg - any octets as a netlink message from the kernel.
 *
 * Nothing outside the message is read; what is called a packet lies inside it,
 * and its verdict can be written in place: it leads back to the same packet,
 * and neither the payload nor anything before the verdict has changed.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "nfq/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 36, BEHIND = 3 };

/* As the kernel reads it: lengths, and the payload without padding. */
static void check_verdict(const uint8_t *v, size_t octets, uint32_t len)
{
	uint32_t total;
	uint16_t attr;

	memcpy(&total, v, sizeof(total));
	memcpy(&attr, v + 32, sizeof(attr));
	assert(total == HEAD + len);
	assert(attr == 4 + len);
	assert(octets == ((total + 3) & ~3u));
	for (size_t i = total; i < octets; i++)
		assert(!v[i]);
}

static void verdict(uint8_t *buf, const uint8_t *copy, size_t size, struct nat_pkt *p, uint16_t queue, uint32_t id)
{
	size_t at = (size_t)(p->data - buf);
	struct iovec v;

	assert(p->hook < NAT_HOOKS);
	assert(at >= HEAD && at + p->len <= size);
	v = msg_verdict_in_place(p, queue, id, NAT_ACCEPT);
	assert((uint8_t *)v.iov_base == p->data - HEAD);
	check_verdict(v.iov_base, v.iov_len, p->len);
	assert(!memcmp(buf, copy, at - HEAD));
	assert(!memcmp(buf + at, copy + at, p->len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *buf = malloc(size + BEHIND), *exact = malloc(size + !size);
	struct nat_pkt p, q;
	uint16_t queue;
	uint32_t id;
	int err;
	enum msg_kind kind;

	assert(buf && exact);
	if (size) {
		memcpy(buf, data, size);
		memcpy(exact, data, size);
	}
	kind = msg_parse(exact, size, &q, &id, &queue, &err);	/* the sanitizer watches its end */
	assert(kind == msg_parse(buf, size, &p, &id, &queue, &err));
	assert(p.len == q.len && !memcmp(exact, buf, size));
	assert(err >= 0 && (kind == MSG_ERROR || !err));
	if (kind == MSG_PACKET)
		verdict(buf, exact, size, &p, queue, id);
	else
		assert(kind == MSG_BAD || !id);
	free(exact);
	free(buf);
	return 0;
}
