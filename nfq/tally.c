/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tally - see tally.h */
#include "nfq/tally.h"

enum { PROBES = 32 };

struct nat_addr tally_guest(const struct nat_flow *f)
{
	return (f->flags & FLOW_MASQ) && (f->flags & FLOW_OUT) ? f->orig.src : f->reply.src;
}

/* FNV-1a: names come from the admin, addresses from the table; nobody outside chooses them. */
static uint32_t hash(const char *name, const struct nat_addr *guest)
{
	uint32_t h = 2166136261u;

	for (unsigned i = 0; i < STATE_NAME_OCTETS && name[i]; i++)
		h = (h ^ (uint8_t)name[i]) * 16777619u;
	for (unsigned i = 0; i < sizeof(guest->octet); i++)
		h = (h ^ guest->octet[i]) * 16777619u;
	return h ^ h >> 16;
}

static struct tally_row *find(struct tally *t, const char *name, const struct nat_addr *guest, uint8_t family)
{
	uint32_t h = hash(name, guest);

	for (unsigned i = 0; i < PROBES; i++) {
		struct tally_row *r = &t->row[(h + i) % (TALLY_ROWS - 1)];

		if (!r->used) {
			r->family = family;
			r->guest = *guest;
			memcpy(r->forward, name, strnlen(name, sizeof(r->forward) - 1));
			__atomic_store_n(&r->used, 1, __ATOMIC_RELEASE);
			return r;
		}
		if (r->family == family && nat_addr_eq(&r->guest, guest) && !strncmp(r->forward, name, sizeof(r->forward) - 1))
			return r;
	}
	t->row[TALLY_ROWS - 1].used = 1;
	return &t->row[TALLY_ROWS - 1];
}

void tally_add(struct tally *t, const char *forward, const struct nat_flow *f)
{
	struct nat_addr guest = tally_guest(f);
	struct tally_row *r = find(t, forward, &guest, f->family);
	enum nat_dir in = (f->flags & FLOW_MASQ) && (f->flags & FLOW_OUT) ? NAT_REPLY : NAT_ORIG;

	r->flows++;
	r->packets[TALLY_IN] += f->packets[in];
	r->octets[TALLY_IN] += f->octets[in];
	r->packets[TALLY_OUT] += f->packets[!in];
	r->octets[TALLY_OUT] += f->octets[!in];
}
