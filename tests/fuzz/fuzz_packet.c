/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any octets, as a packet and as the quote of an ICMP error, before an engine
 * that has flows which some of them belong to.
 *
 * Input: one octet of what the kernel says (hook, flags), then the packet.
 */
#include "tests/fuzz/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LEN_MAX = 4096 };

static struct world world;
static uint8_t *image;		/* of the block, with its flows: each input begins with the same */

static void open_flow(enum nat_family family, uint8_t proto, char src, char dst, uint16_t dport, enum nat_hook hook)
{
	static uint8_t buf[PACKET_ROOM];
	struct packet p = { .family = family, .proto = proto, .tcp_flags = TCP_F_SYN,
			    .ends = { letter_addr(src, family), letter_addr(dst, family), wire_port(0x0101), wire_port(dport) } };
	struct nat_pkt pkt = { .data = buf, .len = packet_build(&p, buf), .hook = (uint8_t)hook,
			       .indev = src == 'F' ? BRIDGE : OUTSIDE };

	nat_packet(&world.nat, &pkt, world.now);
	MUST(pkt.reason == NAT_WHY_OPENED);
}

static void world_make(void)
{
	struct nat_params params = world_params(24);

	params.source_lo = params.source_hi = 0x0202;	/* easy to guess */
	world = world_new(&params);
	world_map(&world, "tcp *:0-65535 > G:0; udp *:0-65535 > G:0; icmp * > G");
	for (unsigned f = 4; f <= 6; f += 2) {
		open_flow(f, 6, 'C', 'H', 0x0303, NAT_PRE);
		open_flow(f, 17, 'C', 'H', 0x0303, NAT_PRE);
		open_flow(f, f == 4 ? 1 : 58, 'C', 'H', f == 4 ? 8 : 128, NAT_PRE);
		open_flow(f, 6, 'F', 'H', 0x0303, NAT_PRE);
		open_flow(f, 17, 'L', 'L', 0x0303, NAT_OUT);
	}
	image = world_alloc(world.octets);
	memcpy(image, world.mem, world.octets);
}

static void parse(const uint8_t *octets, uint32_t len, bool quoted)
{
	struct pkt_view v;

	if (pkt_parse_ip(octets, len, quoted, &v) != NAT_WHY_UNDECIDED)
		return;
	MUST(v.l4 <= v.end && v.end <= len && (quoted || v.l4 < v.end));
	if (v.is_later) {
		MUST(!quoted && v.is_fragment && !v.has_ports && !v.is_error && v.frag_at && v.frag_octets == v.end - v.l4);
		return;
	}
	if (!v.has_ports && !v.is_error) {
		MUST(v.has_flow && !v.tuple.ends.sport && !v.tuple.ends.dport);
		return;
	}
	MUST(v.end - v.l4 >= 8);
	MUST(v.has_ports != v.is_error);
}

/* The shorter way that pkt_parse() has for plain packets finds the same. */
static void parse_both(uint8_t *octets, uint32_t len)
{
	struct nat_pkt p = { .data = octets, .len = len };
	enum nat_reason fast = pkt_parse(&p), slow;
	struct pkt_view v;

	slow = pkt_parse_ip(octets, len, false, &v);
	MUST(fast == slow || fast == NAT_WHY_LOCAL_SCOPE);
	MUST(!memcmp(&p.view, &v, sizeof(v)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t copy[LEN_MAX];
	struct nat_pkt p = { 0 };
	uint32_t len;

	judge_begin();
	if (!world.mem)
		world_make();
	if (size < 1 || size - 1 > LEN_MAX)
		return 0;
	len = (uint32_t)size - 1;
	memcpy(copy, data + 1, len);
	parse(data + 1, len, false);
	parse(data + 1, len, true);
	parse_both(copy, len);

	memcpy(world.mem, image, world.octets);
	p.hook = (data[0] & 7) % NAT_HOOKS;
	p.csum_partial = data[0] & 8;
	p.gso = data[0] & 16;
	p.truncated = (data[0] & 0xe0) == 0xe0;
	p.indev = data[0] & 32 ? BRIDGE : OUTSIDE;
	p.headers = p.truncated && p.gso;
	p.whole = len < 40 ? len : copy[0] >> 4 == 6 ? 40 + (uint32_t)(copy[4] << 8 | copy[5]) : (uint32_t)(copy[2] << 8 | copy[3]);
	mark_set_open(&world.nat.marks, true);
	judge(&world.nat, &p, copy, len, world.now);
	/* Now the kernel has the rewrite that it wanted. */
	if (p.reason == NAT_WHY_HEADERS_ONLY && world.nat.marks.head->slots) {
		mark_told(&world.nat.marks.slot[1], MARK_INSTALLED);
		judge(&world.nat, &p, copy, len, world.now);
		MUST(p.mark == (MARK_BASE | 1));
	}
	judge_tables(&world.nat);
	return 0;
}
