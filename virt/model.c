/* SPDX-License-Identifier: GPL-2.0-or-later */
/* model - see model.h */
#include "virt/model.h"

#include <assert.h>
#include <stdlib.h>

const char *virt_source_name(enum virt_source s)
{
	static const char *const names[] = {
#define X(id, text) text,
		VIRT_SOURCE_LIST(X)
#undef X
	};

	assert(s < VIRT_SOURCES);
	return names[s];
}

static void guest_fini(struct virt_guest *g)
{
	for (unsigned i = 0; i < g->n_nics; i++) {
		free(g->nic[i].network);
		free(g->nic[i].addr);
	}
	for (unsigned i = 0; i < g->n_published; i++)
		free(g->published[i].range);
	for (unsigned i = 0; i < g->n_warnings; i++)
		free(g->warning[i]);
	free(g->nic);
	free(g->published);
	free(g->warning);
	free(g->uri);
	free(g->name);
}

void virt_world_free(struct virt_world *w)
{
	if (!w)
		return;
	for (unsigned i = 0; i < w->n_guests; i++)
		guest_fini(&w->guest[i]);
	for (unsigned i = 0; i < w->n_networks; i++) {
		free(w->network[i].uri);
		free(w->network[i].name);
		free(w->network[i].addr);
	}
	for (unsigned i = 0; i < w->n_connections; i++) {
		free(w->connection[i].uri);
		free(w->connection[i].why);
	}
	free(w->guest);
	free(w->network);
	free(w->connection);
	free(w);
}
