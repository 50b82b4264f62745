/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * write - the file of `--replay ... --write FILE`: pcapng, a comment for each packet.
 *
 * One interface for each hook, named as the hook; a packet stands on the last
 * one that it passed. Link header and time are those of its frame.
 */
#ifndef REPLAY_WRITE_H
#define REPLAY_WRITE_H

#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdio.h>

#include "nat/pkt.h"

/* write_begin - what stands before the packets; @type: of the frames, from pcap_datalink(); see PCAPNG_RAW */
bool write_begin(FILE *to, int type);

/**
 * write_packet - a frame as it went on
 * @frame:   its octets, h->caplen of them
 * @comment: what was said of it: a line for each hook
 *
 * Returns false if it could not be written, as write_begin() does.
 */
bool write_packet(FILE *to, const struct pcap_pkthdr *h, const uint8_t *frame, enum nat_hook hook, const char *comment);

#endif
