/* SPDX-License-Identifier: GPL-2.0-or-later */
/* engine - see engine.h */
#include "nfq/engine.h"

#include "nfq/state.h"

int engine_init(struct engine *e, const struct nat *nat)
{
	e->nat = *nat;
	e->waiting = 0;
	pthread_mutex_init(&e->lock, NULL);
	pthread_mutex_init(&e->next, NULL);
	return hold_init(&e->hold);
}

static bool is_wanted(const struct engine *e)
{
	return __atomic_load_n(&e->waiting, __ATOMIC_RELAXED);
}

static void wait_turn(struct engine *e)
{
	__atomic_fetch_add(&e->waiting, 1, __ATOMIC_RELAXED);
	pthread_mutex_lock(&e->next);
	pthread_mutex_lock(&e->lock);
	__atomic_fetch_sub(&e->waiting, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&e->next);
}

nat_ns engine_enter(struct engine *e, bool soon)
{
	if (!soon)
		pthread_mutex_lock(&e->lock);
	else if (pthread_mutex_trylock(&e->lock))
		wait_turn(e);
	nat_enter(&e->nat);
	return state_clock();
}

void engine_leave(struct engine *e)
{
	nat_leave(&e->nat);
	pthread_mutex_unlock(&e->lock);
}

bool engine_is_late(const struct engine *e, nat_ns since)
{
	return is_wanted(e) && state_clock() - since >= ENGINE_TURN_NS;
}

void engine_pass(struct engine *e)
{
	if (!is_wanted(e))
		return;
	pthread_mutex_lock(&e->next);
	pthread_mutex_unlock(&e->next);
}
