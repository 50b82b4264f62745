/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_world - any octets as a message of the libvirt watcher, and what forwards come of it.
 *
 * Whatever the watcher says: no forward leads to this host, no two rows listen
 * on the same port, and saying the same again changes nothing.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "virt/resolve.h"
#include "virt/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char yaml[] =
	"forwards:\n"
	"  - { guest: web1, publish: ['8080:80', '53/udp', icmp] }\n"
	"  - { guest: db, to: 192.168.122.60, publish: 5432, when-off: hold 30s, isolated: allow }\n"
	"  - { guest: 'w*', network: lab, publish: ['20000+20', '30000+5:8000/udp'], source: host }\n"
	"  - { to: 10.0.0.9, publish: 20005 }\n";

static void decide(const struct virt_input *in, struct virt_blocks *blocks, struct conf_dynamic *out)
{
	struct virt_status status;
	struct conf_claims claims;

	*out = (struct conf_dynamic){ 0 };
	if (conf_claims_init(&claims, in->file) || virt_resolve(in, blocks, &claims, out, &status))
		abort();
	virt_status_free(&status);
	conf_claims_free(&claims);
}

static void judge(const struct virt_input *in, const struct conf_dynamic *out)
{
	for (unsigned i = 0; i < out->n_rows; i++) {
		const struct conf_row *r = &out->rows[i];

		assert(r->lo <= r->hi && r->to_lo + (r->hi - r->lo) <= 65535 && r->forward < out->n_forwards);
		for (unsigned h = 0; h < in->n_host && r->action == CONF_FORWARD; h++)
			assert(!nat_addr_eq(&r->to, &in->host[h].addr));
		for (unsigned k = 0; k < i && out->n_rows < 512; k++)
			assert(conf_row_by_listener(r, &out->rows[k]) || r->hi < out->rows[k].lo || out->rows[k].hi < r->lo);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t own[4] = { 192, 168, 122, 1 };
	const struct nat_prefix host = { nat_addr_v4(own), NAT_IPV4, 24 };
	static struct conf *file;
	struct virt_blocks blocks = { 0 };
	struct conf_dynamic a, b;
	char fault[VIRT_FAULT_OCTETS];
	struct virt_message m = { .type = VIRT_HELLO };
	struct virt_input in = { .host = &host, .n_host = 1, .now = NAT_SEC(100), .started = NAT_SEC(50) };

	if (!file && conf_parse("fuzz.yaml", yaml, strlen(yaml), &file, stderr))
		abort();
	if (virt_message_read((const char *)data, size, &m, fault)) {
		assert(*fault);
		return 0;
	}
	free(m.text);
	if (!m.world)
		return 0;
	in.file = file;
	in.world = m.world;
	decide(&in, &blocks, &a);
	judge(&in, &a);
	decide(&in, &blocks, &b);
	assert(a.n_rows == b.n_rows);
	for (unsigned i = 0; i < a.n_rows; i++)
		assert(!conf_row_by_listener(&a.rows[i], &b.rows[i]) && a.rows[i].lo == b.rows[i].lo &&
		       a.rows[i].action == b.rows[i].action && nat_addr_eq(&a.rows[i].to, &b.rows[i].to));
	conf_dynamic_free(&a);
	conf_dynamic_free(&b);
	virt_blocks_free(&blocks);
	virt_world_free(m.world);
	return 0;
}
