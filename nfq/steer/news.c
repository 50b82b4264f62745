/* SPDX-License-Identifier: GPL-2.0-or-later */
/* news - see news.h */
#include "nfq/steer/news.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

/* Which attribute says what; a table's name has number 1 everywhere. */
struct reading {
	struct news *to;
	uint16_t chain;			/* 0: there is none */
};

static int note(const struct nlattr *a, void *arg)
{
	const struct reading *r = arg;
	const uint16_t type = mnl_attr_get_type(a);

	if (mnl_attr_validate(a, MNL_TYPE_NUL_STRING) < 0)
		return MNL_CB_OK;
	if (type == NFTA_TABLE_NAME)
		r->to->table = mnl_attr_get_str(a);
	else if (r->chain && type == r->chain)
		r->to->chain = mnl_attr_get_str(a);
	return MNL_CB_OK;
}

_Static_assert(NFTA_TABLE_NAME == 1 && NFTA_CHAIN_TABLE == 1 && NFTA_RULE_TABLE == 1 && NFTA_SET_TABLE == 1 &&
	       NFTA_SET_ELEM_LIST_TABLE == 1, "read as one");

static void read_taken(const struct nlmsghdr *h, enum news_what what, uint16_t chain, struct news *n)
{
	struct reading r = { n, chain };

	n->what = what;
	mnl_attr_parse(h, sizeof(struct nfgenmsg), note, &r);
}

static int note_program(const struct nlattr *a, void *arg)
{
	struct news *n = arg;

	if (mnl_attr_get_type(a) != NFTA_GEN_PROC_NAME || mnl_attr_validate(a, MNL_TYPE_NUL_STRING) < 0)
		return MNL_CB_OK;
	strncpy(n->program, mnl_attr_get_str(a), sizeof(n->program) - 1);
	for (char *p = n->program; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return MNL_CB_OK;
}

struct news news_read(const struct nlmsghdr *h)
{
	struct news n = { .what = NEWS_OTHER, .who = h->nlmsg_pid, .table = "", .chain = "" };

	if (h->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES || mnl_nlmsg_get_payload_len(h) < sizeof(struct nfgenmsg))
		return n;
	/* libmnl takes attributes to end where the next message begins; the kernel's do. */
	if (h->nlmsg_len % MNL_ALIGNTO)
		return n;
	switch (h->nlmsg_type & 0xff) {
	case NFT_MSG_DELTABLE:
		read_taken(h, NEWS_TAKEN, 0, &n);
		break;
	case NFT_MSG_DELCHAIN:
		read_taken(h, NEWS_TAKEN, NFTA_CHAIN_NAME, &n);
		break;
	case NFT_MSG_DELRULE:
		read_taken(h, NEWS_TAKEN, NFTA_RULE_CHAIN, &n);
		break;
	case NFT_MSG_DELSET:
		read_taken(h, NEWS_TAKEN_SET, NFTA_SET_NAME, &n);
		break;
	case NFT_MSG_DELSETELEM:
		read_taken(h, NEWS_TAKEN_SET, NFTA_SET_ELEM_LIST_SET, &n);
		break;
	case NFT_MSG_NEWGEN:
		n.what = NEWS_PROGRAM;
		mnl_attr_parse(h, sizeof(struct nfgenmsg), note_program, &n);
		break;
	}
	return n;
}
