/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * textbook - the NAT that one writes after reading libnetfilter_queue's
 * documentation: one packet, one read, one verdict, a checksum from scratch,
 * default buffers, no GSO. It knows one guest and no flows. A contender.
 *
 *     textbook QUEUE HOST4 GUEST4 HOST6 GUEST6 HOST_PORT GUEST_PORT [HOST_PORT GUEST_PORT]...
 */
#include <stdbool.h>		/* before pktbuff.h, which needs it */

#include <arpa/inet.h>
#include <errno.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <libnetfilter_queue/libnetfilter_queue_ipv4.h>
#include <libnetfilter_queue/libnetfilter_queue_ipv6.h>
#include <libnetfilter_queue/libnetfilter_queue_tcp.h>
#include <libnetfilter_queue/libnetfilter_queue_udp.h>
#include <libnetfilter_queue/pktbuff.h>
#include <linux/netfilter.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { PORTS_MAX = 8, ROOM = 65536 + 4096 };

static struct in_addr host4, guest4;
static struct in6_addr host6, guest6;
static uint16_t host_port[PORTS_MAX], guest_port[PORTS_MAX];
static unsigned ports;

static uint16_t swap_port(uint16_t port, const uint16_t *from, const uint16_t *to)
{
	for (unsigned i = 0; i < ports; i++)
		if (port == from[i])
			return to[i];
	return port;
}

/* Rewrite the ports of what follows the IP header; @inbound: to the guest. */
static void swap_ports(uint8_t *l4, bool inbound)
{
	uint16_t *at = (uint16_t *)(void *)(l4 + (inbound ? 2 : 0));

	*at = inbound ? swap_port(*at, host_port, guest_port) : swap_port(*at, guest_port, host_port);
}

static void translate4(struct pkt_buff *pkt, struct iphdr *ip)
{
	uint8_t *l4 = (uint8_t *)ip + 4 * ip->ihl;
	bool inbound = ip->daddr == host4.s_addr;

	if (inbound)
		ip->daddr = guest4.s_addr;
	else
		ip->saddr = host4.s_addr;
	swap_ports(l4, inbound);
	nfq_ip_set_transport_header(pkt, ip);
	nfq_ip_set_checksum(ip);
	if (ip->protocol == IPPROTO_TCP)
		nfq_tcp_compute_checksum_ipv4((struct tcphdr *)(void *)l4, ip);
	else
		nfq_udp_compute_checksum_ipv4((struct udphdr *)(void *)l4, ip);
}

static void translate6(struct pkt_buff *pkt, struct ip6_hdr *ip)
{
	uint8_t *l4 = (uint8_t *)(ip + 1);
	bool inbound = !memcmp(&ip->ip6_dst, &host6, sizeof(host6));

	if (inbound)
		ip->ip6_dst = guest6;
	else
		ip->ip6_src = host6;
	swap_ports(l4, inbound);
	nfq_ip6_set_transport_header(pkt, ip, ip->ip6_nxt);
	if (ip->ip6_nxt == IPPROTO_TCP)
		nfq_tcp_compute_checksum_ipv6((struct tcphdr *)(void *)l4, ip);
	else
		nfq_udp_compute_checksum_ipv6((struct udphdr *)(void *)l4, ip);
}

static int on_packet(struct nfq_q_handle *q, struct nfgenmsg *msg, struct nfq_data *data, void *ctx)
{
	struct nfqnl_msg_packet_hdr *head = nfq_get_msg_packet_hdr(data);
	struct pkt_buff *pkt;
	uint8_t *octets;
	int len = nfq_get_payload(data, &octets), done;

	(void)msg;
	(void)ctx;
	if (!head)
		return 0;
	if (len < (int)sizeof(struct iphdr))
		return nfq_set_verdict(q, ntohl(head->packet_id), NF_ACCEPT, 0, NULL);
	pkt = pktb_alloc(octets[0] >> 4 == 4 ? AF_INET : AF_INET6, octets, (size_t)len, 0);
	if (!pkt)
		return nfq_set_verdict(q, ntohl(head->packet_id), NF_DROP, 0, NULL);
	if (octets[0] >> 4 == 4)
		translate4(pkt, nfq_ip_get_hdr(pkt));
	else
		translate6(pkt, nfq_ip6_get_hdr(pkt));
	done = nfq_set_verdict(q, ntohl(head->packet_id), NF_ACCEPT, pktb_len(pkt), pktb_data(pkt));
	pktb_free(pkt);
	return done;
}

static int arguments(int argc, char **argv)
{
	if (argc < 8 || argc % 2 || argc > 6 + 2 * PORTS_MAX || inet_pton(AF_INET, argv[2], &host4) != 1 ||
	    inet_pton(AF_INET, argv[3], &guest4) != 1 || inet_pton(AF_INET6, argv[4], &host6) != 1 ||
	    inet_pton(AF_INET6, argv[5], &guest6) != 1)
		return -1;
	for (int i = 6; i < argc; i += 2, ports++) {
		host_port[ports] = htons((uint16_t)atoi(argv[i]));
		guest_port[ports] = htons((uint16_t)atoi(argv[i + 1]));
	}
	return 0;
}

int main(int argc, char **argv)
{
	static char room[ROOM] __attribute__((aligned));
	struct nfq_handle *h;
	struct nfq_q_handle *q;
	ssize_t n;

	if (arguments(argc, argv) < 0) {
		fputs("usage: textbook QUEUE HOST4 GUEST4 HOST6 GUEST6 HOST_PORT GUEST_PORT [HOST_PORT GUEST_PORT]...\n", stderr);
		return 2;
	}
	h = nfq_open();
	q = h ? nfq_create_queue(h, (uint16_t)atoi(argv[1]), on_packet, NULL) : NULL;
	if (!q || nfq_set_mode(q, NFQNL_COPY_PACKET, 0xffff) < 0) {
		perror("textbook: queue");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		n = recv(nfq_fd(h), room, sizeof(room), 0);
		if (n >= 0)
			nfq_handle_packet(h, room, (int)n);
		else if (errno != ENOBUFS && errno != EINTR)
			return 1;
	}
}
