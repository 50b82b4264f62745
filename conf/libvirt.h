/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libvirt - the part of `libvirt:` that keys.h has no row for: the connections. Inside conf/ only. */
#ifndef CONF_LIBVIRT_H
#define CONF_LIBVIRT_H

#include "conf/build.h"

/* conf_libvirt_default - qemu:///system alone */
void conf_libvirt_default(struct conf *c);

/* conf_libvirt_read - note that there is a `libvirt:` in @tree, and its uris */
void conf_libvirt_read(struct conf_build *b, const struct conf_raw *raw, struct conf_doc *tree);

/* conf_uris_print - "  uri: [...]" */
void conf_uris_print(const struct conf *c, FILE *out);

#endif
