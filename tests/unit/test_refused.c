/* SPDX-License-Identifier: GPL-2.0-or-later */
/* refused, nflog: what the host's rules say in a guest's name reaches a forward's client in the name that he called. */
#include "nfq/refused.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>

#include "nfq/nflog.h"
#include "tests/unit/unit.h"
#include "tests/unit/world.h"

enum { PORT = 40000, NOBODYS = 40001 };

static struct world w;

static void open_flow(enum nat_family family, uint8_t proto)
{
	static uint8_t octets[PACKET_ROOM];
	const struct packet made = { .family = family, .proto = proto, .tcp_flags = TCP_F_SYN,
				     .ends = { letter_addr('C', family), letter_addr('H', family), htons(PORT), htons(8080) } };
	struct nat_pkt p = { .data = octets, .hook = NAT_PRE, .indev = OUTSIDE };

	p.len = packet_build(&made, octets);
	nat_packet(&w.nat, &p, w.now);
	assert_int_equal(p.reason, NAT_WHY_OPENED);
}

static void world_up(void)
{
	struct nat_params params = world_params(64);

	w = world_new(&params);
	world_map(&w, "udp *:8080 > G:80; tcp *:8080 > G:80");
	for (unsigned v = NAT_IPV4; v <= NAT_IPV6; v += 2) {
		open_flow(v, NAT_PROTO_UDP);
		open_flow(v, NAT_PROTO_TCP);
	}
}

/* The first packet, as it stood in FORWARD: from the client's @port to the guest, or to H:8080 as he sent it. */
static struct packet first(enum nat_family family, uint8_t proto, uint16_t port, bool sent)
{
	return (struct packet){ .family = family, .proto = proto, .tcp_flags = TCP_F_SYN, .payload = 11,
				.ends = { letter_addr('C', family), letter_addr(sent ? 'H' : 'G', family), htons(port),
					  htons(sent ? 8080 : 80) } };
}

static struct packet error(enum nat_family family, char from, const struct packet *quote)
{
	return (struct packet){ .family = family, .proto = family == NAT_IPV4 ? NAT_PROTO_ICMP : NAT_PROTO_ICMPV6,
				.icmp_type = family == NAT_IPV4 ? 3 : 1, .icmp_code = family == NAT_IPV4 ? 13 : 1, .quote = quote,
				.ends = { letter_addr(from, family), letter_addr('C', family), 0, 0 } };
}

static struct packet reset(enum nat_family family, uint16_t port, bool as_host)
{
	return (struct packet){ .family = family, .proto = NAT_PROTO_TCP, .tcp_flags = TCP_F_RST | TCP_F_ACK, .ack = 77,
				.ends = { letter_addr(as_host ? 'H' : 'G', family), letter_addr('C', family), htons(as_host ? 8080 : 80),
					  htons(port) } };
}

/* @logged becomes @want, octet by octet. */
static void becomes(const struct packet *logged, const struct packet *want)
{
	static uint8_t got[PACKET_ROOM], as[PACKET_ROOM];
	const struct nat_addr client = letter_addr('C', logged->family);
	uint32_t len = packet_build(logged, got), n = packet_build(want, as);
	enum nat_family family;
	struct nat_addr dst;

	assert_int_equal(refused_translate(&w.nat, got, len, &dst, &family), n);
	assert_memory_equal(got, as, n);
	assert_int_equal(family, logged->family);
	assert_true(nat_addr_eq(&dst, &client));
}

static void R55_error_names_whom_the_client_called(void **state)
{
	static const uint8_t protos[] = { NAT_PROTO_UDP, NAT_PROTO_TCP };

	(void)state;
	world_up();
	for (unsigned v = NAT_IPV4; v <= NAT_IPV6; v += 2)
		for (unsigned i = 0; i < COUNT(protos); i++) {
			struct packet seen = first(v, protos[i], PORT, false), sent = first(v, protos[i], PORT, true);
			struct packet logged = error(v, 'B', &seen), want = error(v, 'H', &sent);

			becomes(&logged, &want);
		}
	world_free(&w);
}

static void R55_reset_comes_from_whom_the_client_called(void **state)
{
	(void)state;
	world_up();
	for (unsigned v = NAT_IPV4; v <= NAT_IPV6; v += 2) {
		struct packet logged = reset(v, PORT, false), want = reset(v, PORT, true);

		becomes(&logged, &want);
		logged.partial = true;		/* as nf_send_reset() leaves it */
		becomes(&logged, &want);
	}
	world_free(&w);
}

static void what_is_no_forwards_stays(void **state)
{
	(void)state;
	world_up();
	for (unsigned v = NAT_IPV4; v <= NAT_IPV6; v += 2) {
		struct packet direct = first(v, NAT_PROTO_UDP, NOBODYS, false), logged = error(v, 'B', &direct);
		struct packet rst = reset(v, NOBODYS, false);

		becomes(&logged, &logged);
		becomes(&rst, &rst);
	}
	world_free(&w);
}

static void nothing_else_is_sent(void **state)
{
	static uint8_t octets[PACKET_ROOM];
	struct packet data = reset(NAT_IPV4, PORT, false), ping = first(NAT_IPV4, NAT_PROTO_UDP, PORT, false);
	enum nat_family family;
	struct nat_addr dst;
	uint32_t len;

	(void)state;
	world_up();
	data.tcp_flags = TCP_F_ACK;
	len = packet_build(&data, octets);
	assert_int_equal(refused_translate(&w.nat, octets, len, &dst, &family), 0);
	len = packet_build(&ping, octets);
	assert_int_equal(refused_translate(&w.nat, octets, len, &dst, &family), 0);
	data.tcp_flags = TCP_F_RST;
	len = packet_build(&data, octets);
	for (uint32_t cut = 0; cut < len; cut++) {
		uint8_t *exact = malloc(cut + !cut);	/* the sanitizer watches its end */

		memcpy(exact, octets, cut);
		assert_int_equal(refused_translate(&w.nat, exact, cut, &dst, &family), 0);
		free(exact);
	}
	world_free(&w);
}

/* ---- messages ---- */

static size_t put_message(uint8_t *buf, uint16_t type, const char *payload)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_ULOG << 8 | type);
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->version = NFNETLINK_V0;
	mnl_attr_put_u32(nlh, NFULA_IFINDEX_OUTDEV, htonl(2));
	if (payload)
		mnl_attr_put(nlh, NFULA_PAYLOAD, strlen(payload), payload);
	mnl_attr_put_u32(nlh, NFULA_MARK, 0);
	return nlh->nlmsg_len;
}

static void every_payload_is_found(void **state)
{
	uint8_t buf[1024] __attribute__((aligned(4))), *p;
	size_t len = 0, at = 0;
	uint32_t octets;

	(void)state;
	len += put_message(buf + len, NFULNL_MSG_PACKET, "first");
	len += put_message(buf + len, NFULNL_MSG_CONFIG, "not a packet");
	len += put_message(buf + len, NFULNL_MSG_PACKET, NULL);
	len += put_message(buf + len, NFULNL_MSG_PACKET, "second");
	p = nflog_next(buf, len, &at, &octets);
	assert_non_null(p);
	assert_int_equal(octets, 5);
	assert_memory_equal(p, "first", 5);
	p = nflog_next(buf, len, &at, &octets);
	assert_non_null(p);
	assert_int_equal(octets, 6);
	assert_memory_equal(p, "second", 6);
	assert_null(nflog_next(buf, len, &at, &octets));
	assert_null(nflog_next(buf, len, &at, &octets));
}

int main(void)
{
	unit_add("R55_error_names_whom_the_client_called", R55_error_names_whom_the_client_called, NULL);
	unit_add("R55_reset_comes_from_whom_the_client_called", R55_reset_comes_from_whom_the_client_called, NULL);
	unit_add("what is no forward's stays as it is", what_is_no_forwards_stays, NULL);
	unit_add("R82_nothing_else_is_sent", nothing_else_is_sent, NULL);
	unit_add("every payload of a datagram is found", every_payload_is_found, NULL);
	return unit_run("refused");
}
