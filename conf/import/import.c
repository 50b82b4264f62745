/* SPDX-License-Identifier: GPL-2.0-or-later */
/* import - see import.h */
#include "conf/import/import.h"

#include <string.h>

#include "conf/errors.h"

const struct import_kind import_kinds[] = {
	{ "hooks", "hooks.json of libvirt-hook-qemu (saschpe's and the IPv6 fork)", false, import_hooks },
	{ "iptables", "DNAT rules, as iptables-save or ip6tables-save prints them", false, import_iptables },
	{ "docker", "docker -p options, ports: of a compose file, or the PORTS of docker ps", true, import_docker },
	{ "passt", "-t and -u options of passt or pasta", true, import_passt },
	{ "natd", "redirect_port lines of natd.conf, or of ipfw nat", false, import_natd },
	{ NULL, NULL, false, NULL },
};

const struct import_kind *import_kind(const char *name)
{
	for (const struct import_kind *k = import_kinds; k->name; k++)
		if (!strcmp(k->name, name))
			return k;
	return NULL;
}

int import_run(const struct import_kind *kind, const char *name, char *text, const struct import_args *args, FILE *out,
	       FILE *notes)
{
	struct plan p = { .name = name, .notes = notes };
	char quote[CONF_QUOTE_MAX];
	unsigned n = 0;
	int status = 1;

	if (kind->read(&p, text, args)) {
		fprintf(out, "# from %s, by nfqnatctl import %s; see it with nfqnatd --check\n",
			conf_quote(quote, name, strlen(name)), kind->name);
		n = plan_write(&p, out);
		status = p.left_out > 0;
		if (!n && !p.left_out) {
			fprintf(notes, "%s: there is no forward in it\n", name);
			status = 1;
		}
	}
	if (p.oom) {
		fprintf(notes, "%s: no memory for all of it\n", name);
		status = 1;
	}
	plan_fini(&p);
	return status;
}
