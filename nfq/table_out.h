/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table_out - the outbound part of a table: devices become numbers, and get the addresses they have now.
 *
 * Called by table.c only.
 */
#ifndef NFQ_TABLE_OUT_H
#define NFQ_TABLE_OUT_H

#include "nfq/table.h"

/* table_outs_make - fill out, out_addr and out_except of @t; 0, or -ENOMEM: table_free() frees what was made */
int table_outs_make(const struct conf *c, const struct table_host *host, struct table *t);

bool table_outs_same(const struct table *a, const struct table *b);

/* table_outs_load - write them into the spare outbound area, and their names into @area; 0 or -E2BIG */
int table_outs_load(const struct table *t, const struct conf *c, struct state *s, unsigned area);

#endif
