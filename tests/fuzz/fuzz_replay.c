/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_replay - any octets as a capture, with one configuration.
 *
 * A refusal must say something; whatever is accepted gives the same lines
 * and the same packets a second time. The engine asserts for itself.
 */
#include <assert.h>
#include <stdlib.h>

#include "replay/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char config[] =
	"max-flows: 1024\n"
	"forwards:\n"
	"- { name: web, to: [192.168.122.50, 'fd00:122::50'], publish: ['8080:80', '5353:53/udp', icmp] }\n"
	"- { to: 192.168.122.50, publish: '198.51.100.1%up0:2222:22', allow: 198.51.100.0/24 }\n"
	"masquerade: [{ from: 'fd00:122::/64', out: eth0 }, { from: 192.168.122.0/24, out: eth1, to: 203.0.113.5 }]\n";

struct text {
	char *octets;
	size_t len;
};

struct result {
	struct text out, err, packets;
	int status;
};

static struct result run(const uint8_t *data, size_t size, const struct conf *c)
{
	struct replay r = { .name = "fuzz", .verbose = 1 };
	struct result res = { 0 };

	r.in = fmemopen((void *)(uintptr_t)data, size, "rb");
	r.out = open_memstream(&res.out.octets, &res.out.len);
	r.err = open_memstream(&res.err.octets, &res.err.len);
	r.write = open_memstream(&res.packets.octets, &res.packets.len);
	res.status = replay_run(&r, c);
	fclose(r.out);
	fclose(r.err);
	return res;
}

static void drop(struct result *r)
{
	free(r->out.octets);
	free(r->err.octets);
	free(r->packets.octets);
}

static bool is_same(const struct text *a, const struct text *b)
{
	return a->len == b->len && !memcmp(a->octets, b->octets, a->len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct conf *c;
	struct result one, two;

	if (!size)
		return 0;	/* fmemopen() has no empty files */
	if (!c)
		assert(conf_parse("fuzz.yaml", config, sizeof(config) - 1, &c, stderr) == 0);
	one = run(data, size, c);
	two = run(data, size, c);
	assert(one.status == two.status && (one.status == 0) == (one.err.len == 0));
	assert(is_same(&one.out, &two.out) && is_same(&one.packets, &two.packets));
	drop(&one);
	drop(&two);
	return 0;
}
