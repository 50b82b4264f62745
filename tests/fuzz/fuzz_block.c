/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A block whose writer died and left any octets changed: it is refused, or
 * made good and of use again.
 *
 * Input: triples of octets: 16 bits say where, 8 bits what is changed there.
 */
#include "tests/fuzz/judge.h"
#include "tests/unit/outs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FLOWS = 20, GUESTS = 6 };	/* flows of forwards, and of masqueraded guests */

static struct world world;
static uint8_t *image;

static struct packet packet_of(unsigned i, bool back)
{
	enum nat_family family = i % 2 ? NAT_IPV6 : NAT_IPV4;
	struct packet p = { .family = family, .proto = i % 3 ? NAT_PROTO_UDP : NAT_PROTO_TCP, .payload = 3,
			    .tcp_flags = back ? TCP_F_SYN | TCP_F_ACK : TCP_F_SYN,
			    .ends = { letter_addr(i % 5 ? 'C' : 'F', family), letter_addr('H', family), wire_port((uint16_t)(i + 1)),
				      wire_port(8080) } };

	if (back)
		p.ends = (struct nat_ends){ letter_addr('G', family), p.ends.src, wire_port(80), p.ends.sport };
	return p;
}

static void give(unsigned i, uint8_t hook, bool back)
{
	static uint8_t octets[PACKET_ROOM];
	struct packet p = packet_of(i, back);
	uint32_t len = packet_build(&p, octets);
	struct nat_pkt pkt = { .hook = hook, .indev = back || i % 5 == 0 ? BRIDGE : OUTSIDE };

	judge(&world.nat, &pkt, octets, len, world.now);
}

/* A masqueraded guest sends, from one port to several remotes: fewer mappings than flows. */
static void give_out(unsigned i)
{
	static uint8_t octets[PACKET_ROOM];
	enum nat_family family = i % 2 ? NAT_IPV6 : NAT_IPV4;
	struct packet p = { .family = family, .proto = NAT_PROTO_UDP, .payload = 3,
			    .ends = { letter_addr(i % 3 ? 'G' : 'F', family), letter_addr(i % 4 ? 'C' : 'D', family),
				      wire_port((uint16_t)(2000 + i / 3)), wire_port((uint16_t)(i + 1)) } };
	uint32_t len = packet_build(&p, octets);
	struct nat_pkt pkt = { .hook = NAT_POST, .outdev = OUTSIDE };

	judge(&world.nat, &pkt, octets, len, world.now);
}

static void world_make(void)
{
	struct nat_params params = world_params(FLOWS + GUESTS + 4);

	params.max_outs = 4;
	params.max_mappings = params.max_peers = 16;

	world = world_new(&params);
	world_map(&world, "tcp *:1-9000 > F:1; tcp *:8080 > G:80; udp *:8080 > G:80 allow=CF; udp H:8080 > G:80; icmp * > G");
	outs_swap(&world, "tcp *:8080 > G:80; udp *:8080 > G:80 allow=CF", "masq H ports=2000-2007 filter=endpoint except=R");
	for (unsigned i = 0; i < FLOWS; i++) {
		give(i, NAT_PRE, false);
		if (i % 4 == 1)
			give(i, NAT_POST, true);
		world.now += NAT_SEC(1);
	}
	for (unsigned i = 0; i < GUESTS; i++)
		give_out(i);
	MUST(world.nat.flows.head->used == FLOWS + GUESTS);
	image = world_alloc(world.octets);
	memcpy(image, world.mem, world.octets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	nat_ns now;
	const char *bad;

	judge_begin();
	if (!world.mem)
		world_make();
	now = world.now;
	memcpy(world.mem, image, world.octets);
	for (size_t i = 0; i + 3 <= size && i < 3 * 64; i += 3)
		world.mem[wire_get16(data + i) % world.octets] ^= data[i + 2];
	if (nat_attach(&world.nat, world.mem, world.octets))
		return 0;

	nat_enter(&world.nat);
	nat_recover(&world.nat, world.now);
	MUST(!nat_check(&world.nat));
	for (unsigned i = 0; i < FLOWS + 8; i++) {
		give(i, NAT_PRE, false);
		give(i, NAT_FWD, false);
		give(i, NAT_POST, true);
		give_out(i);
		world.now += NAT_SEC(1);
	}
	while (!nat_sweep(&world.nat, world.now, 7))
		;
	nat_expire(&world.nat, world.now + NAT_SEC(500), 3);
	bad = nat_check(&world.nat);
	if (bad)
		fprintf(stderr, "%s\n", bad);
	MUST(!bad);
	world.now = now;
	return 0;
}
