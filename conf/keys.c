/* SPDX-License-Identifier: GPL-2.0-or-later */
/* keys - the settings: one row per key; keys.h has the contract. */
#include "conf/keys.h"

#include <arpa/inet.h>
#include <assert.h>
#include <inttypes.h>

#include "conf/libvirt.h"
#include "conf/schema.h"

#define SOURCE_PORTS_MIN 64	/* fewer could not serve even one busy hairpin */

static const char too_short[] = "is too short";	/* the one fault that may have an RFC behind it */

/* What a text means, before it is stored: ports use both, texts themselves, all others lo. */
struct value {
	uint32_t lo, hi;
	const char *text;
};

static const char *const steering_words[] = {
	[CONF_STEER_AUTO] = "auto",
	[CONF_STEER_NFT] = "nft",
	[CONF_STEER_IPTABLES] = "iptables",
	[CONF_STEER_IPTABLES_NFT] = "iptables-nft",
	[CONF_STEER_IPTABLES_LEGACY] = "iptables-legacy",
	NULL,
};
static_assert(sizeof(enum conf_steering) == sizeof(uint32_t), "stored as one");
static_assert(offsetof(struct conf, source_hi) == offsetof(struct conf, source_lo) + 2, "stored as a pair");
static_assert(offsetof(struct conf, libvirt.metadata_hi) == offsetof(struct conf, libvirt.metadata_lo) + 2, "so are these");

static const char *const headers_words[] = { "off", "auto", NULL };
static const char *const firewall_words[] = { "pass", "respect", NULL };
static const char *const switch_words[] = { "off", "on", NULL };
static const char *const fail_words[] = { "closed", "open", NULL };
static const char *const bool_words[] = { "false", "true", NULL };

const struct conf_key conf_keys[] = {
#define X(id, text, kind, member, least, most, otherwise, list)                                     \
	{ .name = (text), .type = (kind), .field = offsetof(struct conf, member),                   \
	  .raw = offsetof(struct conf_raw, id), .min = (least), .max = (most), .def = (otherwise),  \
	  .words = (list), .why = "" },
	CONF_SETTING_LIST(X)
#undef X
#define X(id, text, least, most, otherwise, rfc)                                                    \
	{ .section = "timeouts", .name = (text), .type = CONF_SPAN,                                 \
	  .field = offsetof(struct conf, timeouts.id), .raw = offsetof(struct conf_raw, timeouts.id), \
	  .min = (least), .max = (most), .def = (otherwise), .why = (rfc) },
	CONF_TIMEOUT_LIST(X)
#undef X
#define X(id, text, kind, member, least, most, otherwise, list)                                     \
	{ .section = "limits", .name = (text), .type = (kind), .field = offsetof(struct conf, member), \
	  .raw = offsetof(struct conf_raw, limits.id), .min = (least), .max = (most), .def = (otherwise),  \
	  .words = (list), .why = "" },
	CONF_LIMIT_LIST(X)
#undef X
#define X(id, text, kind, member, least, most, otherwise, list)                                     \
	{ .section = "control", .name = (text), .type = (kind), .field = offsetof(struct conf, member), \
	  .raw = offsetof(struct conf_raw, control.id), .min = (least), .max = (most), .def = (otherwise),  \
	  .words = (list), .why = "" },
	CONF_CONTROL_LIST(X)
#undef X
#define X(id, text, kind, member, least, most, otherwise, list)                                     \
	{ .section = "metrics", .name = (text), .type = (kind), .field = offsetof(struct conf, member), \
	  .raw = offsetof(struct conf_raw, metrics.id), .min = (least), .max = (most), .def = (otherwise),  \
	  .words = (list), .why = "" },
	CONF_METRICS_LIST(X)
#undef X
#define X(id, text, kind, member, least, most, otherwise, list)                                     \
	{ .section = "libvirt", .name = (text), .type = (kind),                                     \
	  .field = offsetof(struct conf, libvirt.member), .raw = offsetof(struct conf_raw, libvirt.id), \
	  .min = (least), .max = (most), .def = (otherwise), .words = (list), .why = "" },
	CONF_LIBVIRT_LIST(X)
#undef X
};
const unsigned conf_keys_n = sizeof(conf_keys) / sizeof(*conf_keys);

/* Leading digits of *@text; above every limit it stops growing. False: no digit, or a zero in front. */
static bool read_number(const char **text, uint32_t *n)
{
	const char *start = *text, *p = start;
	uint64_t sum = 0;

	for (; *p >= '0' && *p <= '9'; p++)
		if (sum <= UINT32_MAX)
			sum = sum * 10 + (uint64_t)(*p - '0');
	if (p == start || (*start == '0' && p > start + 1))
		return false;
	*text = p;
	*n = sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
	return true;
}

static const char *read_u32(const struct conf_key *k, const char *text, struct value *v)
{
	if (!read_number(&text, &v->lo) || *text)
		return "is not a plain number";
	if (v->lo < k->min || v->lo > k->max)
		return "is out of range";
	return NULL;
}

static const char *read_span(const struct conf_key *k, const char *text, struct value *v)
{
	static const struct { char unit; uint32_t seconds; } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 } };
	uint32_t n;

	if (!read_number(&text, &n))
		return "is not a span of time";
	if (!*text)
		return "has no unit";
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (text[0] == units[i].unit && !text[1]) {
			v->lo = n > k->max ? k->max + 1 : n * units[i].seconds;
			return v->lo < k->min ? too_short : v->lo > k->max ? "is too long" : NULL;
		}
	return "is not a span of time";
}

/* How few may there be? Of ports that this host shall use as its own, SOURCE_PORTS_MIN. */
static uint32_t ports_min(const struct conf_key *k)
{
	return k->field == offsetof(struct conf, source_lo) ? SOURCE_PORTS_MIN : 1;
}

static const char *read_ports(const struct conf_key *k, const char *text, struct value *v)
{
	if (!read_number(&text, &v->lo) || *text++ != '-' || !read_number(&text, &v->hi) || *text)
		return "is not a range of ports";
	if (v->lo < k->min || v->hi > k->max)
		return "is out of range";
	if (v->hi < v->lo)
		return "ends before it starts";
	if (v->hi - v->lo + 1 < ports_min(k))
		return "has too few ports";
	return NULL;
}

static const char *read_word(const struct conf_key *k, const char *text, struct value *v)
{
	for (v->lo = 0; k->words[v->lo]; v->lo++)
		if (!strcmp(k->words[v->lo], text))
			return NULL;
	return "is not known";
}

/* "127.0.0.1:9477", "[::1]:9477": numbers, for names would be looked up when nobody can answer yet */
static bool is_listen(const char *text)
{
	char addr[INET6_ADDRSTRLEN];
	bool v6 = *text == '[';
	const char *start = text + v6, *end = strrchr(text, ':'), *port = end ? end + 1 : "";
	size_t len = end ? (size_t)(end - start) - v6 : 0;
	uint8_t octets[16];
	uint32_t n;

	if (!strcmp(text, "off"))
		return true;
	if (!end || end <= start + v6 || len >= sizeof(addr) || (v6 && end[-1] != ']'))
		return false;
	memcpy(addr, start, len);
	addr[len] = '\0';
	return inet_pton(v6 ? AF_INET6 : AF_INET, addr, octets) == 1 && read_number(&port, &n) && !*port && n >= 1 && n <= 65535;
}

static const char *read_text(const struct conf_key *k, const char *text, struct value *v)
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-:[]@+,=";

	v->text = text;
	if (strspn(text, set) != strlen(text))
		return "has a character that has no place here";
	if (strlen(text) >= k->min)
		return "is too long";
	switch ((enum conf_text)k->max) {
	case CONF_TEXT_PATH:
		return *text == '/' ? NULL : "is not a full path";
	case CONF_TEXT_NAME:
		return NULL;
	case CONF_TEXT_LISTEN:
		return is_listen(text) ? NULL : "is not an address with a port";
	}
	return NULL;
}

/* What is wrong with @text, or NULL and the value in @v. */
static const char *read_value(const struct conf_key *k, const char *text, struct value *v)
{
	switch (k->type) {
	case CONF_WORKERS:
		v->lo = 0;
		return strcmp(text, "auto") ? read_u32(k, text, v) : NULL;
	case CONF_LIMIT:
		v->lo = 0;
		return strcmp(text, "off") ? read_u32(k, text, v) : NULL;
	case CONF_MSS:
		v->lo = !strcmp(text, "off") ? CONF_MSS_OFF : CONF_MSS_CLAMP;
		return v->lo == CONF_MSS_OFF || !strcmp(text, "clamp") ? NULL : read_u32(k, text, v);
	case CONF_U16:
	case CONF_U32:
		return read_u32(k, text, v);
	case CONF_SPAN:
		return read_span(k, text, v);
	case CONF_PORTS:
		return read_ports(k, text, v);
	case CONF_STEERING:
	case CONF_FLAG:
		return read_word(k, text, v);
	case CONF_TEXT:
		return read_text(k, text, v);
	}
	return "has no reader";
}

/* "write ..." for key @k when @text did not do */
static void advise(const struct conf_key *k, const char *text, char *buf, size_t size)
{
	size_t n = 0;
	uint32_t span;

	switch (k->type) {
	case CONF_MSS:
		snprintf(buf, size, "write off, clamp or a number from %" PRIu32 " to %" PRIu32, k->min, k->max);
		return;
	case CONF_LIMIT:
		snprintf(buf, size, "write off or a number from %" PRIu32 " to %" PRIu32, k->min, k->max);
		return;
	case CONF_U16:
	case CONF_U32:
	case CONF_WORKERS:
		snprintf(buf, size, "write %sa number from %" PRIu32 " to %" PRIu32,
			 k->type == CONF_WORKERS ? "auto or " : "", k->min, k->max);
		return;
	case CONF_SPAN:
		if (read_number(&text, &span) && !*text && span >= k->min && span <= k->max)
			snprintf(buf, size, "write %" PRIu32 "s", span);
		else
			snprintf(buf, size, "write %" PRIu32 "s to %" PRIu32 "s, or the like in m or h", k->min, k->max);
		return;
	case CONF_PORTS:
		n += (size_t)snprintf(buf, size, "write ");
		if (ports_min(k) > 1)
			n += (size_t)snprintf(buf + n, size - n, "at least %" PRIu32 " ", ports_min(k));
		snprintf(buf + n, size - n, "ports between %" PRIu32 " and %" PRIu32 ", for example %s", k->min, k->max,
			 k->def);
		return;
	case CONF_TEXT:
		snprintf(buf, size, "write for example %s, at most %" PRIu32 " characters",
			 k->max == CONF_TEXT_LISTEN ? "127.0.0.1:9477, [::1]:9477 or off" : k->def, k->min - 1);
		return;
	case CONF_STEERING:
	case CONF_FLAG:
		for (unsigned i = 0; k->words[i] && n < size; i++)
			n += (size_t)snprintf(buf + n, size - n, "%s%s", !i ? "write " : k->words[i + 1] ? ", " : " or ",
					      k->words[i]);
		return;
	}
}

static void store(const struct conf_key *k, void *c, struct value v)
{
	char *field = (char *)c + k->field;
	uint16_t u16 = (uint16_t)v.lo, ports[2] = { u16, (uint16_t)v.hi };
	bool flag = v.lo;

	switch (k->type) {
	case CONF_U16:
		memcpy(field, &u16, sizeof(u16));
		return;
	case CONF_U32:
	case CONF_WORKERS:
	case CONF_LIMIT:
	case CONF_MSS:
	case CONF_SPAN:
	case CONF_STEERING:
		memcpy(field, &v.lo, sizeof(v.lo));
		return;
	case CONF_FLAG:
		memcpy(field, &flag, sizeof(flag));
		return;
	case CONF_PORTS:
		memcpy(field, ports, sizeof(ports));
		return;
	case CONF_TEXT:
		if (v.text)		/* as it is, for every text that was read */
			memcpy(field, v.text, strlen(v.text) + 1);
		return;
	}
}

void conf_key_print_value(const struct conf_key *k, const void *c, FILE *out)
{
	const char *field = (const char *)c + k->field;
	uint16_t u16, ports[2];
	uint32_t u32;
	bool flag;

	memcpy(ports, field, sizeof(ports));
	memcpy(&u16, field, sizeof(u16));
	memcpy(&flag, field, sizeof(flag));
	if (k->type == CONF_U16 || k->type == CONF_PORTS || k->type == CONF_FLAG)
		u32 = k->type == CONF_FLAG ? flag : u16;
	else
		memcpy(&u32, field, sizeof(u32));

	switch (k->type) {
	case CONF_U16:
	case CONF_U32:
		fprintf(out, "%" PRIu32, u32);
		return;
	case CONF_WORKERS:
		fprintf(out, u32 ? "%" PRIu32 : "auto", u32);
		return;
	case CONF_LIMIT:
		fprintf(out, u32 ? "%" PRIu32 : "off", u32);
		return;
	case CONF_MSS:
		if (u32 > CONF_MSS_CLAMP)
			fprintf(out, "%" PRIu32, u32);
		else
			fputs(u32 == CONF_MSS_CLAMP ? "clamp" : "off", out);
		return;
	case CONF_SPAN:
		fprintf(out, "%" PRIu32 "s", u32);
		return;
	case CONF_STEERING:
	case CONF_FLAG:
		fputs(k->words[u32], out);
		return;
	case CONF_PORTS:
		fprintf(out, "%u-%u", ports[0], ports[1]);
		return;
	case CONF_TEXT:
		fprintf(out, "\"%s\"", field);
		return;
	}
}

void conf_key_read(const struct conf_key *k, const char *text, void *c, struct conf_errors *errs, struct conf_at at)
{
	char quote[CONF_QUOTE_MAX], advice[120];
	struct value v = { 0 };
	const char *wrong = read_value(k, text, &v);
	bool is_rfc = wrong == too_short && *k->why;

	if (!wrong) {
		store(k, c, v);
		return;
	}
	advise(k, text, advice, sizeof(advice));
	conf_error_add(errs, at, "%s%s%s %s %s%s%s; %s", k->section ? k->section : "", k->section ? "." : "", k->name,
		       conf_quote(quote, text, strlen(text)), wrong, is_rfc ? " for " : "", is_rfc ? k->why : "", advice);
}

void conf_keys_default(struct conf *c)
{
	for (unsigned i = 0; i < conf_keys_n; i++) {
		struct value v = { 0 };
		const char *wrong = read_value(&conf_keys[i], conf_keys[i].def, &v);

		assert(!wrong);
		(void)wrong;
		store(&conf_keys[i], c, v);
	}
}

void conf_keys_print(const struct conf *c, FILE *out)
{
	const char *section = NULL;

	for (unsigned i = 0; i < conf_keys_n; i++) {
		const struct conf_key *k = &conf_keys[i];
		bool libvirt = k->section && !strcmp(k->section, "libvirt");

		if (libvirt && !c->libvirt.on)
			continue;
		if (k->section && (!section || strcmp(section, k->section) != 0)) {
			fprintf(out, "%s:\n", k->section);
			if (libvirt)
				conf_uris_print(c, out);
		}
		section = k->section;
		fprintf(out, "%s%s: ", section ? "  " : "", k->name);
		conf_key_print_value(k, c, out);
		fputc('\n', out);
	}
}
