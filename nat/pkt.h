/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pkt - one packet on its way through the engine.
 *
 * The caller fills the first part (what the kernel said), pkt_parse() the
 * second (what the octets say), nat_packet() the third (what was decided).
 * Every function here sees only octets and a length; lengths inside the
 * packet are believed after they were compared with it (R82).
 */
#ifndef NAT_PKT_H
#define NAT_PKT_H

#include "nat/reason.h"
#include "nat/recent.h"
#include "nat/tuple.h"

/* The numbers are enum nf_inet_hooks of include/uapi/linux/netfilter.h. */
enum nat_hook {
	NAT_PRE = 0,		/* raw PREROUTING: destinations are rewritten here */
	NAT_IN = 1,		/* mangle INPUT: answers to this host's own flows */
	NAT_FWD = 2,		/* mangle FORWARD: past the host's rules; hairpin sources */
	NAT_OUT = 3,		/* raw OUTPUT: this host's own flows */
	NAT_POST = 4,		/* mangle POSTROUTING: sources of answers are rewritten here */
	NAT_HOOKS
};

enum tcp_flag {
	TCP_F_FIN = 0x01,
	TCP_F_SYN = 0x02,
	TCP_F_RST = 0x04,
	TCP_F_PSH = 0x08,
	TCP_F_ACK = 0x10,
	TCP_F_URG = 0x20,
};

/* Where things are in an IP packet, or in the part of one that an ICMP error quotes. */
struct pkt_view {
	struct nat_tuple tuple;		/* ports 0 where there are none */
	uint32_t l4;			/* offset of the transport header */
	uint32_t end;			/* offset after the last octet of the IP packet; <= len */
	uint32_t whole_end;		/* the same for what is not all here: a quoted packet, the message of a first fragment (SCTP) */
	bool icmp_request;		/* an ICMP query: its identifier is the source port */
	bool icmp_answer;		/* the answer to one: its identifier is the destination port */
	bool has_ports;			/* ports or an identifier, which can be rewritten */
	bool has_flow;			/* tuple identifies a flow: with ports, or a protocol that has none (R26) */
	bool is_error;			/* ICMP error: it quotes a packet */
	bool is_fragment;		/* more than one piece, this is one of them */
	bool is_later;			/* a fragment, and not the first: no transport header, no ports */
	bool more_fragments;		/* not the last piece */
	uint16_t frag_at, frag_octets;	/* where this piece lies in the datagram, and how long it is */
	uint16_t frag_header;		/* IPv6: offset of the fragment header */
	uint32_t frag_id;		/* identification */
};

enum {
	ONE_WAY_PACKETS = 16,		/* unanswered, before conntrack is told to take a flow for one that lasts */
	BURST_PACKETS = 64,		/* unanswered, of which conntrack may not know yet that they are of one flow */
};

struct nat_pkt {
	/* from the caller */
	uint8_t *data;			/* IP header first; rewritten in place */
	uint64_t received_ns;		/* when the kernel got it from a device, by the wall's clock; 0: not said. The engine never reads it */
	uint32_t len;			/* octets at data */
	uint32_t indev, outdev;		/* ifindex, 0 if the hook has none */
	uint8_t hook;			/* enum nat_hook */
	bool csum_partial;		/* the L4 checksum is only the pseudo-header's sum (NFQA_SKB_CSUMNOTREADY, R5) */
	bool gso;			/* an aggregate the kernel will cut up again (NFQA_SKB_GSO) */
	bool truncated;			/* the kernel kept the rest (NFQA_CAP_LEN): must not be written back (R7) */
	bool headers;			/* from a queue that hands over headers only: what needs more can come whole */
	uint32_t whole;			/* if truncated: octets of the whole packet */
	uint32_t mark_in;		/* mark that it carries; 0: none */
	struct nat_recent *recent;	/* this thread's (recent.h); NULL: none */

	/* from pkt_parse() */
	struct pkt_view view;
	uint8_t tcp_flags;
	bool plain;			/* whole TCP or UDP, no options, no extension headers, of no address of a link or a group */

	/* of a fragment, from nat_packet(); see frag.h */
	bool release;			/* what was HELD of this datagram can be given again */

	/* from nat_look() to nat_packet() */
	bool looked;			/* parsed; false from the caller */
	bool hashed;			/* hash is good; not of errors and fragments, nor where there is a guess without it */
	uint32_t guess;			/* the flow it seems to be, NAT_NONE if none; see flow_guessed() */
	uint32_t check;			/* for entry */
	uint64_t hash;			/* nat_tuple_hash() of the key it is looked up by */
	struct recent *entry;		/* of recent: where its flow is to be noted; NULL: nowhere */

	/* from nat_packet() */
	uint64_t datagram;		/* number of the datagram a fragment belongs to; 0: it is whole */
	uint8_t reason;			/* enum nat_reason */
	bool changed;			/* data was rewritten: it must be given back with the verdict */
	bool csum_full;			/* nat_finish() must write the whole L4 checksum */
	bool one_way;			/* passes the host's rules at FORWARD, and its flow was not answered for ONE_WAY_PACKETS */
	bool burst;			/* the rest of its hook must be skipped: see is_burst() in nat.c */
	uint8_t dir;			/* enum nat_dir; meaningful if flow is */
	uint32_t mark;			/* not 0: the kernel shall rewrite it by this mark (mark.h), data is as it was */
	uint32_t too_big;		/* not 0: its sender must be told that it may have so many octets, see life.h */
	uint32_t flow;			/* index, NAT_NONE if none */
	uint32_t forward;		/* the caller's number of the forward, NAT_NONE if none */
	uint8_t ends_proto;		/* protocol of before and after: the packet's, or that of the one it quotes */
	struct nat_ends before;		/* as it came; of an ICMP error: those of the packet it quotes */
	struct nat_ends after;		/* as it goes, if changed or marked */
};

/**
 * pkt_parse_ip - find the parts of an IP packet
 * @data:   @len octets, IP header first
 * @quoted: only its beginning is here, as in an ICMP error: may end anywhere
 *          after 8 octets of its transport header (RFC 792, R56); lengths
 *          inside may exceed @len
 * @v:      out; defined up to the failing step, for logs
 *
 * Returns NAT_WHY_UNDECIDED if the tuple is good (of a later fragment: its
 * addresses), else the reason for which the packet is not translated. Cost: O(headers), at most 16 of IPv6's (R72).
 */
enum nat_reason pkt_parse_ip(const uint8_t *data, uint32_t len, bool quoted, struct pkt_view *v);

/* pkt_parse - pkt_parse_ip() of the whole packet, and its TCP header; fills view, tcp_flags, before, after */
enum nat_reason pkt_parse(struct nat_pkt *p);

#endif
