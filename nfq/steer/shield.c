/* SPDX-License-Identifier: GPL-2.0-or-later */
/* shield - see shield.h */
#include "nfq/steer/shield.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <netinet/in.h>			/* before the kernel's headers, which then leave out what it has */

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nat/tuple.h"
#include "nfq/handover.h"
#include "nfq/log.h"

#define KEPT_NAME "shield"

enum {
	PRIORITY = 250,			/* behind all else at OUTPUT: packets that wait there keep their place in the list of hooks */
	OFFSET_FLAGS = 13, RST = 4,
	ICMP_OCTETS = 8,		/* in front of what is quoted, both families */
	ANSWER_OCTETS = 8192,
};

#ifndef NFT_TABLE_F_OWNER
#define NFT_TABLE_F_OWNER 2
#endif

/* Where things are in a header of either family, and its errors. */
static const struct family {
	uint8_t nfproto;
	uint32_t addr_octets, source, header_octets, proto;
	uint8_t errors, unreachable;	/* protocol and type */
	uint8_t other[3], n_others;	/* codes that are no refusals: a router's, and "too big" */
} families[2] = {
	{ NFPROTO_IPV4, 4, 12, 20, 9, IPPROTO_ICMP, 3, { 0, 1, 4 }, 3 },	/* RFC 792: net, host; RFC 1191 */
	{ NFPROTO_IPV6, 16, 8, 40, 6, IPPROTO_ICMPV6, 1, { 0, 3 }, 2 },		/* RFC 4443 3.1: no route, address */
};

static struct mnl_socket *nl;

/* A batch being written; its current message and rule. */
struct batch_out {
	char *at;
	struct nlmsghdr *msg;
	struct nlattr *rule;
	uint32_t seq;
};

static void begin(struct batch_out *o, uint16_t type, uint16_t flags)
{
	const bool batch = type == NFNL_MSG_BATCH_BEGIN || type == NFNL_MSG_BATCH_END;
	struct nfgenmsg *g;

	o->msg = mnl_nlmsg_put_header(o->at);
	o->msg->nlmsg_type = batch ? type : (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	o->msg->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	o->msg->nlmsg_seq = ++o->seq;
	g = mnl_nlmsg_put_extra_header(o->msg, sizeof(*g));
	*g = (struct nfgenmsg){ .nfgen_family = batch ? AF_UNSPEC : NFPROTO_INET, .version = NFNETLINK_V0,
				.res_id = htons(batch ? NFNL_SUBSYS_NFTABLES : 0) };
}

static void end(struct batch_out *o)
{
	o->at += o->msg->nlmsg_len;
}

static void put32(struct batch_out *o, uint16_t type, uint32_t value)
{
	mnl_attr_put_u32(o->msg, type, htonl(value));
}

static void put_value(struct batch_out *o, uint16_t type, const void *octets, size_t n)
{
	struct nlattr *nest = mnl_attr_nest_start(o->msg, type);

	mnl_attr_put(o->msg, NFTA_DATA_VALUE, n, octets);
	mnl_attr_nest_end(o->msg, nest);
}

/* ---- expressions of a rule ---- */

struct nest {
	struct nlattr *elem, *data;
};

static struct nest expr_begin(struct batch_out *o, const char *name)
{
	struct nest n = { .elem = mnl_attr_nest_start(o->msg, NFTA_LIST_ELEM) };

	mnl_attr_put_strz(o->msg, NFTA_EXPR_NAME, name);
	n.data = mnl_attr_nest_start(o->msg, NFTA_EXPR_DATA);
	return n;
}

static void expr_end(struct batch_out *o, struct nest n)
{
	mnl_attr_nest_end(o->msg, n.data);
	mnl_attr_nest_end(o->msg, n.elem);
}

static void load_meta(struct batch_out *o, enum nft_meta_keys key)
{
	struct nest n = expr_begin(o, "meta");

	put32(o, NFTA_META_KEY, key);
	put32(o, NFTA_META_DREG, NFT_REG_1);
	expr_end(o, n);
}

static void load(struct batch_out *o, enum nft_payload_bases base, uint32_t offset, uint32_t octets)
{
	struct nest n = expr_begin(o, "payload");

	put32(o, NFTA_PAYLOAD_DREG, NFT_REG_1);
	put32(o, NFTA_PAYLOAD_BASE, base);
	put32(o, NFTA_PAYLOAD_OFFSET, offset);
	put32(o, NFTA_PAYLOAD_LEN, octets);
	expr_end(o, n);
}

static void compare(struct batch_out *o, enum nft_cmp_ops op, const void *octets, size_t count)
{
	struct nest n = expr_begin(o, "cmp");

	put32(o, NFTA_CMP_SREG, NFT_REG_1);
	put32(o, NFTA_CMP_OP, op);
	put_value(o, NFTA_CMP_DATA, octets, count);
	expr_end(o, n);
}

static void compare8(struct batch_out *o, enum nft_cmp_ops op, uint8_t value)
{
	compare(o, op, &value, sizeof(value));
}

static void mask8(struct batch_out *o, uint8_t mask)
{
	const uint8_t none = 0;
	struct nest n = expr_begin(o, "bitwise");

	put32(o, NFTA_BITWISE_SREG, NFT_REG_1);
	put32(o, NFTA_BITWISE_DREG, NFT_REG_1);
	put32(o, NFTA_BITWISE_LEN, 1);
	put_value(o, NFTA_BITWISE_MASK, &mask, 1);
	put_value(o, NFTA_BITWISE_XOR, &none, 1);
	expr_end(o, n);
}

static void verdict(struct batch_out *o, int code, const char *chain)
{
	struct nest n = expr_begin(o, "immediate");
	struct nlattr *data, *v;

	put32(o, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	data = mnl_attr_nest_start(o->msg, NFTA_IMMEDIATE_DATA);
	v = mnl_attr_nest_start(o->msg, NFTA_DATA_VERDICT);
	put32(o, NFTA_VERDICT_CODE, (uint32_t)code);
	if (chain)
		mnl_attr_put_strz(o->msg, NFTA_VERDICT_CHAIN, chain);
	mnl_attr_nest_end(o->msg, v);
	mnl_attr_nest_end(o->msg, data);
	expr_end(o, n);
}

/* Is the source an address of this host? Into the register, as enum of linux/rtnetlink.h */
static void load_source_type(struct batch_out *o)
{
	struct nest n = expr_begin(o, "fib");

	put32(o, NFTA_FIB_DREG, NFT_REG_1);
	put32(o, NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
	put32(o, NFTA_FIB_FLAGS, NFTA_FIB_F_SADDR);
	expr_end(o, n);
}

static void protocol(struct batch_out *o, uint8_t proto)
{
	load_meta(o, NFT_META_L4PROTO);
	compare8(o, NFT_CMP_EQ, proto);
}

/* ---- rules and chains ---- */

static void rule_begin(struct batch_out *o, const char *chain)
{
	begin(o, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	mnl_attr_put_strz(o->msg, NFTA_RULE_TABLE, SHIELD_TABLE);
	mnl_attr_put_strz(o->msg, NFTA_RULE_CHAIN, chain);
	o->rule = mnl_attr_nest_start(o->msg, NFTA_RULE_EXPRESSIONS);
}

static void rule_end(struct batch_out *o, int code, const char *chain)
{
	verdict(o, code, chain);
	mnl_attr_nest_end(o->msg, o->rule);
	end(o);
}

/* Made if it is not there, and emptied. @hooked: at OUTPUT */
static void chain(struct batch_out *o, const char *name, bool hooked)
{
	struct nlattr *hook;

	begin(o, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	mnl_attr_put_strz(o->msg, NFTA_CHAIN_TABLE, SHIELD_TABLE);
	mnl_attr_put_strz(o->msg, NFTA_CHAIN_NAME, name);
	if (hooked) {
		hook = mnl_attr_nest_start(o->msg, NFTA_CHAIN_HOOK);
		put32(o, NFTA_HOOK_HOOKNUM, NF_INET_LOCAL_OUT);
		put32(o, NFTA_HOOK_PRIORITY, PRIORITY);
		mnl_attr_nest_end(o->msg, hook);
		mnl_attr_put_strz(o->msg, NFTA_CHAIN_TYPE, "filter");
		put32(o, NFTA_CHAIN_POLICY, NF_ACCEPT);
	}
	end(o);
	begin(o, NFT_MSG_DELRULE, 0);
	mnl_attr_put_strz(o->msg, NFTA_RULE_TABLE, SHIELD_TABLE);
	mnl_attr_put_strz(o->msg, NFTA_RULE_CHAIN, name);
	end(o);
}

/*
 * Who is to be looked at: refusals that no program sent, in this host's own
 * name. A match that cannot be made ends a rule, so "any user" does it.
 * Errors of a router are not refusals: net or host unreachable, no route.
 */
static void write_gates(struct batch_out *o)
{
	const uint32_t any = 0, local = RTN_LOCAL;

	rule_begin(o, "output");
	load_meta(o, NFT_META_SKUID);
	compare(o, NFT_CMP_GTE, &any, sizeof(any));
	rule_end(o, NF_ACCEPT, NULL);

	/* A firewall's reset of what is passed on has the name of another. */
	rule_begin(o, "output");
	load_source_type(o);
	compare(o, NFT_CMP_NEQ, &local, sizeof(local));
	rule_end(o, NF_ACCEPT, NULL);

	rule_begin(o, "output");
	protocol(o, IPPROTO_TCP);
	load(o, NFT_PAYLOAD_TRANSPORT_HEADER, OFFSET_FLAGS, 1);
	mask8(o, RST);
	compare8(o, NFT_CMP_EQ, RST);
	rule_end(o, NFT_GOTO, "resets");

	for (unsigned f = 0; f < 2; f++) {
		rule_begin(o, "output");
		protocol(o, families[f].errors);
		load(o, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1);
		compare8(o, NFT_CMP_EQ, families[f].unreachable);
		load(o, NFT_PAYLOAD_TRANSPORT_HEADER, 1, 1);
		for (unsigned i = 0; i < families[f].n_others; i++)
			compare8(o, NFT_CMP_NEQ, families[f].other[i]);
		rule_end(o, NFT_GOTO, "errors");
	}
}

/* One range: refusals that the host sends in the name of a listener. */
static void write_range(struct batch_out *o, const struct group *g, const struct ports *p)
{
	const struct family *f = &families[g->family == NAT_IPV6];
	const bool tcp = g->proto == IPPROTO_TCP;
	const uint32_t quoted = ICMP_OCTETS + f->header_octets;
	/* An error names who was asked, which need not be who sends it: a router refuses in its own name what is for others. */
	const uint32_t asked = tcp ? f->source : ICMP_OCTETS + f->source + f->addr_octets;
	const uint16_t lo = htons(p->lo), hi = htons(p->hi);
	char dev[IFNAMSIZ] = "";

	rule_begin(o, tcp ? "resets" : "errors");
	if (g->dev[0]) {		/* what came elsewhere is no forward's */
		memcpy(dev, g->dev, sizeof(dev));
		load_meta(o, NFT_META_OIFNAME);
		compare(o, NFT_CMP_EQ, dev, sizeof(dev));
	}
	load_meta(o, NFT_META_NFPROTO);
	compare8(o, NFT_CMP_EQ, f->nfproto);
	if (!nat_addr_is_any(&g->addr)) {
		load(o, tcp ? NFT_PAYLOAD_NETWORK_HEADER : NFT_PAYLOAD_TRANSPORT_HEADER, asked, f->addr_octets);
		compare(o, NFT_CMP_EQ, nat_addr_wire(&g->addr, (enum nat_family)g->family), f->addr_octets);
	}
	if (!tcp) {
		load(o, NFT_PAYLOAD_TRANSPORT_HEADER, ICMP_OCTETS + f->proto, 1);
		compare8(o, NFT_CMP_EQ, g->proto);
	}
	load(o, NFT_PAYLOAD_TRANSPORT_HEADER, tcp ? 0 : quoted + 2, sizeof(lo));
	compare(o, NFT_CMP_GTE, &lo, sizeof(lo));
	compare(o, NFT_CMP_LTE, &hi, sizeof(hi));
	rule_end(o, NF_DROP, NULL);
}

size_t shield_write(const struct rules *r, void *buf, unsigned *left)
{
	struct batch_out o = { .at = buf };
	unsigned room = SHIELD_MAX;

	*left = 0;
	begin(&o, NFNL_MSG_BATCH_BEGIN, 0);
	end(&o);
	begin(&o, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_ACK);
	mnl_attr_put_strz(o.msg, NFTA_TABLE_NAME, SHIELD_TABLE);
	put32(&o, NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER);
	end(&o);
	chain(&o, "output", true);
	chain(&o, "resets", false);
	chain(&o, "errors", false);
	write_gates(&o);
	for (unsigned i = 0; i < r->n_listeners; i++) {
		const struct group *g = &r->listener[i];

		for (unsigned k = 0; !g->rest && nat_proto_has_ports(g->proto) && k < g->n_ports; k++) {
			if (!room) {
				++*left;
				continue;
			}
			room--;
			write_range(&o, g, &g->ports[k]);
		}
	}
	begin(&o, NFNL_MSG_BATCH_END, 0);
	end(&o);
	return (size_t)(o.at - (char *)buf);
}

/* ---- the socket ---- */

int shield_open(void)
{
	const int big = SHIELD_OCTETS;
	struct sockaddr_nl sa = { 0 };
	socklen_t len = sizeof(sa);
	int fd = handover_take(KEPT_NAME);

	if (fd >= 0 && !getsockname(fd, (struct sockaddr *)&sa, &len) && sa.nl_family == AF_NETLINK)
		nl = mnl_socket_fdopen(fd);
	if (fd >= 0 && !nl)
		close(fd);
	if (!nl) {
		nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (!nl)
			return -errno;
		if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
			int err = -errno;

			shield_close();
			return err;
		}
	}
	fd = mnl_socket_get_fd(nl);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &big, sizeof(big));
	handover_also(KEPT_NAME, fd);
	return 0;
}

/* Errors come at once and in any number; the first is the cause. */
static int answer(void)
{
	char buf[ANSWER_OCTETS] __attribute__((aligned(4)));
	int err = 0;
	bool lost = false;

	for (;;) {
		ssize_t n = recv(mnl_socket_get_fd(nl), buf, sizeof(buf), MSG_DONTWAIT);
		int left = (int)n;

		if (n < 0 && (errno == EINTR || errno == ENOBUFS)) {
			lost |= errno == ENOBUFS;
			continue;
		}
		if (n <= 0)
			return err ? err : lost ? -ENOBUFS : 0;
		for (const struct nlmsghdr *h = (const void *)buf; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left))
			if (!err && h->nlmsg_type == NLMSG_ERROR && mnl_nlmsg_get_payload_len(h) >= sizeof(struct nlmsgerr))
				err = ((const struct nlmsgerr *)mnl_nlmsg_get_payload(h))->error;
	}
}

int shield_set(const struct rules *r)
{
	char *buf;
	unsigned left;
	size_t octets;
	int err;

	if (!nl)
		return -ENOTCONN;
	buf = malloc(SHIELD_OCTETS);
	if (!buf)
		return -ENOMEM;
	answer();			/* whatever is left of another main process */
	octets = shield_write(r, buf, &left);
	err = mnl_socket_sendto(nl, buf, octets) < 0 ? -errno : answer();
	free(buf);
	return err ? err : left ? -E2BIG : 0;
}

void shield_close(void)
{
	if (nl)
		mnl_socket_close(nl);
	nl = NULL;
}
