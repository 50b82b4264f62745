/* SPDX-License-Identifier: GPL-2.0-or-later */
/* reset: the octets of each RST, and that nobody gets one that it would not believe. */
#include "nfq/reset.h"

#include "tests/unit/packet.h"
#include "tests/unit/unit.h"

/* One flow c -> h, s -> g; who is told, and what that side has acknowledged. */
static const struct row {
	const char *what;
	enum nat_family family;
	enum nat_dir to;
	char src, dst;			/* of the RST */
	uint16_t sport, dport;
	uint32_t seq;
} rows[] = {
	{ "IPv4: the initiator hears from the listener",     NAT_IPV4, NAT_ORIG,  'H', 'C', 8080, 40000, 0x01020304 },
	{ "IPv4: the guest hears from the translated source", NAT_IPV4, NAT_REPLY, 'B', 'G', 61001, 80, 0xfffffffe },
	{ "IPv6: the initiator hears from the listener",     NAT_IPV6, NAT_ORIG,  'H', 'C', 8080, 40000, 0x01020304 },
	{ "IPv6: the guest hears from the translated source", NAT_IPV6, NAT_REPLY, 'B', 'G', 61001, 80, 0xfffffffe },
};

static struct nat_flow flow_of(enum nat_family family)
{
	return (struct nat_flow){
		.orig = { letter_addr('C', family), letter_addr('H', family), wire_port(40000), wire_port(8080) },
		.reply = { letter_addr('G', family), letter_addr('B', family), wire_port(80), wire_port(61001) },
		.proto = NAT_PROTO_TCP,
		.family = (uint8_t)family,
		.flags = FLOW_ACK_ORIG | FLOW_ACK_REPLY,
		.ack = { 0x01020304, 0xfffffffe },
	};
}

static void octets_are_right(void **state)
{
	const struct row *r = *state;
	struct nat_flow f = flow_of(r->family);
	struct nat_addr src = letter_addr(r->src, r->family), dst = letter_addr(r->dst, r->family);
	bool v4 = r->family == NAT_IPV4;
	size_t ip = v4 ? 20 : 40, len;
	uint8_t *d = malloc(ip + 20);	/* exact */

	assert_non_null(d);
	memset(d, 0xaa, ip + 20);
	len = reset_build(&f, r->to, d);
	assert_int_equal(len, ip + 20);
	if (v4) {
		assert_int_equal(d[0], 0x45);
		assert_int_equal(wire_get16(d + 2), 40);
		assert_int_equal(d[9], 6);
		assert_memory_equal(d + 12, src.octet + 12, 4);
		assert_memory_equal(d + 16, dst.octet + 12, 4);
		/* the kernel writes this one: raw(7) */
		wire_put16(d + 10, 0);
		wire_put16(d + 10, (uint16_t)~naive_sum(0, d, 20));
	} else {
		assert_int_equal(wire_get32(d), 0x60000000);
		assert_int_equal(wire_get16(d + 4), 20);
		assert_int_equal(d[6], 6);
		assert_memory_equal(d + 8, src.octet, 16);
		assert_memory_equal(d + 24, dst.octet, 16);
	}
	assert_true(d[v4 ? 8 : 7] >= 64);
	assert_int_equal(wire_get16(d + ip), r->sport);
	assert_int_equal(wire_get16(d + ip + 2), r->dport);
	assert_int_equal(wire_get32(d + ip + 4), r->seq);
	assert_int_equal(wire_get32(d + ip + 8), 0);
	assert_int_equal(wire_get16(d + ip + 12), 0x5004);	/* five words, RST and nothing else */
	assert_int_equal(wire_get16(d + ip + 14), 0);
	assert_int_equal(wire_get16(d + ip + 18), 0);
	assert_true(naive_good(d, (uint32_t)len));
	free(d);
}

/* What a side has acknowledged, less one: nothing that it expects, so it answers; no RST, which it could believe. */
static void a_probe_must_be_answered(void **state)
{
	static const struct {
		uint16_t sport, dport;
		uint32_t seq, ack;
	} want[NAT_DIRS] = {
		[NAT_ORIG] = { 8080, 40000, 0x01020303, 0xfffffffe },
		[NAT_REPLY] = { 61001, 80, 0xfffffffd, 0x01020304 },
	};
	uint8_t d[RESET_OCTETS];

	(void)state;
	for (unsigned family = NAT_IPV4; family <= NAT_IPV6; family += 2)
		for (unsigned to = NAT_ORIG; to < NAT_DIRS; to++) {
			struct nat_flow f = flow_of(family);
			size_t ip = family == NAT_IPV4 ? 20 : 40, len = reset_probe_build(&f, to, d);

			assert_int_equal(len, ip + 20);
			assert_int_equal(wire_get16(d + ip), want[to].sport);
			assert_int_equal(wire_get16(d + ip + 2), want[to].dport);
			assert_int_equal(wire_get32(d + ip + 4), want[to].seq);
			assert_int_equal(wire_get32(d + ip + 8), want[to].ack);
			assert_int_equal(wire_get16(d + ip + 12), 0x5010);	/* ACK and nothing else */
			if (family == NAT_IPV6)
				assert_true(naive_good(d, (uint32_t)len));
		}
}

static void nobody_without_an_ack(void **state)
{
	uint8_t d[RESET_OCTETS];

	(void)state;
	for (unsigned family = NAT_IPV4; family <= NAT_IPV6; family += 2) {
		struct nat_flow f = flow_of(family);

		f.flags = FLOW_ACK_ORIG;
		assert_int_not_equal(reset_build(&f, NAT_ORIG, d), 0);
		assert_int_equal(reset_build(&f, NAT_REPLY, d), 0);
		assert_int_equal(reset_probe_build(&f, NAT_REPLY, d), 0);
		assert_int_not_equal(reset_probe_build(&f, NAT_ORIG, d), 0);
		f.flags = FLOW_ACK_REPLY;
		assert_int_equal(reset_probe_build(&f, NAT_ORIG, d), 0);
		assert_int_equal(reset_build(&f, NAT_ORIG, d), 0);
		assert_int_not_equal(reset_build(&f, NAT_REPLY, d), 0);
	}
}

static void nothing_is_sent_without_sockets(void **state)
{
	struct nat_flow f = flow_of(NAT_IPV4);
	struct raw r = { .fd4 = -1, .fd6 = -1 };

	(void)state;
	assert_int_equal(reset_send(&r, &f), 0);
	f.flags = 0;
	assert_int_equal(reset_send(&r, &f), 0);
	raw_close(&r);
}

int main(void)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		unit_add(rows[i].what, octets_are_right, &rows[i]);
	unit_add("a probe is what a side must answer", a_probe_must_be_answered, NULL);
	unit_add("a side that has acknowledged nothing gets no RST", nobody_without_an_ack, NULL);
	unit_add("without sockets nobody is told", nothing_is_sent_without_sockets, NULL);
	return unit_run("reset");
}
