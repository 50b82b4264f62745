/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl_request - see ctl_request.h */
#include "nfq/ctl/request.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "nat/tcp.h"

enum { TEXT_MAX = 255 };

json_t *ctl_request_parse(const char *line, size_t len, const char **cmd, char *why, size_t why_octets)
{
	json_error_t err;
	json_t *req = json_loadb(line, len, JSON_REJECT_DUPLICATES, &err);

	if (!req) {
		snprintf(why, why_octets, "the request is not JSON: %s at octet %d", err.text, err.position);
		return NULL;
	}
	*cmd = json_string_value(json_object_get(req, "cmd"));
	if (!*cmd) {
		snprintf(why, why_octets, "the request has no \"cmd\"; write for example {\"cmd\":\"status\"}");
		json_decref(req);
		return NULL;
	}
	return req;
}

bool ctl_request_known(json_t *req, const char *const *known, char *why, size_t why_octets)
{
	void *it = json_object_iter(req);

	for (; it; it = json_object_iter_next(req, it)) {
		const char *key = json_object_iter_key(it);
		unsigned i;

		for (i = 0; known[i] && strcmp(known[i], key) != 0; i++)
			;
		if (known[i] || !strcmp(key, "cmd"))
			continue;
		snprintf(why, why_octets, "'%.64s' means nothing here", key);
		return false;
	}
	return true;
}

bool ctl_request_text(json_t *req, const char *key, const char **text, char *why, size_t why_octets)
{
	const json_t *v = json_object_get(req, key);
	size_t len = v ? json_string_length(v) : 0;

	*text = json_string_value(v);
	if (!v || (*text && len && len <= TEXT_MAX && strlen(*text) == len))
		return true;
	snprintf(why, why_octets, "'%s' must be a text of 1 to %d octets", key, TEXT_MAX);
	return false;
}

bool ctl_request_number(json_t *req, const char *key, uint32_t min, uint32_t max, uint32_t *n, bool *is_set,
			char *why, size_t why_octets)
{
	const json_t *v = json_object_get(req, key);
	json_int_t i = json_integer_value(v);

	*is_set = v;
	if (!v)
		return true;
	if (json_is_integer(v) && i >= min && i <= max) {
		*n = (uint32_t)i;
		return true;
	}
	snprintf(why, why_octets, "'%s' must be a number from %u to %u", key, min, max);
	return false;
}

uint8_t ctl_proto_of(const char *word)
{
	static const struct { const char *name; uint8_t proto; } protos[] = {
		{ "tcp", NAT_PROTO_TCP }, { "udp", NAT_PROTO_UDP }, { "icmp", NAT_PROTO_ICMP }, { "icmp6", NAT_PROTO_ICMPV6 },
		{ "icmpv6", NAT_PROTO_ICMPV6 }, { "sctp", 132 },
	};
	char *end;
	long n;

	for (size_t i = 0; i < sizeof(protos) / sizeof(*protos); i++)
		if (!strcasecmp(protos[i].name, word))
			return protos[i].proto;
	n = strtol(word, &end, 10);
	return *end || n < 1 || n > 255 ? 0 : (uint8_t)n;
}

bool ctl_addr_of(const char *text, struct nat_addr *a, uint8_t *family)
{
	uint8_t octets[16];

	if (inet_pton(AF_INET, text, octets) == 1) {
		*a = nat_addr_v4(octets);
		*family = NAT_IPV4;
		return true;
	}
	if (inet_pton(AF_INET6, text, octets) == 1) {
		*a = nat_addr_v6(octets);
		*family = NAT_IPV6;
		return true;
	}
	return false;
}

/* "192.0.2.0/24", "2001:db8::1" */
static bool prefix_of(const char *text, struct nat_prefix *p)
{
	char addr[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	long bits, most;
	char *end;

	if (len >= sizeof(addr))
		return false;
	memcpy(addr, text, len);
	addr[len] = '\0';
	if (!ctl_addr_of(addr, &p->addr, &p->family))
		return false;
	most = p->family == NAT_IPV4 ? 32 : 128;
	bits = slash ? strtol(slash + 1, &end, 10) : most;
	if (slash && (*end || end == slash + 1 || bits < 0 || bits > most))
		return false;
	p->bits = (uint8_t)bits;
	return true;
}

static bool state_of(const char *text, struct ctl_filter *f)
{
	f->unanswered = !strcasecmp(text, "unanswered");
	f->answered = !strcasecmp(text, "answered");
	for (f->tcp = TCP_NONE + 1; f->tcp < TCP_STATES; f->tcp++)
		if (!strcasecmp(tcp_state_name(f->tcp), text))
			return true;
	return f->unanswered || f->answered;
}

/* The four parts of "ends". */
static bool ends_parse(json_t *req, struct ctl_filter *f, char *why, size_t why_octets)
{
	const char *src, *dst;
	uint32_t sport = 0, dport = 0;
	bool has_sport, has_dport;
	uint8_t family;

	if (!ctl_request_text(req, "src", &src, why, why_octets) || !ctl_request_text(req, "dst", &dst, why, why_octets) ||
	    !ctl_request_number(req, "sport", 0, 65535, &sport, &has_sport, why, why_octets) ||
	    !ctl_request_number(req, "dport", 0, 65535, &dport, &has_dport, why, why_octets))
		return false;
	if (!src && !dst && !has_sport && !has_dport)
		return true;
	if (!src || !dst || !has_sport || !has_dport) {
		snprintf(why, why_octets, "a tuple has all of src, sport, dst and dport");
		return false;
	}
	if (!ctl_addr_of(src, &f->ends.src, &family) || (f->family && f->family != family) ||
	    !ctl_addr_of(dst, &f->ends.dst, &f->family) || family != f->family) {
		snprintf(why, why_octets, "src and dst must be IP addresses of one family, and of 'family' if that is given");
		return false;
	}
	f->ends.sport = htons((uint16_t)sport);
	f->ends.dport = htons((uint16_t)dport);
	f->has_ends = true;
	return true;
}

bool ctl_filter_parse(json_t *req, struct ctl_filter *f, char *why, size_t why_octets)
{
	const char *address, *proto, *state;
	uint32_t port = 0, family = 0;
	bool is_set;

	*f = (struct ctl_filter){ .tcp = TCP_STATES };
	if (!ctl_request_text(req, "guest", &f->guest, why, why_octets) ||
	    !ctl_request_text(req, "forward", &f->forward, why, why_octets) ||
	    !ctl_request_text(req, "address", &address, why, why_octets) ||
	    !ctl_request_text(req, "proto", &proto, why, why_octets) ||
	    !ctl_request_text(req, "state", &state, why, why_octets) ||
	    !ctl_request_number(req, "port", 1, 65535, &port, &is_set, why, why_octets) ||
	    !ctl_request_number(req, "family", 4, 6, &family, &is_set, why, why_octets))
		return false;
	if (is_set && family == 5) {
		snprintf(why, why_octets, "'family' must be 4 or 6");
		return false;
	}
	f->port = htons((uint16_t)port);
	f->family = (uint8_t)family;
	if (f->guest)
		f->has_guest_addr = ctl_addr_of(f->guest, &f->guest_addr, &(uint8_t){ 0 });
	f->has_address = address;
	if (address && !prefix_of(address, &f->address)) {
		snprintf(why, why_octets, "'%.64s' is not an address; write 198.51.100.2, 198.51.100.0/24 or 2001:db8::/64", address);
		return false;
	}
	if (proto && !(f->proto = ctl_proto_of(proto))) {
		snprintf(why, why_octets, "protocol '%.64s' is not known; write tcp, udp, icmp or icmp6", proto);
		return false;
	}
	if (state && !state_of(state, f)) {
		snprintf(why, why_octets, "state '%.64s' is not known; write answered, unanswered or a TCP state as ESTABLISHED",
			 state);
		return false;
	}
	return ends_parse(req, f, why, why_octets);
}

static bool has_port(const struct nat_flow *f, uint16_t port)
{
	return f->orig.sport == port || f->orig.dport == port || f->reply.sport == port || f->reply.dport == port;
}

static bool has_address(const struct nat_flow *f, const struct nat_prefix *p)
{
	return nat_prefix_has(p, &f->orig.src, f->family) || nat_prefix_has(p, &f->orig.dst, f->family) ||
	       nat_prefix_has(p, &f->reply.src, f->family) || nat_prefix_has(p, &f->reply.dst, f->family);
}

bool ctl_filter_has(const struct ctl_filter *f, const struct nat_flow *flow, const char *forward, const char *guest)
{
	if ((f->proto && f->proto != flow->proto) || (f->family && f->family != flow->family))
		return false;
	if (f->tcp != TCP_STATES && f->tcp != flow->tcp)
		return false;
	if ((f->unanswered && (flow->flags & FLOW_ANSWERED)) || (f->answered && !(flow->flags & FLOW_ANSWERED)))
		return false;
	if (f->port && !has_port(flow, f->port))
		return false;
	if (f->has_address && !has_address(flow, &f->address))
		return false;
	if (f->has_ends && !nat_ends_eq(&f->ends, &flow->orig) && !nat_ends_eq(&f->ends, &flow->reply))
		return false;
	if (f->forward && strcmp(f->forward, forward) != 0)
		return false;
	if (f->has_guest_addr)
		return nat_addr_eq(&f->guest_addr, &flow->reply.src);
	return !f->guest || !strcmp(f->guest, guest);
}
