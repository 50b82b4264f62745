/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * answer - does a guest's answer come back to us, also when it is asked from
 * outside its network? Then its default route leads to this host.
 */
#ifndef CTL_DOCTOR_ANSWER_H
#define CTL_DOCTOR_ANSWER_H

#include "conf/conf.h"

enum answer {
	ANSWER_UNKNOWN,			/* it answers nothing, or this host has no address outside to ask from */
	ANSWER_YES,
	ANSWER_NEAR_ONLY,		/* asked from its own network it answers, asked from @from it does not */
};

/**
 * answer_of - ask the guest of @row on a port where nobody should listen
 * @from: out; the address of this host outside the guest's network that it was asked from
 * @near: out; this host's address in the guest's network
 * Up to two seconds where no answer comes; no rights are needed.
 */
enum answer answer_of(const struct conf_row *row, struct nat_addr *from, struct nat_addr *near);

#endif
