/* SPDX-License-Identifier: GPL-2.0-or-later */
/* publish - the grammar of one `publish` item; publish.h has the contract. */
#include "conf/publish.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>

#include "conf/ip.h"
#include "nat/tuple.h"

/* What is still to be read: [at, end). */
struct cursor {
	const char *at, *end;
};

static const char *const err_text[] = {
#define X(id, text) [PUBLISH_##id] = (text),
	PUBLISH_ERR_LIST(X)
#undef X
};
static_assert(sizeof(err_text) / sizeof(*err_text) == PUBLISH_ERRS, "one text per error");

static const struct {
	const char *name;
	uint8_t proto;
	enum publish_err err;
} protos[] = {
	{ "tcp",     IPPROTO_TCP,  PUBLISH_OK },
	{ "udp",     IPPROTO_UDP,  PUBLISH_OK },
	{ "icmp",    IPPROTO_ICMP, PUBLISH_OK },
	{ "icmp6",   0,            PUBLISH_ICMP6 },
	{ "icmpv6",  0,            PUBLISH_ICMP6 },
	{ "ping",    0,            PUBLISH_ICMP6 },
	{ "sctp",    NAT_PROTO_SCTP,    PUBLISH_OK },
	{ "dccp",    NAT_PROTO_DCCP,    PUBLISH_OK },
	{ "udplite", NAT_PROTO_UDPLITE, PUBLISH_OK },
	{ "gre",     NAT_PROTO_GRE,     PUBLISH_OK },
	{ "esp",     NAT_PROTO_ESP,     PUBLISH_OK },
	{ "ipip",    4,            PUBLISH_OK },
	{ "6in4",    41,           PUBLISH_OK },
	{ "l2tp",    115,          PUBLISH_OK },
	{ "ah",      0,            PUBLISH_AH },
	{ "all",     0,            PUBLISH_OK },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-';
}

static bool is_in(char c, const char *set)
{
	return c && strchr(set, c);
}

static bool is_next(const struct cursor *c, char want)
{
	return c->at < c->end && *c->at == want;
}

/* The part before the first character of @stop. */
static size_t part_len(const struct cursor *c, const char *stop)
{
	size_t n = 0;

	while (c->at + n < c->end && !is_in(c->at[n], stop))
		n++;
	return n;
}

static enum publish_err read_port(struct cursor *c, uint16_t *port)
{
	const char *start = c->at, *p = c->at;
	uint32_t n = 0;

	for (; p < c->end && is_digit(*p) && n <= UINT16_MAX; p++)
		n = n * 10 + (uint32_t)(*p - '0');
	if (p == start)
		return PUBLISH_PORT;
	if (n > UINT16_MAX)
		return PUBLISH_PORT_BIG;
	if (!n)
		return PUBLISH_PORT_ZERO;
	if (*start == '0' || (p < c->end && !is_in(*p, ":-+")))
		return PUBLISH_PORT;
	c->at = p;
	*port = (uint16_t)n;
	return PUBLISH_OK;
}

/* host[-end] */
static enum publish_err read_range(struct cursor *c, uint16_t *lo, uint16_t *hi)
{
	enum publish_err err = read_port(c, lo);

	*hi = *lo;
	if (err || !is_next(c, '-'))
		return err;
	c->at++;
	err = read_port(c, hi);
	if (!err && *hi < *lo)
		return PUBLISH_ORDER;
	return err;
}

/* +width[:guest], at the + */
static enum publish_err read_block(struct cursor *c, struct publish *p)
{
	const char *width = ++c->at;
	enum publish_err err = read_port(c, &p->block);

	if (err || p->lo + p->block - 1 > UINT16_MAX) {
		c->at = width;
		return PUBLISH_BLOCK;
	}
	p->hi = (uint16_t)(p->lo + p->block - 1);
	if (c->at == c->end)
		return PUBLISH_OK;
	if (!is_next(c, ':'))
		return PUBLISH_BLOCK;
	c->at++;
	width = c->at;
	err = read_port(c, &p->to_lo);
	if (err)
		return err;
	if (c->at != c->end)
		return PUBLISH_BLOCK;
	if (p->to_lo + p->block - 1 > UINT16_MAX) {
		c->at = width;
		return PUBLISH_BLOCK;
	}
	return PUBLISH_OK;
}

/* proto-N; 0: it is not one */
static enum publish_err read_number_proto(const struct cursor *word, uint8_t *proto)
{
	static const char prefix[] = "proto-";
	const size_t len = sizeof(prefix) - 1;
	uint32_t n = 0;

	*proto = 0;
	if ((size_t)(word->end - word->at) < len || memcmp(word->at, prefix, len) != 0)
		return PUBLISH_OK;
	for (const char *p = word->at + len; p < word->end; p++) {
		if (!is_digit(*p) || n > 255 || (p > word->at + len && !n))
			return PUBLISH_NUMBER;
		n = n * 10 + (uint32_t)(*p - '0');
	}
	if (n > UINT8_MAX || !nat_proto_is_whole((uint8_t)n))
		return PUBLISH_NUMBER;
	*proto = (uint8_t)n;
	return PUBLISH_OK;
}

/* The protocol's word: sets p->proto and p->rest. PUBLISH_PROTO: it is no such word. */
static enum publish_err read_word(const struct cursor *word, struct publish *p)
{
	enum publish_err err = read_number_proto(word, &p->proto);

	if (err || p->proto)
		return err;
	for (size_t i = 0; i < sizeof(protos) / sizeof(*protos); i++) {
		size_t len = strlen(protos[i].name);

		if ((size_t)(word->end - word->at) != len || memcmp(word->at, protos[i].name, len) != 0)
			continue;
		p->proto = protos[i].proto;
		p->rest = !protos[i].proto && !protos[i].err;
		return protos[i].err;
	}
	return PUBLISH_PROTO;
}

/* Cut the protocol off the end: all after the last '/', or the word of one without ports alone. */
static enum publish_err read_proto(struct cursor *c, struct publish *p)
{
	struct cursor word = *c;
	const char *slash = memrchr(c->at, '/', (size_t)(c->end - c->at));
	enum publish_err err;

	if (slash)
		word.at = slash + 1;
	err = read_word(&word, p);
	if (err == PUBLISH_PROTO && !slash)
		return PUBLISH_OK;
	if (!err && !slash && nat_proto_has_ports(p->proto))
		return PUBLISH_NO_PORT;
	if (err) {
		c->at = word.at;
		return err;
	}
	c->end = slash ? slash : c->at;
	return slash == c->at ? PUBLISH_EMPTY : PUBLISH_OK;
}

static enum publish_err read_address(struct cursor *c, size_t len, struct publish *p)
{
	enum nat_family family;

	if (!conf_ip_parse(c->at, len, &p->listen, &family))
		return PUBLISH_ADDRESS;
	switch (conf_ip_kind(&p->listen, family)) {
	case CONF_IP_UNICAST:
	case CONF_IP_LOOPBACK:
		break;
	case CONF_IP_ANY:
		if (family == NAT_IPV4 && memcmp(p->listen.octet + 12, (uint8_t[4]){ 0 }, 4) != 0)
			return PUBLISH_ADDRESS;
		memset(&p->listen, 0, sizeof(p->listen));
		break;
	case CONF_IP_MAPPED:
		return PUBLISH_MAPPED;
	case CONF_IP_LINKLOCAL:
		return PUBLISH_LINKLOCAL;
	case CONF_IP_MULTICAST:
		return PUBLISH_MULTICAST;
	}
	p->family = (uint8_t)family;
	c->at += len;
	return PUBLISH_OK;
}

static enum publish_err read_dev(struct cursor *c, struct publish *p)
{
	size_t len;

	c->at++;
	len = part_len(c, ":");
	if (!len || len >= sizeof(p->dev))
		return PUBLISH_DEV;
	for (size_t i = 0; i < len; i++)
		if (!is_name(c->at[i]))
			return PUBLISH_DEV;
	/* no device can have these names, they would be folders in sysfs */
	if (c->at[0] == '.' && (len == 1 || (len == 2 && c->at[1] == '.')))
		return PUBLISH_DEV;
	memcpy(p->dev, c->at, len);
	c->at += len;
	return PUBLISH_OK;
}

/* Somebody wrote 2001:db8::1:2222:22: colons that cannot all part ports. */
static bool is_bare_ipv6(const struct cursor *c)
{
	unsigned colons = 0;
	bool twice = false;

	for (const char *p = c->at; p < c->end; p++) {
		if (is_in(*p, "[.%"))
			return false;
		colons += *p == ':';
		twice |= *p == ':' && p + 1 < c->end && p[1] == ':';
	}
	return colons > 2 || twice;
}

/* [address][%dev], and the colon after it unless nothing follows */
static enum publish_err read_listen(struct cursor *c, struct publish *p)
{
	const char *start = c->at;
	enum publish_err err;
	size_t len;

	if (is_bare_ipv6(c))
		return PUBLISH_BRACKETS;
	len = part_len(c, ":%");
	if (is_next(c, '[')) {
		c->at++;
		len = part_len(c, "]");
		if (memchr(c->at, '.', len) && !memchr(c->at, ':', len))
			return PUBLISH_ADDRESS;
		err = read_address(c, len, p);
		if (err)
			return err;
		if (!is_next(c, ']'))
			return PUBLISH_BRACKETS;
		c->at++;
	} else if (memchr(c->at, '.', len)) {
		err = read_address(c, len, p);
		if (err)
			return err;
	}
	if (is_next(c, '%')) {
		err = read_dev(c, p);
		if (err)
			return err;
	}
	if (c->at == start || c->at == c->end)
		return PUBLISH_OK;
	if (!is_next(c, ':'))
		return PUBLISH_ADDRESS;
	c->at++;
	return PUBLISH_OK;
}

/* host[-end][:guest[-end]] up to the end */
static enum publish_err read_ports(struct cursor *c, struct publish *p)
{
	const char *guest;
	enum publish_err err;
	uint16_t to_hi;

	if (c->at == c->end || is_next(c, ':'))
		return PUBLISH_NO_PORT;
	err = read_range(c, &p->lo, &p->hi);
	if (err)
		return err;
	if (is_next(c, '+'))
		return p->exclude || p->lo != p->hi ? PUBLISH_BLOCK : read_block(c, p);
	p->to_lo = p->lo;
	if (c->at == c->end)
		return PUBLISH_OK;
	if (p->exclude)
		return PUBLISH_EXCLUDE;
	if (!is_next(c, ':'))
		return PUBLISH_PORT;
	guest = ++c->at;
	err = read_range(c, &p->to_lo, &to_hi);
	if (err)
		return err;
	if (c->at != c->end)
		return is_next(c, ':') ? PUBLISH_PARTS : PUBLISH_PORT;
	if (to_hi - p->to_lo != p->hi - p->lo) {
		c->at = guest;
		return PUBLISH_WIDTH;
	}
	return PUBLISH_OK;
}

static enum publish_err read_exclusion(struct cursor *c, struct publish *p)
{
	enum publish_err err;

	if (p->rest || (p->proto && !nat_proto_has_ports(p->proto)) || c->at == c->end)
		return PUBLISH_EXCLUDE;
	for (const char *s = c->at; s < c->end; s++)
		if (!is_digit(*s) && *s != '-') {
			c->at = s;
			return PUBLISH_EXCLUDE;
		}
	err = read_ports(c, p);
	p->to_lo = 0;
	return err;
}

static enum publish_err read_item(struct cursor *c, struct publish *p)
{
	enum publish_err err;

	if (c->at == c->end)
		return PUBLISH_EMPTY;
	for (const char *s = c->at; s < c->end; s++)
		if (!is_name(*s) && !is_in(*s, ":[]%/~+")) {
			c->at = s;
			return PUBLISH_CHAR;
		}
	if (is_next(c, '~')) {
		p->exclude = true;
		c->at++;
	}
	err = read_proto(c, p);
	if (err)
		return err;
	if (p->exclude)
		return read_exclusion(c, p);
	if (!p->proto && !p->rest)
		p->proto = IPPROTO_TCP;
	err = read_listen(c, p);
	if (err)
		return err;
	if (p->rest) {
		p->lo = p->to_lo = 1;
		p->hi = 65535;
	}
	if (p->rest || !nat_proto_has_ports(p->proto))
		return c->at == c->end ? PUBLISH_OK : PUBLISH_ICMP_PORT;
	return read_ports(c, p);
}

enum publish_err publish_parse(const char *text, size_t len, struct publish *p, size_t *at)
{
	struct cursor c = { text, text + len };
	struct publish new = { 0 };
	enum publish_err err = read_item(&c, &new);

	if (err)
		*at = (size_t)(c.at - text);
	else
		*p = new;
	return err;
}

const char *publish_err_text(enum publish_err err)
{
	assert(err < PUBLISH_ERRS);
	return err_text[err];
}

const char *publish_proto_name(uint8_t proto)
{
	static char number[16];

	for (size_t i = 0; i < sizeof(protos) / sizeof(*protos); i++)
		if (protos[i].proto && protos[i].proto == proto)
			return protos[i].name;
	if (!proto)
		return "";
	snprintf(number, sizeof(number), "proto-%u", proto);
	return number;
}

static const char *print_range(char buf[16], unsigned lo, unsigned width)
{
	snprintf(buf, 16, width ? "%u-%u" : "%u", lo, lo + width);
	return buf;
}

const char *publish_print(char buf[PUBLISH_TEXT], const struct publish *p)
{
	unsigned width = (unsigned)(p->hi - p->lo);
	char ip[CONF_IP_TEXT] = "", host[16], guest[16];
	const char *sign = *p->dev ? "%" : "";
	bool any = !p->family && !*p->dev;

	print_range(host, p->lo, width);
	print_range(guest, p->to_lo, width);
	if (p->block) {
		snprintf(host, sizeof(host), "%u+%u", p->lo, p->block);
		print_range(guest, p->to_lo, 0);
	}
	if (p->family)
		conf_ip_print(ip, &p->listen, (enum nat_family)p->family, true);

	if (p->exclude)
		snprintf(buf, PUBLISH_TEXT, "~%s%s%s", host, p->proto ? "/" : "", publish_proto_name(p->proto));
	else if (p->rest || !nat_proto_has_ports(p->proto))
		snprintf(buf, PUBLISH_TEXT, "%s%s%s%s%s", ip, sign, p->dev, any ? "" : "/",
			 p->rest ? "all" : publish_proto_name(p->proto));
	else if (p->block && !p->to_lo)
		snprintf(buf, PUBLISH_TEXT, "%s%s%s%s%s/%s", ip, sign, p->dev, any ? "" : ":", host,
			 publish_proto_name(p->proto));
	else
		snprintf(buf, PUBLISH_TEXT, "%s%s%s%s%s:%s/%s", ip, sign, p->dev, any ? "" : ":", host, guest,
			 publish_proto_name(p->proto));
	return buf;
}
