/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resolve: guests, networks, addresses and configuration -> forwards, as rows.
 *
 * A world is written as words: networks `NAME=MODE` (`NAME!=MODE`: not
 * active), each with 192.168.122.1/24 and fd00:122::1/64 unless `/-` follows
 * (no prefix at all); guests `NAME:STATE` with `TYPE@NETWORK` interfaces
 * (`!`: link down), each with addresses `+SOURCE=ADDRESS`. `gen=N` and
 * `since=SECONDS` are of the guest before. Time is 1000 s, the start was at 900 s.
 */
#include "virt/resolve.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "conf/ip.h"
#include "tests/unit/unit.h"

#define WEB "forwards: [{ guest: web1, publish: '8080:80' }]"
#define LAB "lab=nat web1:running network@lab "
#define OK4 "192.168.122.50"

static const struct row {
	const char *what, *yaml, *world;	/* world NULL: none yet */
	const char *v4, *v6;			/* reason, and the address if there is one: "ACTIVE 192.168.122.50" */
	enum conf_action action4;		/* of the row of IPv4 */
} rows[] = {
	/* --- states --- */
	{ "no word from libvirt yet",       WEB, NULL, "WAITING", "WAITING", CONF_REJECT },
	{ "no such guest",                  WEB, "lab=nat db:running", "UNKNOWN", "UNKNOWN", CONF_REJECT },
	{ "libvirt is down and knew no such guest", WEB, "down", "NO_LIBVIRT", "NO_LIBVIRT", CONF_REJECT },
	{ "off",                            WEB, "lab=nat web1:off network@lab +lease=" OK4, "OFF", "OFF", CONF_REJECT },
	{ "running, both families",         WEB, LAB "+lease=" OK4 " +lease=fd00:122::50", "ACTIVE " OK4, "ACTIVE fd00:122::50", 0 },
	{ "running, IPv4 alone",            WEB, LAB "+lease=" OK4, "ACTIVE " OK4, "NO_ADDRESS", 0 },
	{ "running, no address yet",        WEB, LAB, "NO_ADDRESS", "NO_ADDRESS", CONF_REJECT },
	{ "suspended",                      WEB, "lab=nat web1:paused network@lab +lease=" OK4, "SUSPENDED " OK4, "NO_ADDRESS", 0 },
	{ "no interface",                   WEB, "lab=nat web1:running", "NO_NIC", "NO_NIC", CONF_REJECT },
	{ "link down",                      WEB, "lab=nat web1:running network@lab! +lease=" OK4, "NIC_DOWN", "NIC_DOWN", CONF_REJECT },
	{ "second interface has the address", WEB, "lab=nat web1:running network@lab! +lease=192.168.122.9 network@lab +lease=" OK4,
	  "ACTIVE " OK4, "NO_ADDRESS", 0 },

	/* --- every kind of network --- */
	{ "nat",                            WEB, "n=nat web1:running network@n +lease=" OK4, "ACTIVE " OK4, "NO_ADDRESS", 0 },
	{ "route",                          WEB, "n=route web1:running network@n +lease=" OK4, "ACTIVE " OK4, "NO_ADDRESS", 0 },
	{ "open",                           WEB, "n=open web1:running network@n +lease=" OK4, "ACTIVE " OK4, "NO_ADDRESS", 0 },
	{ "isolated is refused",            WEB, "n=isolated web1:running network@n +lease=" OK4, "ISOLATED", "ISOLATED", CONF_REJECT },
	{ "isolated and allowed", "forwards: [{ guest: web1, publish: '8080:80', isolated: allow }]",
	  "n=isolated web1:running network@n +lease=" OK4, "ACTIVE " OK4, "NO_ADDRESS", 0 },
	{ "macvtap network needs host",     WEB, "n=macvtap/- web1:running network@n +neighbour=10.0.0.9", "NEEDS_HOST", "NEEDS_HOST", CONF_REJECT },
	{ "hostdev network needs host",     WEB, "n=hostdev/- web1:running network@n +neighbour=10.0.0.9", "NEEDS_HOST", "NEEDS_HOST", CONF_REJECT },
	{ "hostdev network that is not active", WEB, "n!=hostdev/- web1:running network@n", "NETWORK_OFF", "NETWORK_OFF", CONF_REJECT },
	{ "hostdev network, source host, its address in the file",
	  "forwards: [{ guest: web1, to: 10.9.9.9, publish: '8080:80', source: host }]", "n=hostdev/- web1:running network@n",
	  "ACTIVE 10.9.9.9", "NO_ADDRESS", 0 },
	{ "bridge network needs host",      WEB, "n=bridge web1:running network@n +neighbour=10.0.0.9", "NEEDS_HOST", "NEEDS_HOST", CONF_REJECT },
	{ "bridge needs host",              WEB, "lab=nat web1:running bridge@br0 +neighbour=10.0.0.9", "NEEDS_HOST", "NEEDS_HOST", CONF_REJECT },
	{ "macvtap needs host",             WEB, "lab=nat web1:running direct@eth0 +neighbour=10.0.0.9", "NEEDS_HOST", "NEEDS_HOST", CONF_REJECT },
	{ "hostdev needs host",             WEB, "lab=nat web1:running hostdev@- +neighbour=10.0.0.9", "NEEDS_HOST", "NEEDS_HOST", CONF_REJECT },
	{ "bridge with source host", "forwards: [{ guest: web1, publish: '8080:80', source: host }]",
	  "lab=nat web1:running bridge@br0 +neighbour=10.0.0.9", "ACTIVE 10.0.0.9", "NO_ADDRESS", 0 },
	{ "hostdev with its address in the file", "forwards: [{ guest: web1, to: 10.9.9.9, publish: '8080:80', source: host }]",
	  "lab=nat web1:running hostdev@-", "ACTIVE 10.9.9.9", "NO_ADDRESS", 0 },
	{ "plugged into the bridge of a network", WEB, "lab=nat web1:running bridge@virbr0 +lease=" OK4, "ACTIVE " OK4, "NO_ADDRESS", 0 },
	{ "user network cannot be reached", WEB, "lab=nat web1:running user@-", "UNREACHABLE_NIC", "UNREACHABLE_NIC", CONF_REJECT },
	{ "other kinds cannot be reached",  WEB, "n=other web1:running network@n +lease=" OK4, "UNREACHABLE_NIC", "UNREACHABLE_NIC", CONF_REJECT },
	{ "network is not active",          WEB, "lab!=nat web1:running network@lab +lease=" OK4, "NETWORK_OFF", "NETWORK_OFF", CONF_REJECT },
	{ "network is not known",           WEB, "lab=nat web1:running network@other +lease=" OK4, "NETWORK_UNKNOWN", "NETWORK_UNKNOWN", CONF_REJECT },
	{ "not in the wanted network", "forwards: [{ guest: web1, network: dmz, publish: '8080:80' }]", LAB "+lease=" OK4,
	  "OTHER_NETWORK", "OTHER_NETWORK", CONF_REJECT },
	{ "the interface in the wanted network", "forwards: [{ guest: web1, network: dmz, publish: '8080:80' }]",
	  "lab=nat dmz=nat web1:running network@lab +lease=192.168.122.9 network@dmz +lease=" OK4, "ACTIVE " OK4, "NO_ADDRESS", 0 },

	/* --- which address --- */
	{ "reservation before lease",       WEB, LAB "+lease=192.168.122.9 +dhcp-host=" OK4, "ACTIVE " OK4, "NO_ADDRESS", 0 },
	{ "lease before neighbour",         WEB, LAB "+neighbour=192.168.122.9 +lease=" OK4, "ACTIVE " OK4, "NO_ADDRESS", 0 },
	{ "the file before all", "forwards: [{ guest: web1, to: 192.168.122.50, publish: '8080:80' }]",
	  LAB "+dhcp-host=192.168.122.9", "ACTIVE " OK4, "NO_ADDRESS", 0 },
	{ "the file, and no word of interfaces", "forwards: [{ guest: web1, to: 192.168.122.50, publish: '8080:80' }]",
	  "lab=nat web1:running", "ACTIVE " OK4, "NO_NIC", 0 },
	{ "the address that its MAC gives, before one for a day", WEB,
	  LAB "+neighbour=fd00:122::1:2:3:4 +neighbour=fd00:122::5054:ff:fe00:1", "NO_ADDRESS", "ACTIVE fd00:122::5054:ff:fe00:1",
	  CONF_REJECT },
	{ "link-local is none",             WEB, LAB "+neighbour=fe80::1 +neighbour=169.254.3.3", "ADDRESS_BAD 169.254.3.3",
	  "ADDRESS_BAD fe80::1", CONF_REJECT },

	/* --- what is not its own --- */
	{ "this host's address on the network", WEB, LAB "+lease=192.168.122.1", "ADDRESS_HOST 192.168.122.1", "NO_ADDRESS", CONF_REJECT },
	{ "this host's address elsewhere",  WEB, LAB "+neighbour=10.0.0.1", "ADDRESS_HOST 10.0.0.1", "NO_ADDRESS", CONF_REJECT },
	{ "the file cannot give the host's address away", "forwards: [{ guest: web1, to: 10.0.0.1, publish: '8080:80' }]", LAB,
	  "ADDRESS_HOST 10.0.0.1", "NO_ADDRESS", CONF_REJECT },
	{ "outside its network",            WEB, LAB "+lease=192.168.123.50", "ADDRESS_FOREIGN 192.168.123.50", "NO_ADDRESS", CONF_REJECT },
	{ "no IPv6 on its network",         WEB, "lab=nat/- web1:running network@lab +neighbour=fd00:122::50", "NO_ADDRESS",
	  "ADDRESS_FOREIGN fd00:122::50", CONF_REJECT },
	{ "a neighbour claim on another's lease", WEB, LAB "+neighbour=" OK4 " db:running network@lab +lease=" OK4,
	  "ADDRESS_OTHER " OK4, "NO_ADDRESS", CONF_REJECT },
	{ "an agent's claim on what a neighbour has", WEB, LAB "+agent=" OK4 " db:running network@lab +neighbour=" OK4,
	  "ADDRESS_OTHER " OK4, "NO_ADDRESS", CONF_REJECT },
	{ "two agents' claims on one address: nobody's", WEB, LAB "+agent=" OK4 " db:running network@lab +agent=" OK4,
	  "ADDRESS_OTHER " OK4, "NO_ADDRESS", CONF_REJECT },
	{ "an agent's claim on what another's agent claims, who is known by a lease", WEB,
	  LAB "+lease=" OK4 " db:running network@lab +agent=" OK4, "ACTIVE " OK4, "NO_ADDRESS", 0 },
	{ "an agent alone", WEB, LAB "+agent=" OK4, "ACTIVE " OK4, "NO_ADDRESS", 0 },
	{ "an agent outside its network", WEB, LAB "+agent=10.9.9.9", "ADDRESS_FOREIGN 10.9.9.9", "NO_ADDRESS", CONF_REJECT },
	{ "a lease on another's reservation, who is off", WEB, LAB "+lease=" OK4 " db:off network@lab +dhcp-host=" OK4,
	  "ADDRESS_OTHER " OK4, "NO_ADDRESS", CONF_REJECT },
	{ "an address that the file gives to another",
	  "forwards: [{ guest: web1, publish: '8080:80' }, { guest: db, to: 192.168.122.50, publish: 81 }]",
	  LAB "+dhcp-host=" OK4 " db:running network@lab", "ADDRESS_OTHER " OK4, "NO_ADDRESS", CONF_REJECT },
	{ "two leases of one address: nobody's", WEB, LAB "+lease=" OK4 " db:running network@lab +lease=" OK4,
	  "ADDRESS_OTHER " OK4, "NO_ADDRESS", CONF_REJECT },
	{ "its own lease, another's idle claim", WEB, LAB "+lease=" OK4 " db:off network@lab +lease=" OK4, "ACTIVE " OK4, "NO_ADDRESS", 0 },
	{ "a refused address, and a good one", WEB, LAB "+lease=192.168.122.1 +neighbour=" OK4, "ACTIVE " OK4, "NO_ADDRESS", 0 },

	/* --- when-off --- */
	{ "drop", "forwards: [{ guest: web1, publish: '8080:80', when-off: drop }]", "lab=nat web1:off", "OFF", "OFF", CONF_DROP },
	{ "hold, within its time", "forwards: [{ guest: web1, publish: '8080:80', when-off: hold 30s }]", "lab=nat web1:off since=980",
	  "OFF", "OFF", CONF_HOLD },
	{ "hold, its time is over", "forwards: [{ guest: web1, publish: '8080:80', when-off: hold 30s }]", "lab=nat web1:off since=969",
	  "OFF", "OFF", CONF_REJECT },
	{ "hold, of a guest that nobody knows: from the start on",
	  "forwards: [{ guest: web1, publish: '8080:80', when-off: hold 101s }]", "lab=nat", "UNKNOWN", "UNKNOWN", CONF_HOLD },
};

/* ---- a world from words ---- */

static void *more(void *array, unsigned *n, size_t octets)
{
	char *new = realloc(array, (*n + 1) * octets);

	assert_non_null(new);
	memset(new + *n * octets, 0, octets);
	++*n;
	return new;
}

static struct nat_addr addr_of(const char *text, uint8_t *family)
{
	enum nat_family f = NAT_IPV4;
	struct nat_addr a;

	if (!conf_ip_parse(text, strlen(text), &a, &f))
		unit_fail("%s is no address", text);
	*family = (uint8_t)f;
	return a;
}

static unsigned word_in(const char *word, const char *const *words)
{
	for (unsigned i = 0; words[i]; i++)
		if (!strcmp(words[i], word))
			return i;
	unit_fail("%s is not known", word);
	return 0;
}

static void add_network(struct virt_world *w, char *name, char *mode)
{
	static const char *const modes[] = {
#define X(id, text) text,
		VIRT_MODE_LIST(X)
#undef X
		NULL
	};
	char *bare = strstr(mode, "/-");
	struct virt_network *n;
	size_t len = strlen(name);

	w->network = more(w->network, &w->n_networks, sizeof(*w->network));
	n = &w->network[w->n_networks - 1];
	n->active = name[len - 1] != '!';
	if (!n->active)
		name[len - 1] = '\0';
	if (bare)
		*bare = '\0';
	n->name = strdup(name);
	n->uri = strdup("qemu:///system");
	n->mode = (enum virt_mode)word_in(mode, modes);
	snprintf(n->bridge, sizeof(n->bridge), "virbr%u", w->n_networks - 1);
	n->addr = calloc(2, sizeof(*n->addr));
	n->n_addr = bare ? 0 : 2;
	conf_prefix_parse("192.168.122.1/24", 16, &n->addr[0]);
	conf_prefix_parse("fd00:122::1/64", 14, &n->addr[1]);
}

static void add_guest(struct virt_world *w, const char *name, const char *state)
{
	static const char *const states[] = { "running", "paused", "off", NULL };
	struct virt_guest *g;

	w->guest = more(w->guest, &w->n_guests, sizeof(*w->guest));
	g = &w->guest[w->n_guests - 1];
	g->name = strdup(name);
	g->uri = strdup("qemu:///system");
	snprintf(g->uuid, sizeof(g->uuid), "00000000-0000-0000-0000-%012x", name[0] * 256 + name[strlen(name) - 1]);
	g->state = (enum virt_state)word_in(state, states);
}

static void add_nic(struct virt_guest *g, const char *type, char *where)
{
	static const char *const types[] = {
#define X(id, text) text,
		VIRT_NIC_LIST(X)
#undef X
		NULL
	};
	char *down = strchr(where, '!');
	struct virt_nic *n;

	if (down)
		*down = '\0';
	g->nic = more(g->nic, &g->n_nics, sizeof(*g->nic));
	n = &g->nic[g->n_nics - 1];
	n->type = (enum virt_nic_type)word_in(type, types);
	snprintf(n->mac, sizeof(n->mac), "52:54:00:00:00:01");
	n->up = !down;
	if (n->type == VIRT_NIC_NETWORK)
		n->network = strdup(where);
	else
		snprintf(n->bridge, sizeof(n->bridge), "%.15s", where);
}

static void add_address(struct virt_nic *n, const char *source, const char *text)
{
	static const char *const sources[] = { "", "dhcp-host", "lease", "neighbour", "agent", NULL };
	struct virt_address *a;

	n->addr = more(n->addr, &n->n_addr, sizeof(*n->addr));
	a = &n->addr[n->n_addr - 1];
	a->source = (uint8_t)word_in(source, sources);
	a->addr = addr_of(text, &a->family);
}

/* "tcp:START-END:TO" published by metadata; "~" in front: excluded */
static void add_published(struct virt_guest *g, const char *text)
{
	struct virt_published *p;
	struct virt_range *r;
	unsigned lo, hi, to;

	if (!g->published)
		g->published = more(g->published, &g->n_published, sizeof(*g->published));
	p = &g->published[0];
	p->proto = IPPROTO_TCP;
	p->range = more(p->range, &p->n_ranges, sizeof(*p->range));
	r = &p->range[p->n_ranges - 1];
	r->exclude = *text == '~';
	assert_int_equal(sscanf(text + r->exclude, "%u-%u:%u", &lo, &hi, &to), 3);
	r->start = (uint16_t)lo;
	r->end = (uint16_t)hi;
	r->to = (uint16_t)to;
}

static struct virt_world *world_of(const char *text)
{
	struct virt_world *w = calloc(1, sizeof(*w));
	char buf[1024], *save = NULL;

	assert_non_null(w);
	w->connection = more(NULL, &w->n_connections, sizeof(*w->connection));
	w->connection[0].uri = strdup("qemu:///system");
	w->connection[0].up = true;
	snprintf(buf, sizeof(buf), "%s", text);
	for (char *word = strtok_r(buf, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		struct virt_guest *g = w->n_guests ? &w->guest[w->n_guests - 1] : NULL;
		char *cut = strpbrk(word, *word == '+' || !strncmp(word, "pub=", 4) ? "=" : "=:@");
		char kind = cut ? *cut : '\0';

		if (cut)
			*cut++ = '\0';
		if (!cut)
			w->connection[0].up = false;
		else if (*word == '+')
			add_address(&g->nic[g->n_nics - 1], word + 1, cut);
		else if (!strcmp(word, "pub"))
			add_published(g, cut);
		else if (!strcmp(word, "gen"))
			g->life = (uint32_t)atoi(cut);
		else if (!strcmp(word, "since"))
			g->since = NAT_SEC(atoi(cut));
		else if (kind == '@')
			add_nic(g, word, cut);
		else if (kind == ':')
			add_guest(w, word, cut);
		else
			add_network(w, word, cut);
	}
	return w;
}

/* ---- one decision ---- */

struct decision {
	struct conf *file;
	struct virt_world *world;
	struct virt_blocks blocks;
	struct conf_claims claims;
	struct conf_dynamic out;
	struct virt_status status;
};

static void decide(struct decision *d, const char *yaml, const char *world, const struct virt_status *before)
{
	struct nat_prefix host[3];
	struct virt_input in = { .host = host, .n_host = 3, .before = before, .now = NAT_SEC(1000), .started = NAT_SEC(900) };

	conf_prefix_parse("10.0.0.1/24", 11, &host[0]);
	conf_prefix_parse("127.0.0.1/8", 11, &host[1]);
	conf_prefix_parse("2001:db8::1/64", 14, &host[2]);
	assert_int_equal(conf_parse("test.yaml", yaml, strlen(yaml), &d->file, stderr), 0);
	d->world = world ? world_of(world) : NULL;
	in.file = d->file;
	in.world = d->world;
	assert_int_equal(conf_claims_init(&d->claims, d->file), 0);
	d->out = (struct conf_dynamic){ 0 };
	assert_int_equal(virt_resolve(&in, &d->blocks, &d->claims, &d->out, &d->status), 0);
}

static void forget(struct decision *d)
{
	conf_claims_free(&d->claims);
	conf_dynamic_free(&d->out);
	virt_world_free(d->world);
	conf_free(d->file);
}

static void done(struct decision *d)
{
	forget(d);
	virt_status_free(&d->status);
	virt_blocks_free(&d->blocks);
}

static const struct virt_entry *entry_of(const struct decision *d, const char *guest)
{
	for (unsigned i = 0; i < d->status.n; i++)
		if (d->status.entry[i].guest && !strcmp(d->status.entry[i].guest, guest))
			return &d->status.entry[i];
	return NULL;
}

static void assert_way(const struct virt_way *w, const char *want, enum nat_family family)
{
	char is[96], addr[INET6_ADDRSTRLEN] = "";

	if (!nat_addr_is_any(&w->to))
		inet_ntop(family == NAT_IPV4 ? AF_INET : AF_INET6, nat_addr_wire(&w->to, family), addr, sizeof(addr));
	snprintf(is, sizeof(is), "%s%s%s", virt_why_name(w->why), *addr ? " " : "", addr);
	assert_string_equal(is, want);
}

/* The row that listens at this port, or NULL. */
static const struct conf_row *row_at(const struct decision *d, uint16_t port, uint8_t family)
{
	for (unsigned i = 0; i < d->out.n_rows; i++)
		if (d->out.rows[i].family == family && port >= d->out.rows[i].lo && port <= d->out.rows[i].hi)
			return &d->out.rows[i];
	return NULL;
}

static void one_row(void **state)
{
	const struct row *r = *state;
	struct decision d = { 0 };
	const struct virt_entry *e;
	const struct conf_row *row;

	decide(&d, r->yaml, r->world, NULL);
	assert_true(d.status.n >= 1);
	e = &d.status.entry[0];
	assert_way(&e->way[VIRT_IPV4], r->v4, NAT_IPV4);
	assert_way(&e->way[VIRT_IPV6], r->v6, NAT_IPV6);
	row = row_at(&d, 8080, NAT_IPV4);
	assert_non_null(row);
	assert_int_equal(row->action, r->action4);
	if (row->action == CONF_FORWARD) {
		assert_memory_equal(&row->to, &e->way[VIRT_IPV4].to, sizeof(row->to));
		assert_int_equal(row->to_lo, 80);
		assert_int_equal(row->frozen, e->way[VIRT_IPV4].why == VIRT_WHY_SUSPENDED);
	}
	/* never the host's own service: both families listen, whatever the guest has */
	assert_non_null(row_at(&d, 8080, NAT_IPV6));
	done(&d);
}

/* ---- several guests, blocks, metadata, what was before ---- */

static void held_until_libvirt_speaks(void **state)
{
	struct decision d = { 0 };
	struct virt_input in = { .now = NAT_SEC(1000), .started = NAT_SEC(995) };

	(void)state;
	decide(&d, WEB, NULL, NULL);
	virt_status_free(&d.status);
	conf_claims_free(&d.claims);
	conf_dynamic_free(&d.out);
	assert_int_equal(conf_claims_init(&d.claims, d.file), 0);
	in.file = d.file;
	assert_int_equal(virt_resolve(&in, &d.blocks, &d.claims, &d.out, &d.status), 0);
	assert_int_equal(d.out.rows[0].action, CONF_HOLD);
	assert_int_equal(d.status.wake, NAT_SEC(1005));
	done(&d);
}

/* A guest that has no way to anybody else sees this host as its client, and FORWARD lets it answer. */
static void isolated_networks(void **state)
{
	static const struct { const char *keys, *world; bool enclosed, host; } cases[] = {
		{ "isolated: allow",                     "n=isolated web1:running network@n +lease=" OK4, true, true },
		{ "isolated: allow, source: client",     "n=isolated web1:running network@n +lease=" OK4, true, false },
		{ "isolated: allow, to: 192.168.122.50", "n=isolated web1:running network@n", true, true },
		{ "isolated: allow",                     "n=isolated lab=nat web1:running network@n! network@lab +lease=" OK4, false, false },
		{ "isolated: allow, source: host",       "lab=nat web1:running network@lab +lease=" OK4, false, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct decision d = { 0 };
		char yaml[128];

		snprintf(yaml, sizeof(yaml), "forwards: [{ guest: web1, publish: '8080:80', %s }]", cases[i].keys);
		decide(&d, yaml, cases[i].world, NULL);
		assert_way(&d.status.entry[0].way[VIRT_IPV4], "ACTIVE " OK4, NAT_IPV4);
		assert_int_equal(row_at(&d, 8080, NAT_IPV4)->enclosed, cases[i].enclosed);
		assert_int_equal(row_at(&d, 8080, NAT_IPV4)->host_source, cases[i].host);
		done(&d);
	}
}

#define FARM "forwards: [{ guest: 'web*', network: lab, publish: ['20000+10', '30000+5:8000/udp'] }]"

static void blocks_are_stable(void **state)
{
	struct decision d = { 0 };

	(void)state;
	decide(&d, FARM, "lab=nat web1:off network@lab web2:running network@lab +lease=" OK4, NULL);
	assert_int_equal(d.blocks.n, 4);
	assert_int_equal(entry_of(&d, "web2")->block_lo, 20000);	/* it is there, so it comes first */
	assert_int_equal(entry_of(&d, "web1")->block_lo, 20010);
	assert_int_equal(entry_of(&d, "web1")->block_hi, 20019);
	assert_int_equal(row_at(&d, 20002, NAT_IPV4)->action, CONF_FORWARD);
	assert_int_equal(row_at(&d, 20000, NAT_IPV4)->to_lo, 20000);
	assert_int_equal(row_at(&d, 30000, NAT_IPV4)->to_lo, 8000);
	assert_int_equal(row_at(&d, 20010, NAT_IPV4)->action, CONF_REJECT);
	assert_null(row_at(&d, 20020, NAT_IPV4));
	forget(&d);
	virt_status_free(&d.status);

	/* the first is gone, another comes, and one that is in another network */
	decide(&d, FARM, "lab=nat dmz=nat web1:running network@lab web3:running network@lab web4:running network@dmz", NULL);
	assert_int_equal(entry_of(&d, "web1")->block_lo, 20010);
	assert_int_equal(entry_of(&d, "web3")->block_lo, 20020);
	assert_null(entry_of(&d, "web4"));
	done(&d);
}

static void blocks_run_out(void **state)
{
	struct decision d = { 0 };

	(void)state;
	/* room for two before source-ports */
	decide(&d, "forwards: [{ guest: 'w*', publish: '60000+500' }]", "lab=nat wa:off wb:off wc:off", NULL);
	assert_int_equal(entry_of(&d, "wb")->block_lo, 60500);
	assert_int_equal(entry_of(&d, "wc")->way[VIRT_IPV4].why, VIRT_WHY_NO_BLOCK);
	forget(&d);
	virt_status_free(&d.status);
	/* who is gone for good gives his back, but only now */
	decide(&d, "forwards: [{ guest: 'w*', publish: '60000+500' }]", "lab=nat wb:off wc:off", NULL);
	assert_int_equal(entry_of(&d, "wc")->block_lo, 60000);
	assert_int_equal(entry_of(&d, "wb")->block_lo, 60500);
	done(&d);
}

static void blocks_go_round_what_is_taken(void **state)
{
	struct decision d = { 0 };

	(void)state;
	decide(&d, "forwards: [{ to: 10.0.0.9, publish: 20005 }, { guest: 'w*', publish: '20000+10' }]", "lab=nat wa:off", NULL);
	assert_int_equal(entry_of(&d, "wa")->block_lo, 20010);
	done(&d);
}

static void blocks_as_text(void **state)
{
	static const char bad[] = "20000+10 0 11111111-1111-4111-8111-111111111111\nnonsense\n"
				  "20000+10 0 22222222-2222-4222-8222-222222222222\n"	/* the slot is taken */
				  "20000+10 1 11111111-1111-4111-8111-111111111111\n"	/* he has one */
				  "60000+9999 1 33333333-3333-4333-8333-333333333333\n"	/* above 65535 */
				  "30000+10 7 11111111-1111-4111-8111-111111111111\n";
	struct virt_blocks a = { 0 }, b = { 0 };
	char text[4096];
	FILE *f = fmemopen((void *)(uintptr_t)bad, sizeof(bad) - 1, "r");

	(void)state;
	assert_int_equal(virt_blocks_read(&a, f), 4);
	fclose(f);
	assert_int_equal(a.n, 2);
	assert_int_equal(virt_blocks_find(&a, 30000, 10, "11111111-1111-4111-8111-111111111111"), 7);
	f = fmemopen(text, sizeof(text), "w");
	virt_blocks_write(&a, f);
	fclose(f);
	f = fmemopen(text, strlen(text), "r");
	assert_int_equal(virt_blocks_read(&b, f), 0);
	fclose(f);
	assert_int_equal(b.n, a.n);
	assert_memory_equal(b.block, a.block, a.n * sizeof(*a.block));
	virt_blocks_free(&a);
	virt_blocks_free(&b);
}

static void who_is_there_gets_the_port(void **state)
{
	struct decision d = { 0 };

	(void)state;
	decide(&d, "forwards: [{ guest: 'w*', publish: 8080 }]", "lab=nat wa:off wb:running network@lab +lease=" OK4, NULL);
	assert_way(&entry_of(&d, "wb")->way[VIRT_IPV4], "ACTIVE " OK4, NAT_IPV4);
	assert_int_equal(entry_of(&d, "wa")->way[VIRT_IPV4].why, VIRT_WHY_OFF);
	assert_int_equal(row_at(&d, 8080, NAT_IPV4)->action, CONF_FORWARD);
	done(&d);

	d = (struct decision){ 0 };
	decide(&d, "forwards: [{ guest: 'w*', publish: 8080 }]",
	       "lab=nat wa:running network@lab +lease=192.168.122.51 wb:running network@lab +lease=" OK4, NULL);
	assert_way(&entry_of(&d, "wa")->way[VIRT_IPV4], "ACTIVE 192.168.122.51", NAT_IPV4);
	assert_int_equal(entry_of(&d, "wb")->way[VIRT_IPV4].why, VIRT_WHY_CLASH);
	done(&d);
}

/* The file says that 8080 is web1's, so it is, also while web1 is off. */
static void metadata_comes_last(void **state)
{
	struct decision d = { 0 };
	const struct virt_entry *e;

	(void)state;
	decide(&d, WEB, "lab=nat db:running network@lab +lease=" OK4 " pub=8070-8080:70 pub=~8075-8076:1 pub=22-22:22 pub=2000-2000:20 "
	       "web1:off", NULL);
	e = entry_of(&d, "db");
	assert_int_equal(e->forward, NAT_NONE);
	assert_int_equal(e->refused_ports, 1);
	assert_int_equal(e->clashes, 2);		/* 8077-8080 of each family: 8080 is in it */
	assert_int_equal(row_at(&d, 8080, NAT_IPV4)->action, CONF_REJECT);
	assert_int_equal(row_at(&d, 8074, NAT_IPV4)->action, CONF_FORWARD);
	assert_int_equal(row_at(&d, 8074, NAT_IPV4)->lo, 8070);
	assert_int_equal(row_at(&d, 8074, NAT_IPV4)->hi, 8074);
	assert_null(row_at(&d, 8075, NAT_IPV4));
	assert_int_equal(row_at(&d, 2000, NAT_IPV4)->to_lo, 20);
	assert_null(row_at(&d, 22, NAT_IPV4));
	done(&d);
}

static void metadata_alone_outside_its_ports(void **state)
{
	struct decision d = { 0 };

	(void)state;
	decide(&d, WEB, "lab=nat db:running network@lab +lease=" OK4 " pub=61000-61000:22", NULL);
	assert_int_equal(entry_of(&d, "db")->way[VIRT_IPV4].why, VIRT_WHY_PORT_REFUSED);
	done(&d);
}

static void metadata_can_be_switched_off(void **state)
{
	struct decision d = { 0 };

	(void)state;
	decide(&d, "libvirt: { metadata: false }\n" WEB, "lab=nat db:running network@lab +lease=" OK4 " pub=2000-2000:22", NULL);
	assert_null(entry_of(&d, "db"));
	assert_null(row_at(&d, 2000, NAT_IPV4));
	done(&d);
}

/* Of two that nobody can tell apart, the one that had the address keeps it; the other does not get it. */
static void who_had_it_keeps_it(void **state)
{
	struct decision d = { 0 }, next = { 0 };

	(void)state;
	decide(&d, "forwards: [{ guest: web1, publish: 8080 }, { guest: db, publish: 81 }]", LAB "+neighbour=" OK4 " db:running network@lab",
	       NULL);
	assert_way(&entry_of(&d, "web1")->way[VIRT_IPV4], "ACTIVE " OK4, NAT_IPV4);
	decide(&next, "forwards: [{ guest: web1, publish: 8080 }, { guest: db, publish: 81 }]",
	       LAB "+neighbour=" OK4 " db:running network@lab +neighbour=" OK4, &d.status);
	assert_way(&entry_of(&next, "web1")->way[VIRT_IPV4], "ACTIVE " OK4, NAT_IPV4);
	assert_way(&entry_of(&next, "db")->way[VIRT_IPV4], "ADDRESS_OTHER " OK4, NAT_IPV4);
	done(&next);

	/* and of several of its own, the one in use */
	next = (struct decision){ 0 };
	decide(&next, WEB, LAB "+neighbour=192.168.122.2 +neighbour=" OK4, &d.status);
	assert_way(&entry_of(&next, "web1")->way[VIRT_IPV4], "ACTIVE " OK4, NAT_IPV4);
	done(&next);
	done(&d);
}

static void another_life_is_another_row(void **state)
{
	struct decision d = { 0 };

	(void)state;
	decide(&d, WEB, LAB "+lease=" OK4 " gen=70000", NULL);
	assert_int_equal(row_at(&d, 8080, NAT_IPV4)->life, (uint16_t)70000);
	done(&d);
}

/* As many guests as a world may have: nothing that takes the cube of them, or this would not end. */
static void thousands_of_guests(void **state)
{
	struct virt_world w = { .n_guests = 4096 };
	struct virt_input in = { .now = NAT_SEC(1000), .world = &w };
	struct virt_status status, again;
	struct decision d = { 0 };

	(void)state;
	decide(&d, "forwards: [{ guest: 'g*', publish: ['1024+10', '1025+10/udp'] }]", NULL, NULL);
	virt_status_free(&d.status);
	w.guest = calloc(w.n_guests, sizeof(*w.guest));
	assert_non_null(w.guest);
	for (unsigned i = 0; i < w.n_guests; i++) {
		w.guest[i].name = malloc(16);
		w.guest[i].uri = strdup("u");
		snprintf(w.guest[i].name, 16, "g%04u", i);
		snprintf(w.guest[i].uuid, sizeof(w.guest[i].uuid), "%u", 4096 - i);
		w.guest[i].state = VIRT_STATE_OFF;
	}
	in.file = d.file;
	assert_int_equal(virt_resolve(&in, &d.blocks, &d.claims, &d.out, &status), 0);
	assert_int_equal(status.n, 4096);
	assert_int_equal(d.blocks.n, 2 * 4096);
	assert_int_equal(virt_blocks_find(&d.blocks, 1024, 10, "1"), 4095);
	conf_claims_free(&d.claims);
	conf_dynamic_free(&d.out);
	assert_int_equal(conf_claims_init(&d.claims, d.file), 0);
	in.before = &status;
	assert_int_equal(virt_resolve(&in, &d.blocks, &d.claims, &d.out, &again), 0);
	assert_int_equal(again.n, 4096);
	virt_status_free(&status);
	virt_status_free(&again);
	for (unsigned i = 0; i < w.n_guests; i++) {
		free(w.guest[i].name);
		free(w.guest[i].uri);
	}
	free(w.guest);
	done(&d);
}

int main(void)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		unit_add(rows[i].what, one_row, &rows[i]);
	unit_add("callers are held until libvirt speaks, ten seconds at most", held_until_libvirt_speaks, NULL);
	unit_add("on an isolated network", isolated_networks, NULL);
	unit_add("blocks of ports are stable by UUID", blocks_are_stable, NULL);
	unit_add("blocks run out, and are given back by who is gone", blocks_run_out, NULL);
	unit_add("blocks go round what is taken", blocks_go_round_what_is_taken, NULL);
	unit_add("blocks as text, and text that makes no sense", blocks_as_text, NULL);
	unit_add("of several guests the one that is there gets the port", who_is_there_gets_the_port, NULL);
	unit_add("as many guests as there may be", thousands_of_guests, NULL);
	unit_add("metadata comes last, within its ports, without what it excludes", metadata_comes_last, NULL);
	unit_add("metadata outside its ports alone", metadata_alone_outside_its_ports, NULL);
	unit_add("metadata: false", metadata_can_be_switched_off, NULL);
	unit_add("who had an address keeps it", who_had_it_keeps_it, NULL);
	unit_add("the guest's life is the rows'", another_life_is_another_row, NULL);
	return unit_run("resolve");
}
