/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filter - which flows: the options that flows, events and flush share.
 */
#ifndef CTL_FILTER_H
#define CTL_FILTER_H

#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>

/* For the struct option of a command; their values are what filter_option() gets. */
#define FILTER_OPTIONS                                                                                      \
	{ "guest", required_argument, NULL, 'g' }, { "forward", required_argument, NULL, 'f' },             \
	{ "address", required_argument, NULL, 'a' }, { "port", required_argument, NULL, 'p' },              \
	{ "proto", required_argument, NULL, 'P' }, { "state", required_argument, NULL, 's' },               \
	{ "family", required_argument, NULL, 'F' }

/**
 * filter_option - note an option in a request
 * Returns true if @opt is one of FILTER_OPTIONS and @value good; else says what is wrong, if it is one.
 */
bool filter_option(json_t *req, int opt, const char *value);

/**
 * filter_tuple - "[tcp] 198.51.100.2:40000 [>] 198.51.100.1:8080" as src, sport, dst, dport (and proto) of a request
 * @word: @n of them
 * Returns how many words were used; 0 after a line on standard error.
 */
int filter_tuple(json_t *req, char **word, int n);

#endif
