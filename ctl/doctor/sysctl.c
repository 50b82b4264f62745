/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sysctl - checks of what sysctl(8) sets: routing, advertisements, bridges, sources, ephemeral ports */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/ports.h"
#include "ctl/doctor/doctor.h"

/* sysctl for now and for the next start. */
#define MEND_SYSCTL "sysctl -w %s=%d && echo %s=%d >>/etc/sysctl.d/60-nfqnat.conf"

void doctor_forwarding(struct doctor *d)
{
	static const char why[] =
		"A packet to a guest is routed from one device to another; a host that does not route drops it "
		"after its translation. libvirt turns this on when it starts a network.";
	bool no_rows = !doctor_row(d, 0);

	if ((no_rows || doctor_has_family(d, NAT_IPV4)) && doctor_read("net/ipv4/ip_forward") == 0) {
		doctor_say(d, DOCTOR_PROBLEM, why, "IPv4 is not routed: net.ipv4.ip_forward is 0");
		doctor_mend(d, MEND_SYSCTL, "net.ipv4.ip_forward", 1, "net.ipv4.ip_forward", 1);
	}
	if ((no_rows || doctor_has_family(d, NAT_IPV6)) && doctor_read("net/ipv6/conf/all/forwarding") == 0) {
		doctor_say(d, DOCTOR_PROBLEM, why, "IPv6 is not routed: net.ipv6.conf.all.forwarding is 0");
		doctor_mend(d, MEND_SYSCTL "; then nfqnatctl doctor accept-ra",
			    "net.ipv6.conf.all.forwarding", 1, "net.ipv6.conf.all.forwarding", 1);
	}
}

/* Does the device have an address or a default route that an advertisement gave it? */
static bool lives_by_ra(const struct doctor *d, const char *dev)
{
	FILE *f = fopen("/proc/self/net/if_inet6", "re");
	char line[128];
	bool found = false;

	for (unsigned i = 0; i < d->net.n_defaults; i++)
		found |= d->net.defaults[i].from_ra && !strcmp(d->net.defaults[i].dev, dev);
	/* address, ifindex, prefix length, scope, flags, device; flag 0x80: permanent; scope 0: global */
	while (f && !found && fgets(line, sizeof(line), f)) {
		char *word[6], *save = NULL;
		unsigned n = 0;

		for (char *w = strtok_r(line, " \n", &save); w && n < 6; w = strtok_r(NULL, " \n", &save))
			word[n++] = w;
		found = n == 6 && !strcmp(word[3], "00") && !(strtoul(word[4], NULL, 16) & 0x80) &&
			!strcmp(word[5], dev);
	}
	if (f)
		fclose(f);
	return found;
}

void doctor_accept_ra(struct doctor *d)
{
	static const char why[] =
		"A host that routes IPv6 does not hear router advertisements unless accept_ra is 2: its addresses "
		"and its default route last until they expire, often half an hour after routing was turned on.";

	for (unsigned i = 0; i < d->net.n; i++) {
		const char *dev = d->net.link[i].name;

		if (doctor_read("net/ipv6/conf/%s/forwarding", dev) != 1 ||
		    doctor_read("net/ipv6/conf/%s/accept_ra", dev) != 1 || !lives_by_ra(d, dev))
			continue;
		doctor_say(d, DOCTOR_WARNING, why,
			   "%s has addresses or routes from router advertisements, and hears no more of them", dev);
		doctor_mend(
			d,
			"sysctl -w net.ipv6.conf.%s.accept_ra=2 && echo net.ipv6.conf.%s.accept_ra=2 >>/etc/sysctl.d/60-nfqnat.conf",
			dev, dev);
	}
}

void doctor_bridge_nf(struct doctor *d)
{
	static const char why[] =
		"Docker turns this on. nfqnat works with it, but frames between two guests of one bridge pass "
		"iptables too, which may drop them and costs time.";
	static const char *const files[] = { "bridge-nf-call-iptables", "bridge-nf-call-ip6tables" };

	for (unsigned i = 0; i < 2; i++)
		if (doctor_read("net/bridge/%s", files[i]) == 1) {
			doctor_say(d, DOCTOR_NOTE, why, "bridged frames pass the firewall: net.bridge.%s is 1",
				   files[i]);
			doctor_mend(d, "sysctl -w net.bridge.%s=0", files[i]);
		}
}

void doctor_rp_filter(struct doctor *d)
{
	static const char why[] =
		"With two ways out, a client's packet may come in by the one that answers would not take; a strict "
		"rp_filter drops it then, after nfqnat has translated it, and nobody is told.";
	const char *first = NULL;
	bool several = false;

	for (unsigned i = 0; i < d->net.n_defaults; i++) {
		if (d->net.defaults[i].family != NAT_IPV4)
			continue;
		several |= first && strcmp(first, d->net.defaults[i].dev) != 0;
		first = first ? first : d->net.defaults[i].dev;
	}
	for (unsigned i = 0; several && i < d->net.n_defaults; i++) {
		const char *dev = d->net.defaults[i].dev;
		long all = doctor_read("net/ipv4/conf/all/rp_filter"),
		     own = doctor_read("net/ipv4/conf/%s/rp_filter", dev);

		/* the larger of the two counts: Documentation/networking/ip-sysctl */
		if (d->net.defaults[i].family != NAT_IPV4 || (all > own ? all : own) != 1)
			continue;
		doctor_say(d, DOCTOR_WARNING, why, "there are several default routes, and %s checks sources strictly",
			   dev);
		doctor_mend(d, "sysctl -w net.ipv4.conf.%s.rp_filter=2", dev);
	}
}

/* "32768-60999,70" as a set, and as text with a comma behind it, to be freed; what is not understood is not in it. */
static char *read_reserved(struct conf_ports *set)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_local_reserved_ports", "re");
	char *line = NULL, *save = NULL, *text = NULL;
	size_t room = 0;

	if (f && getline(&line, &room, f) > 1) {
		line[strcspn(line, "\n")] = '\0';
		if (asprintf(&text, "%s,", line) < 0)
			text = NULL;
		for (char *w = strtok_r(line, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
			char *end;
			unsigned long lo = strtoul(w, &end, 10), hi = *end == '-' ? strtoul(end + 1, NULL, 10) : lo;

			if (lo && hi <= 65535 && lo <= hi)
				conf_ports_add(set, (uint16_t)lo, (uint16_t)hi);
		}
	}
	conf_ports_seal(set);
	free(line);
	if (f)
		fclose(f);
	return text ? text : strdup("");
}

/* Is some port of lo..hi not in the set? */
static bool is_open(const struct conf_ports *set, unsigned lo, unsigned hi)
{
	const struct conf_range *r = conf_ports_first(set, (uint16_t)lo);

	return !r || r->lo > lo || r->hi < hi;
}

static bool read_range(unsigned *lo, unsigned *hi)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	bool good = f && fscanf(f, "%u %u", lo, hi) == 2; /* NOLINT(cert-err34-c): the kernel writes two numbers */

	if (f)
		fclose(f);
	return good;
}

/* The range that the kernel takes ports of, and what of it was taken out. */
struct ephemeral {
	unsigned lo, hi;
	struct conf_ports reserved;
	char *before;			/* ip_local_reserved_ports as it is, with a comma behind it */
};

/* The part of lo..hi in the range; false: none, or all of that is reserved. */
static bool is_ephemeral(const struct ephemeral *e, unsigned *lo, unsigned *hi)
{
	*lo = *lo > e->lo ? *lo : e->lo;
	*hi = *hi < e->hi ? *hi : e->hi;
	return *lo <= *hi && is_open(&e->reserved, *lo, *hi);
}

/* Ports that nfqnat itself sends from. */
static void check_own(struct doctor *d, const struct ephemeral *e, const char *what, unsigned lo, unsigned hi)
{
	static const char why[] =
		"nfqnat takes these ports for connections in the host's name; a socket of the host with the same "
		"port would be mixed up with them.";
	unsigned a = lo, b = hi;

	if (!is_ephemeral(e, &a, &b))
		return;
	doctor_say(d, DOCTOR_WARNING, why, "%s %u-%u overlap with the ephemeral range %u-%u", what, lo, hi, e->lo, e->hi);
	doctor_mend(d, "sysctl -w net.ipv4.ip_local_reserved_ports=%s%u-%u    (or write others)", e->before, lo, hi);
}

void doctor_ephemeral(struct doctor *d)
{
	static const char why[] =
		"This host takes ports of its ephemeral range for connections of its own. If it takes a forwarded "
		"one, the answers are taken for packets to the guest, and the connection fails.";
	struct ephemeral e = { 0 };
	const struct conf_row *row;

	if (!read_range(&e.lo, &e.hi))
		return;
	e.before = read_reserved(&e.reserved);
	for (unsigned i = 0; (row = doctor_row(d, i)); i++) {
		unsigned a = row->lo, b = row->hi;

		if (!row->lo || row->rest || !is_ephemeral(&e, &a, &b))
			continue;
		doctor_say(d, DOCTOR_WARNING, why, "forwarded ports %u-%u are in the ephemeral range %u-%u", a, b, e.lo, e.hi);
		doctor_mend(d, "sysctl -w net.ipv4.ip_local_reserved_ports=%s%u-%u", e.before, a, b);
	}
	check_own(d, &e, "source-ports", d->conf->source_lo, d->conf->source_hi);
	for (unsigned i = 0; i < d->conf->n_outs; i++)
		if (d->conf->outs[i].lo)
			check_own(d, &e, "ports of a masquerade,", d->conf->outs[i].lo, d->conf->outs[i].hi);
	free(e.before);
	conf_ports_fini(&e.reserved);
}
