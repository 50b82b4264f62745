/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reason - whatever happens to a packet happens for exactly one reason.
 *
 * One list gives the enum, the words that logs and counters use, and the
 * verdict that goes with it; so no packet can be decided without being
 * counted, and no counter can be without a name. FRAGMENT_HELD and HEADERS_ONLY
 * are no end: a packet counted there is counted once more when it is decided.
 */
#ifndef NAT_REASON_H
#define NAT_REASON_H

#include <stdint.h>

/* The numbers are netfilter's (include/uapi/linux/netfilter.h): NF_DROP, NF_ACCEPT, NF_STOP. */
enum nat_verdict {
	NAT_DROP = 0,
	NAT_ACCEPT = 1,
	NAT_STOP = 5,		/* accept, and skip the rest of this hook: the host's FORWARD rules */
	NAT_HOLD = 256,		/* no verdict yet: keep it, see frag.h */
	NAT_WHOLE = 257,	/* no verdict yet: let it come whole, see mark.h */
};

/*        name             verdict     words */
#define NAT_REASON_LIST(X)                                                                        \
	X(TRANSLATED,      NAT_ACCEPT, "translated")                                              \
	X(OPENED,          NAT_ACCEPT, "translated, new flow")                                    \
	X(PICKED_UP,       NAT_ACCEPT, "translated, new flow picked up in mid-stream")            \
	X(STOPPED,         NAT_STOP,   "passed the host's FORWARD rules")                         \
	X(RESPECTED,       NAT_ACCEPT, "left to the host's FORWARD rules")                        \
	X(LATER,           NAT_ACCEPT, "translated at a later hook")                              \
	X(DONE,            NAT_ACCEPT, "already translated at an earlier hook")                   \
	X(ERROR,           NAT_ACCEPT, "ICMP error, translated with the packet it quotes")        \
	X(PREFIX,          NAT_ACCEPT, "prefix translated, without state")                        \
	X(FILTERED,        NAT_ACCEPT, "to a masqueraded port, not from whom the guest sent to: left to the host") \
	X(NO_FORWARD,      NAT_ACCEPT, "no forward for it, left to the host")                     \
	X(NO_FLOW,         NAT_ACCEPT, "of no flow, left alone")                                  \
	X(ERROR_NO_FLOW,   NAT_ACCEPT, "ICMP error about no flow, left alone")                    \
	X(ERROR_MISFIT,    NAT_DROP,   "ICMP error not sent to the sender of the packet it quotes")  \
	X(ERROR_CSUM,      NAT_DROP,   "ICMP error with a wrong checksum")                        \
	X(ERROR_OF_RULES,  NAT_DROP,   "port unreachable, said by the host's rules of what passes them")    \
	X(LOCAL_SCOPE,     NAT_ACCEPT, "link-local or multicast, never translated")               \
	X(OTHER_PROTO,     NAT_ACCEPT, "protocol is not translated")                              \
	X(ROUTED_HEADER,   NAT_ACCEPT, "routing header with segments left, not translated")       \
	X(NOT_ALLOWED,     NAT_DROP,   "source is not on the forward's allow list")               \
	X(REJECTED,        NAT_DROP,   "its guest is not there: rejected")                        \
	X(DISCARDED,       NAT_DROP,   "its guest is not there: dropped")                         \
	X(HELD,            NAT_DROP,   "its guest is not there yet: dropped, to be asked again")  \
	X(TTL_OVER,        NAT_DROP,   "its hops end at this host: its sender is told")           \
	X(SPOOFED,         NAT_DROP,   "a guest's source address from where no guest is")                \
	X(HIDDEN,          NAT_DROP,   "to a masqueraded subnet's own address, from outside")     \
	X(PRIVATE_SOURCE,  NAT_DROP,   "would leave with a masqueraded subnet's own address")     \
	X(PREFIX_UNMAPPABLE, NAT_DROP, "address that its prefix's translation cannot express")    \
	X(FORWARD_ENDED,   NAT_DROP,   "its forward was removed or leads elsewhere now")          \
	X(TABLE_FULL,      NAT_DROP,   "flow table is full of answered flows")                    \
	X(LIMIT_FLOWS,     NAT_DROP,   "its forward has as many flows as it may")                 \
	X(LIMIT_SOURCE,    NAT_DROP,   "its source has as many flows as it may")                  \
	X(LIMIT_RATE,      NAT_DROP,   "more new flows in a second than there may be")            \
	X(NO_SOURCE_ADDR,  NAT_DROP,   "this host has no address toward the guest")               \
	X(NO_SOURCE_PORT,  NAT_DROP,   "no free source port for it")                              \
	X(NO_OUTSIDE_ADDR, NAT_DROP,   "no outside address to masquerade it with")                \
	X(NO_OUTSIDE_PORT, NAT_DROP,   "no outside port left to masquerade it with")              \
	X(MAPPING_LIMIT,   NAT_DROP,   "its guest has as many mappings as it may have")           \
	X(MAPPINGS_FULL,   NAT_DROP,   "no room for another mapping")                             \
	X(TCP_FLAGS,       NAT_DROP,   "TCP flags that no stack sends together")                  \
	X(TCP_NO_FLOW,     NAT_DROP,   "TCP segment that cannot open a flow")                     \
	X(UNPLACED,        NAT_DROP,   "guest's segment of a connection whose outside address is not known any more")  \
	X(TCP_STATE,       NAT_DROP,   "TCP segment that does not fit the flow's state")          \
	X(SCTP_CHUNKS,     NAT_DROP,   "SCTP chunks that no stack sends together")                \
	X(SCTP_NO_FLOW,    NAT_DROP,   "SCTP packet that cannot open a flow")                     \
	X(SCTP_STATE,      NAT_DROP,   "SCTP packet that does not fit the flow's state")          \
	X(FRAGMENT_HELD,   NAT_HOLD,   "fragment that waits for the first of its datagram")       \
	X(FRAGMENT_TINY,   NAT_DROP,   "first fragment without a whole transport header")         \
	X(FRAGMENT_BAD,    NAT_DROP,   "fragment of a length or place that no sender makes")      \
	X(FRAGMENT_OVERLAP, NAT_DROP,  "fragment that overlaps the first, or a datagram with one that did") \
	X(FRAGMENT_LIMIT,  NAT_DROP,   "too many fragments wait already")                         \
	X(FRAGMENT_TIMEOUT, NAT_DROP,  "fragment whose first did not come in time")               \
	X(HEADERS_ONLY,    NAT_WHOLE,  "only its headers came: asked for whole")                  \
	X(TRUNCATED,       NAT_DROP,   "larger than the kernel hands over")                       \
	X(IP_VERSION,      NAT_DROP,   "neither IPv4 nor IPv6")                                   \
	X(IP_SHORT,        NAT_DROP,   "shorter than its IP header")                              \
	X(IP_LENGTH,       NAT_DROP,   "IP length is not the packet's")                           \
	X(IPV6_CHAIN,      NAT_DROP,   "IPv6 extension headers too long or cut off")              \
	X(ROUTING_TYPE_0,  NAT_DROP,   "IPv6 routing header type 0")                              \
	X(L4_SHORT,        NAT_DROP,   "shorter than its transport header")                       \
	X(TCP_OFFSET,      NAT_DROP,   "TCP data offset outside the segment")                     \
	X(UDP_LENGTH,      NAT_DROP,   "UDP length is not the datagram's")

enum nat_reason {
#define X(name, verdict, words) NAT_WHY_##name,
	NAT_REASON_LIST(X)
#undef X
	NAT_REASONS,
	NAT_WHY_UNDECIDED = NAT_REASONS	/* internal: no step has decided yet; never counted */
};

/* nat_reason_words - for people; "translated, new flow" */
const char *nat_reason_words(enum nat_reason r);

/* nat_reason_name - for machines; "OPENED" */
const char *nat_reason_name(enum nat_reason r);

/* nat_reason_verdict - what the kernel is told */
enum nat_verdict nat_reason_verdict(enum nat_reason r);

#endif
