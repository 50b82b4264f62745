/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blocks_file - the blocks of ports on disk, in `blocks` of the state folder.
 *
 * $STATE_DIRECTORY, as systemd sets it, else /var/lib/nfqnat. Replaced by
 * rename, so that it is whole whenever the machine stops. What goes wrong is
 * a warning: guests keep their blocks until the daemon ends.
 */
#ifndef NFQ_BLOCKS_FILE_H
#define NFQ_BLOCKS_FILE_H

#include "virt/blocks.h"

/* blocks_file_read - nothing if there is no file yet */
void blocks_file_read(struct virt_blocks *b);
void blocks_file_write(struct virt_blocks *b);

#endif
