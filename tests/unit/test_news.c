/* SPDX-License-Identifier: GPL-2.0-or-later */
/* news: what the kernel tells of changed rules, read out of one message. */
#include "nfq/steer/news.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "tests/unit/unit.h"

enum { ROOM = 1024, OURS = NFNL_SUBSYS_NFTABLES << 8 };

/* A message of at most three texts, by the numbers of their attributes. */
static const struct row {
	const char *name;
	uint16_t type;
	struct { uint16_t type; const char *text; } attr[3];
	enum news_what what;
	const char *table, *chain, *program;
} rows[] = {
	{ "table", OURS | NFT_MSG_DELTABLE, { { 1, "nfqnat" }, { 2, "no chain" } }, NEWS_TAKEN, "nfqnat", "", "" },
	{ "chain", OURS | NFT_MSG_DELCHAIN, { { 1, "raw" }, { 3, "nfqnat-PRE" } }, NEWS_TAKEN, "raw", "nfqnat-PRE", "" },
	{ "chain by its handle", OURS | NFT_MSG_DELCHAIN, { { 1, "raw" }, { 2, "1234567" } }, NEWS_TAKEN, "raw", "", "" },
	{ "rule", OURS | NFT_MSG_DELRULE, { { 1, "mangle" }, { 2, "nfqnat-POST" } }, NEWS_TAKEN, "mangle", "nfqnat-POST", "" },
	{ "set", OURS | NFT_MSG_DELSET, { { 1, "nfqnat-headers" }, { 2, "pre" } }, NEWS_TAKEN_SET, "nfqnat-headers", "pre", "" },
	{ "elements", OURS | NFT_MSG_DELSETELEM, { { 1, "x" }, { 2, "y" } }, NEWS_TAKEN_SET, "x", "y", "" },
	{ "program", OURS | NFT_MSG_NEWGEN, { { NFTA_GEN_PROC_NAME, "nft\x1b[2J" } }, NEWS_PROGRAM, "", "", "nft?[2J" },
	{ "program of a long name", OURS | NFT_MSG_NEWGEN, { { NFTA_GEN_PROC_NAME, "0123456789012345678901234567890123456789" } },
	  NEWS_PROGRAM, "", "", "0123456789012345678901234567890" },
	{ "new rule", OURS | NFT_MSG_NEWRULE, { { 1, "nfqnat" }, { 2, "forward" } }, NEWS_OTHER, "", "", "" },
	{ "of another part", NFNL_SUBSYS_CTNETLINK << 8 | NFT_MSG_DELRULE, { { 1, "nfqnat" } }, NEWS_OTHER, "", "", "" },
};

static struct nlmsghdr *begin(char *buf, uint16_t type)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);

	h->nlmsg_type = type;
	h->nlmsg_pid = 4711;
	mnl_nlmsg_put_extra_header(h, sizeof(struct nfgenmsg));
	return h;
}

static void check(const struct nlmsghdr *h, enum news_what what, const char *table, const char *chain, const char *program)
{
	/* in memory that ends with the message */
	struct nlmsghdr *copy = (struct nlmsghdr *)(void *)unit_exact((const uint8_t *)h, h->nlmsg_len);
	const struct news n = news_read(copy);

	assert_int_equal(n.what, what);
	assert_int_equal(n.who, 4711);
	assert_string_equal(n.table, table);
	assert_string_equal(n.chain, chain);
	assert_string_equal(n.program, program);
	free(copy);
}

static void is_read(void **state)
{
	const struct row *r = *state;
	char buf[ROOM] __attribute__((aligned(8)));
	struct nlmsghdr *h = begin(buf, r->type);

	for (unsigned i = 0; i < COUNT(r->attr) && r->attr[i].text; i++)
		mnl_attr_put_strz(h, r->attr[i].type, r->attr[i].text);
	check(h, r->what, r->table, r->chain, r->program);
}

/* Text that does not end, a message that ends before its attributes do, and one that is hardly there. */
static void broken_is_not_said(void **state)
{
	char buf[ROOM] __attribute__((aligned(8)));
	struct nlmsghdr *h = begin(buf, OURS | NFT_MSG_DELRULE);

	(void)state;
	mnl_attr_put(h, NFTA_RULE_TABLE, 6, "nfqnat");
	mnl_attr_put_strz(h, NFTA_RULE_CHAIN, "forward");
	check(h, NEWS_TAKEN, "", "forward", "");
	h->nlmsg_len -= 4;
	check(h, NEWS_TAKEN, "", "", "");
	h->nlmsg_len--;
	check(h, NEWS_OTHER, "", "", "");
	h->nlmsg_len = sizeof(*h) + 1;
	check(h, NEWS_OTHER, "", "", "");
}

int main(void)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		unit_add(rows[i].name, is_read, &rows[i]);
	unit_add("broken is not said", broken_is_not_said, NULL);
	return unit_run("news");
}
