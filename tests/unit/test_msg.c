/* SPDX-License-Identifier: GPL-2.0-or-later */
/* msg: messages of the kernel in every shape, and verdicts octet by octet. */
#include "nfq/msg.h"

#include <endian.h>
#include <errno.h>

#include "tests/unit/netlink.h"

static uint8_t room[NETLINK_ROOM] __attribute__((aligned(64)));

/* What msg_parse() hands out. */
struct got {
	enum msg_kind kind;
	struct nat_pkt p;
	uint32_t id;
	uint16_t queue;
	int err;
};

static struct got parse(uint8_t *buf, size_t len)
{
	struct got g;

	memset(&g, 0xa5, sizeof(g));
	g.kind = msg_parse(buf, len, &g.p, &g.id, &g.queue, &g.err);
	return g;
}

/* Parse a copy that ends where the message does. The copy goes with free(). */
static struct got parse_exact(const void *msg, size_t len, uint8_t **copy)
{
	*copy = unit_exact(msg, len);
	return parse(*copy, len);
}

static void attr_all(struct nlmsghdr *nlh, uint32_t payload)
{
	static uint8_t octets[MSG_PAYLOAD_MAX];

	for (uint32_t i = 0; i < payload; i++)
		octets[i] = (uint8_t)(i * 7 + 1);
	netlink_put_header(nlh, 0x01020304, NAT_POST);
	netlink_put_others(nlh);
	netlink_put_be32(nlh, NFQA_IFINDEX_INDEV, 5);
	netlink_put_be32(nlh, NFQA_IFINDEX_OUTDEV, 6);
	netlink_put_be32(nlh, NFQA_SKB_INFO, NFQA_SKB_CSUMNOTREADY | NFQA_SKB_GSO);
	netlink_put_payload(nlh, octets, payload);
}

static void reads_every_attribute(void **state)
{
	struct nlmsghdr *nlh = netlink_begin(room, NFQNL_MSG_PACKET, 513);
	struct got g;

	(void)state;
	attr_all(nlh, 1400);
	g = parse(room, nlh->nlmsg_len);
	assert_int_equal(g.kind, MSG_PACKET);
	assert_int_equal(g.id, 0x01020304);
	assert_int_equal(g.queue, 513);
	assert_int_equal(g.err, 0);
	assert_int_equal(g.p.hook, NAT_POST);
	assert_int_equal(g.p.indev, 5);
	assert_int_equal(g.p.outdev, 6);
	assert_true(g.p.csum_partial);
	assert_true(g.p.gso);
	assert_false(g.p.truncated);
	assert_int_equal(g.p.len, 1400);
	assert_ptr_equal(g.p.data, room + nlh->nlmsg_len - 1400);
	assert_int_equal(g.p.data[1399], (uint8_t)(1399 * 7 + 1));
}

static void absent_attributes_are_zero(void **state)
{
	struct nlmsghdr *nlh = netlink_begin(room, NFQNL_MSG_PACKET, 0);
	struct got g;

	(void)state;
	netlink_put_header(nlh, 1, NAT_PRE);
	netlink_put_payload(nlh, (const uint8_t *)"E", 1);
	g = parse(room, nlh->nlmsg_len);
	assert_int_equal(g.kind, MSG_PACKET);
	assert_true(g.p.received_ns == 0);
	assert_false(g.p.indev || g.p.outdev || g.p.csum_partial || g.p.gso || g.p.truncated);
}

static struct got stamped(size_t octets)
{
	const struct nfqnl_msg_packet_timestamp t = { .sec = htobe64(1700000000), .usec = htobe64(123456) };
	struct nlmsghdr *nlh = netlink_begin(room, NFQNL_MSG_PACKET, 0);

	netlink_put_header(nlh, 1, NAT_PRE);
	mnl_attr_put(nlh, NFQA_TIMESTAMP, octets, &t);
	netlink_put_payload(nlh, (const uint8_t *)"E", 1);
	return parse(room, nlh->nlmsg_len);
}

static void stamps_are_read(void **state)
{
	(void)state;
	assert_true(stamped(sizeof(struct nfqnl_msg_packet_timestamp)).p.received_ns == 1700000000123456000u);
	/* Short: as good as absent. */
	assert_true(stamped(8).p.received_ns == 0);
}

static void cap_len_means_truncated(void **state)
{
	struct nlmsghdr *nlh = netlink_begin(room, NFQNL_MSG_PACKET, 0);
	struct got g;

	(void)state;
	netlink_put_header(nlh, 1, NAT_PRE);
	netlink_put_be32(nlh, NFQA_CAP_LEN, 70000);
	netlink_put_payload(nlh, (const uint8_t *)"E", 1);
	g = parse(room, nlh->nlmsg_len);
	assert_int_equal(g.kind, MSG_PACKET);
	assert_true(g.p.truncated);
	assert_int_equal(g.p.whole, 70000);
	assert_int_equal(g.p.mark_in, 0);
}

static void mark_is_read(void **state)
{
	struct nlmsghdr *nlh = netlink_begin(room, NFQNL_MSG_PACKET, 1);
	struct got g;

	(void)state;
	netlink_put_header(nlh, 1, NAT_PRE);
	netlink_put_be32(nlh, NFQA_MARK, 0x4e460001);
	netlink_put_payload(nlh, (const uint8_t *)"E", 1);
	g = parse(room, nlh->nlmsg_len);
	assert_int_equal(g.kind, MSG_PACKET);
	assert_int_equal(g.p.mark_in, 0x4e460001);
}

/* One message each, written by a function. */
struct shape {
	const char *name;
	void (*write)(struct nlmsghdr *nlh);
	enum msg_kind kind;
	uint32_t id;
};

static const uint8_t four[4] = { 0x45, 2, 3, 4 };

static void write_no_header(struct nlmsghdr *nlh)
{
	netlink_put_be32(nlh, NFQA_IFINDEX_INDEV, 5);
	netlink_put_others(nlh);
	netlink_put_payload(nlh, four, 4);
}

static void write_no_payload(struct nlmsghdr *nlh)
{
	netlink_put_header(nlh, 9, NAT_PRE);
}

static void write_hook_5(struct nlmsghdr *nlh)
{
	netlink_put_header(nlh, 9, NAT_HOOKS);
	netlink_put_payload(nlh, four, 4);
}

static void write_hook_255(struct nlmsghdr *nlh)
{
	netlink_put_header(nlh, 9, 255);
	netlink_put_payload(nlh, four, 4);
}

static void write_payload_first(struct nlmsghdr *nlh)
{
	netlink_put_payload(nlh, four, 4);
	netlink_put_header(nlh, 9, NAT_PRE);
}

static void write_payload_second(struct nlmsghdr *nlh)
{
	netlink_put_be32(nlh, NFQA_IFINDEX_INDEV, 5);
	netlink_put_be32(nlh, NFQA_MARK, 5);
	netlink_put_payload(nlh, four, 4);
	netlink_put_header(nlh, 9, NAT_PRE);
}

static void write_short_header(struct nlmsghdr *nlh)
{
	mnl_attr_put(nlh, NFQA_PACKET_HDR, 6, "\0\0\0\1\10\0");
	netlink_put_payload(nlh, four, 4);
}

static void write_short_others(struct nlmsghdr *nlh)
{
	netlink_put_header(nlh, 9, NAT_PRE);
	mnl_attr_put(nlh, NFQA_IFINDEX_INDEV, 3, "abc");
	mnl_attr_put(nlh, NFQA_IFINDEX_OUTDEV, 0, "");
	mnl_attr_put(nlh, NFQA_SKB_INFO, 2, "\377\377");
	netlink_put_payload(nlh, four, 4);
}

static void write_empty_payload(struct nlmsghdr *nlh)
{
	netlink_put_header(nlh, 9, NAT_PRE);
	netlink_put_payload(nlh, four, 0);
}

static void write_nothing(struct nlmsghdr *nlh)
{
	(void)nlh;
}

static const struct shape shapes[] = {
	{ "without packet header it is bad, and no id is known", write_no_header,     MSG_BAD,    0 },
	{ "without payload it is bad",                          write_no_payload,     MSG_BAD,    9 },
	{ "a hook after the last is bad",                       write_hook_5,         MSG_BAD,    9 },
	{ "hook 255 is bad",                                    write_hook_255,       MSG_BAD,    9 },
	{ "no room before the payload for a verdict is bad",    write_payload_first,  MSG_BAD,    9 },
	{ "a payload that is not last is good if there is room", write_payload_second, MSG_PACKET, 9 },
	{ "a short packet header is no packet header",          write_short_header,   MSG_BAD,    0 },
	{ "other short attributes are as good as absent",       write_short_others,   MSG_PACKET, 9 },
	{ "an empty payload is a packet of no octets",          write_empty_payload,  MSG_PACKET, 9 },
	{ "a message of no attributes is bad",                  write_nothing,        MSG_BAD,    0 },
};

static void shape_is_judged(void **state)
{
	const struct shape *s = *state;
	struct nlmsghdr *nlh = netlink_begin(room, NFQNL_MSG_PACKET, 3);
	uint8_t *copy;
	struct got g;

	s->write(nlh);
	g = parse_exact(room, nlh->nlmsg_len, &copy);
	assert_int_equal(g.kind, s->kind);
	assert_int_equal(g.id, s->id);
	assert_int_equal(g.queue, 3);
	assert_false(g.p.indev && g.p.indev != 5);
	assert_false(g.p.outdev || g.p.csum_partial || g.p.gso);
	free(copy);
}

/* The datagram ends early: nlmsg_len says more than there is. */
static void cut_anywhere_is_bad(void **state)
{
	struct nlmsghdr *nlh = netlink_begin(room, NFQNL_MSG_PACKET, 3);

	(void)state;
	attr_all(nlh, 21);
	for (size_t len = 0; len < nlh->nlmsg_len; len++) {
		uint8_t *copy;
		struct got g = parse_exact(room, len, &copy);

		assert_int_equal(g.kind, MSG_BAD);
		assert_int_equal(g.id, 0);
		free(copy);
	}
}

/* nlmsg_len ends early and the datagram with it: attributes are cut, no octet outside is read. */
static void shortened_anywhere_stays_inside(void **state)
{
	struct nlmsghdr *nlh = netlink_begin(room, NFQNL_MSG_PACKET, 3);
	size_t whole;

	(void)state;
	attr_all(nlh, 21);
	whole = nlh->nlmsg_len;
	for (size_t len = sizeof(*nlh); len < whole; len++) {
		uint8_t *copy;
		struct got g;

		nlh->nlmsg_len = (uint32_t)len;
		g = parse_exact(room, len, &copy);
		assert_int_equal(g.kind, MSG_BAD);	/* the payload is the last: it never fits */
		free(copy);
	}
}

/* Any attribute says any length. */
static void lying_attributes_stay_inside(void **state)
{
	static const uint16_t lies[] = { 0, 1, 3, 4, 5, 7, 8, 12, 24, 25, 4096, 0x7fff, 0x8000, 0xfffc, 0xffff };
	struct nlmsghdr *nlh = netlink_begin(room, NFQNL_MSG_PACKET, 3);

	(void)state;
	attr_all(nlh, 21);
	for (uint8_t *at = room + 20; at < room + nlh->nlmsg_len; at += (((struct nlattr *)(void *)at)->nla_len + 3u) & ~3u)
		for (size_t i = 0; i < COUNT(lies); i++) {
			struct nlattr *a = (void *)at;
			uint16_t was = a->nla_len;
			uint8_t *copy;
			struct got g;

			a->nla_len = lies[i];
			g = parse_exact(room, nlh->nlmsg_len, &copy);
			if (g.kind == MSG_PACKET) {
				assert_true(g.p.data - copy >= 36);
				assert_true(g.p.data + g.p.len <= copy + nlh->nlmsg_len);
			}
			free(copy);
			a->nla_len = was;
		}
}

static void lying_message_length_is_bad(void **state)
{
	static const uint32_t lies[] = { 0, 1, 15, 0x7fffffff, 0x80000000, 0x80000100, 0xfffffff0, 0xffffffff };
	struct nlmsghdr *nlh = netlink_begin(room, NFQNL_MSG_PACKET, 3);
	uint32_t len;

	(void)state;
	attr_all(nlh, 21);
	len = nlh->nlmsg_len;
	for (size_t i = 0; i < COUNT(lies); i++) {
		uint8_t *copy;

		nlh->nlmsg_len = lies[i];
		assert_int_equal(parse_exact(room, len, &copy).kind, MSG_BAD);
		free(copy);
	}
	nlh->nlmsg_len = len;
	assert_int_equal(parse(room, len + 1).kind, MSG_PACKET);	/* a datagram may be longer than its message */
	assert_int_equal(parse(room, SIZE_MAX).kind, MSG_BAD);
}

static void other_types_are_not_ours(void **state)
{
	static const uint16_t types[] = { NLMSG_NOOP, NLMSG_DONE, NLMSG_OVERRUN, NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_VERDICT,
					  NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_CONFIG, 0xffff };
	struct nlmsghdr *nlh = netlink_begin(room, NFQNL_MSG_PACKET, 3);

	(void)state;
	attr_all(nlh, 21);
	for (size_t i = 0; i < COUNT(types); i++) {
		nlh->nlmsg_type = types[i];
		assert_int_equal(parse(room, nlh->nlmsg_len).kind, MSG_OTHER);
	}
}

static const struct { const char *name; int error, err; } answers[] = {
	{ "an answer of 0 is an ack",                       0,       0 },
	{ "an answer of -ENOENT is ENOENT",                 -ENOENT, ENOENT },
	{ "an answer of -4095 is the largest errno",        -4095,   4095 },
	{ "an answer of -4096 is no errno",                 -4096,   EPROTO },
	{ "an answer above 0 is no errno",                  1,       EPROTO },
	{ "the lowest number there is can be no errno",     INT32_MIN, EPROTO },
};

static void answer_is_read(void **state)
{
	const int *error = *state;
	struct nlmsghdr *nlh = netlink_begin(room, 0, 0);
	struct nlmsgerr e = { .error = error[0] };

	nlh->nlmsg_type = NLMSG_ERROR;
	memcpy(mnl_nlmsg_get_payload(nlh), &e, sizeof(e));
	/* NETLINK_CAP_ACK or not, cut or not: from the number on it is enough. */
	for (uint32_t len = sizeof(*nlh); len <= sizeof(*nlh) + sizeof(e) + 8; len++) {
		uint8_t *copy;
		struct got g;

		nlh->nlmsg_len = len;
		g = parse_exact(room, len, &copy);
		assert_int_equal(g.kind, len < sizeof(*nlh) + 4 ? MSG_BAD : MSG_ERROR);
		assert_int_equal(g.err, len < sizeof(*nlh) + 4 ? 0 : error[1]);
		assert_int_equal(g.id, 0);
		free(copy);
	}
}

/* What conntrack was told (one_way.h) is no verdict: its answer counts as none lost. */
static void conntracks_answer_is_none_of_ours(void **state)
{
	struct nlmsghdr *nlh = netlink_begin(room, 0, 0);
	struct nlmsgerr e = { .error = -ENOENT, .msg = { .nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 } };
	uint8_t *copy;

	(void)state;
	nlh->nlmsg_type = NLMSG_ERROR;
	memcpy(mnl_nlmsg_get_payload(nlh), &e, sizeof(e));
	nlh->nlmsg_len = sizeof(*nlh) + sizeof(e);
	assert_int_equal(parse_exact(room, nlh->nlmsg_len, &copy).kind, MSG_OTHER);
	free(copy);
}

/* What verdicts look like: nlmsghdr, nfgenmsg, NFQA_VERDICT_HDR; lengths and types in this machine's order. */
struct wire {
	uint8_t octets[36];
};

static struct wire wire_of(uint16_t type, uint32_t len, uint16_t queue, uint32_t verdict, uint32_t id, uint16_t payload)
{
	const uint16_t t = (uint16_t)(3 << 8 | type), flags = 1, attr[2] = { 12, 2 }, last[2] = { payload, 10 };
	const uint8_t be[] = { 0, 0, (uint8_t)(queue >> 8), (uint8_t)queue },
		      vh[] = { (uint8_t)(verdict >> 24), (uint8_t)(verdict >> 16), (uint8_t)(verdict >> 8), (uint8_t)verdict,
			       (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id };
	struct wire w = { { 0 } };

	memcpy(w.octets, &len, 4);
	memcpy(w.octets + 4, &t, 2);
	memcpy(w.octets + 6, &flags, 2);
	memcpy(w.octets + 16, be, 4);
	memcpy(w.octets + 20, attr, 4);
	memcpy(w.octets + 24, vh, 8);
	memcpy(w.octets + 32, last, 4);
	return w;
}

/* For each length of payload: 36 octets in front of it, it itself untouched, zeros up to 4 behind. */
static void verdict_in_place_is_exact(void **state)
{
	(void)state;
	for (uint32_t n = 0; n < 70; n++) {
		struct nlmsghdr *nlh = netlink_begin(room, NFQNL_MSG_PACKET, 0xabcd);
		uint32_t padded = (36 + n + 3) & ~3u, before;
		uint8_t *copy, *payload;
		struct wire want = wire_of(NFQNL_MSG_VERDICT, 36 + n, 0xabcd, NAT_STOP, 0x01020304, (uint16_t)(4 + n));
		struct iovec v;
		struct got g;

		attr_all(nlh, n);
		before = nlh->nlmsg_len - n - 36;
		memset(room + nlh->nlmsg_len, 0xee, 16);
		copy = unit_exact(room, nlh->nlmsg_len + 3);	/* as the contract says: 3 octets behind, not one more */
		g = parse(copy, nlh->nlmsg_len);
		assert_int_equal(g.kind, MSG_PACKET);
		payload = g.p.data;
		v = msg_verdict_in_place(&g.p, g.queue, g.id, NAT_STOP);

		assert_ptr_equal(v.iov_base, copy + before);
		assert_int_equal(v.iov_len, padded);
		assert_memory_equal(v.iov_base, want.octets, 36);
		assert_ptr_equal(payload, (uint8_t *)v.iov_base + 36);
		assert_memory_equal(payload, room + before + 36, n);
		for (uint32_t i = 36 + n; i < padded; i++)
			assert_int_equal(((uint8_t *)v.iov_base)[i], 0);
		assert_memory_equal(copy, room, before);
		free(copy);
	}
}

static void largest_payload_fits(void **state)
{
	struct nlmsghdr *nlh = netlink_begin(room, NFQNL_MSG_PACKET, 1);
	struct wire want = wire_of(NFQNL_MSG_VERDICT, 36 + MSG_PAYLOAD_MAX, 1, NAT_ACCEPT, 0x01020304, 0xffff);
	struct iovec v;
	struct got g;

	(void)state;
	attr_all(nlh, MSG_PAYLOAD_MAX);
	assert_true(nlh->nlmsg_len + 3 <= MSG_SLOT_OCTETS);
	g = parse(room, nlh->nlmsg_len);
	assert_int_equal(g.kind, MSG_PACKET);
	assert_int_equal(g.p.len, MSG_PAYLOAD_MAX);
	v = msg_verdict_in_place(&g.p, 1, g.id, NAT_ACCEPT);
	assert_memory_equal(v.iov_base, want.octets, 36);
}

static void plain_verdict_is_exact(void **state)
{
	struct wire want = wire_of(NFQNL_MSG_VERDICT, 32, 0x0102, NAT_DROP, 0xf0e0d0c0, 0);
	uint8_t *buf = unit_exact(room, MSG_VERDICT_OCTETS);
	struct iovec v = msg_verdict(buf, 0x0102, 0xf0e0d0c0, NAT_DROP);

	(void)state;
	assert_ptr_equal(v.iov_base, buf);
	assert_int_equal(v.iov_len, 32);
	assert_memory_equal(buf, want.octets, 32);
	free(buf);
}

static void marked_verdict_is_exact(void **state)
{
	static const uint8_t attr[] = { 8, 0, 3, 0, 0x4e, 0x46, 0x0f, 0xff };
	struct wire want = wire_of(NFQNL_MSG_VERDICT, 40, 0x0102, NAT_ACCEPT, 0xf0e0d0c0, 0);
	uint8_t *buf = unit_exact(room, MSG_VERDICT_MARK_OCTETS);
	struct iovec v = msg_verdict_mark(buf, 0x0102, 0xf0e0d0c0, NAT_ACCEPT, 0x4e460fff);

	(void)state;
	assert_ptr_equal(v.iov_base, buf);
	assert_int_equal(v.iov_len, 40);
	assert_memory_equal(buf, want.octets, 32);
	assert_memory_equal(buf + 32, attr, sizeof(attr));
	free(buf);
}

/* NF_QUEUE is 3, the queue's number stands above it. */
static void verdict_to_another_queue_is_exact(void **state)
{
	struct wire want = wire_of(NFQNL_MSG_VERDICT, 32, 0x0102, 0xbeef0003, 7, 0);
	uint8_t *buf = unit_exact(room, MSG_VERDICT_OCTETS);
	struct iovec v = msg_verdict_whole(buf, 0x0102, 7, 0xbeef);

	(void)state;
	assert_int_equal(v.iov_len, 32);
	assert_memory_equal(buf, want.octets, 32);
	free(buf);
}

static void batch_verdict_is_exact(void **state)
{
	struct wire want = wire_of(NFQNL_MSG_VERDICT_BATCH, 32, 65535, 4, 0xffffffff, 0);
	uint8_t *buf = unit_exact(room, MSG_VERDICT_OCTETS);
	struct iovec v = msg_verdict_batch(buf, 65535, 0xffffffff, 4);

	(void)state;
	assert_ptr_equal(v.iov_base, buf);
	assert_int_equal(v.iov_len, 32);
	assert_memory_equal(buf, want.octets, 32);
	free(buf);
}

/* Random messages out of attributes with random types and lengths. */
static void any_message_stays_inside(void **state)
{
	struct rng r = rng_start("messages", 1);

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		size_t len = sizeof(struct nlmsghdr) + rng_below(&r, 120), at = 20;
		struct nlmsghdr *nlh = netlink_begin(room, NFQNL_MSG_PACKET, 3);
		uint8_t *copy;
		struct got g;

		rng_fill(&r, room + 20, 140);
		while (at + 4 <= len) {
			struct nlattr a = { .nla_len = (uint16_t)rng_below(&r, 40), .nla_type = (uint16_t)rng_below(&r, 16) };

			memcpy(room + at, &a, sizeof(a));
			at += (a.nla_len + 3u) & ~3u;
			if (a.nla_len < 4)
				break;
		}
		nlh->nlmsg_len = (uint32_t)len;
		copy = malloc(len + 3);
		assert_non_null(copy);
		memcpy(copy, room, len);
		g = parse(copy, len);
		if (g.kind == MSG_PACKET) {
			assert_true(g.p.data + g.p.len <= copy + len);
			msg_verdict_in_place(&g.p, g.queue, g.id, NAT_ACCEPT);
		}
		free(copy);
	}
}

int main(void)
{
	unit_add("all attributes are read", reads_every_attribute, NULL);
	unit_add("absent attributes are zero", absent_attributes_are_zero, NULL);
	unit_add("a packet's mark is read", mark_is_read, NULL);
	unit_add("a verdict with a mark, octet by octet", marked_verdict_is_exact, NULL);
	unit_add("a verdict that sends it to another queue", verdict_to_another_queue_is_exact, NULL);
	unit_add("the kernel's stamp is read", stamps_are_read, NULL);
	unit_add("NFQA_CAP_LEN marks a packet as truncated", cap_len_means_truncated, NULL);
	for (size_t i = 0; i < COUNT(shapes); i++)
		unit_add(shapes[i].name, shape_is_judged, &shapes[i]);
	unit_add("a message cut at any length is bad", cut_anywhere_is_bad, NULL);
	unit_add("a message shortened to any length is bad", shortened_anywhere_stays_inside, NULL);
	unit_add("attribute lengths that lie lead nowhere outside", lying_attributes_stay_inside, NULL);
	unit_add("message lengths that lie are bad", lying_message_length_is_bad, NULL);
	unit_add("messages of other types are not ours", other_types_are_not_ours, NULL);
	for (size_t i = 0; i < COUNT(answers); i++)
		unit_add(answers[i].name, answer_is_read, &answers[i].error);
	unit_add("an answer about conntrack is none of ours", conntracks_answer_is_none_of_ours, NULL);
	unit_add("R8_a_verdict_in_place_is_right_in_every_octet_for_each_length", verdict_in_place_is_exact, NULL);
	unit_add("the largest payload fits into an attribute and a slot", largest_payload_fits, NULL);
	unit_add("a verdict without payload is right in every octet", plain_verdict_is_exact, NULL);
	unit_add("a batch verdict is right in every octet", batch_verdict_is_exact, NULL);
	unit_add("any attributes at all lead nowhere outside", any_message_stays_inside, NULL);
	return unit_run("msg");
}
