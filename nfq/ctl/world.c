/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ctl_world - see ctl_world.h; the table of commands */
#include "nfq/ctl/world.h"

#include "nfq/log.h"
#include "nfq/tally.h"

static const struct ctl_command commands[] = {
	{ "status", ctl_run_status },
	{ "forwards", ctl_run_forwards },
	{ "flows", ctl_run_flows },
	{ "watch", ctl_run_watch },
	{ "add", ctl_run_add },
	{ "del", ctl_run_del },
	{ "reload", ctl_run_reload },
	{ "flush", ctl_run_flush },
	{ "why", ctl_run_why },
	{ "metrics", ctl_run_metrics },
	{ NULL, NULL },
};

static struct ctl_world world;

void ctl_world_open(const struct ctl_world *w, const char *path, const char *group)
{
	char why[512];

	world = *w;
	if (ctl_server_open(w->loop, path, group, commands, why, sizeof(why)) < 0)
		log_warn("no control socket, nfqnatctl cannot ask: %s", why);
}

void ctl_world_move(const char *path, const char *group)
{
	char why[512] = "";

	if (ctl_server_move(path, group, why, sizeof(why)) < 0)
		log_warn("control: %s; nfqnatctl asks where it asked before", why);
}

const char *ctl_guest(const struct nat_flow *f)
{
	struct nat_addr a = tally_guest(f);

	return world.guest_name ? world.guest_name(world.guests, &a, f->family) : "";
}

const struct ctl_world *ctl_world(void)
{
	return &world;
}
