/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * protocol - what the libvirt watcher and the main process say to each other.
 *
 * The watcher is the executable nfqnat-virt, a child of nfqnatd and the only
 * thing linked with libvirt. Both sides write JSON texts, one per line, each
 * ended by one '\n' and holding no other, on a stream socket that the
 * watcher finds as VIRT_FD. End of file means: the other side is gone.
 *
 * The protocol is level-triggered: whatever changes, the watcher sends the
 * whole world again (after a pause of VIRT_DEBOUNCE_MS at most, so that a
 * bunch of events is one message). No message depends on one before it.
 *
 * watcher -> main
 *   {"type":"hello","version":1}                first of all, once
 *   {"type":"heartbeat"}                        every VIRT_HEARTBEAT_S from its event loop; silence means it hangs
 *   {"type":"log","level":"error|warn|info|debug","text":"..."}
 *   {"type":"world","connections":[...],"networks":[...],"guests":[...]}
 *     connections  {"uri":"qemu:///system","up":true,"why":""}        why: libvirt's words when it is down
 *     networks     {"uri","uuid","name","active":bool,"mode":"nat|route|open|isolated|bridge|macvtap|hostdev|other",
 *                   "ipv6_nat":bool,"bridge":"virbr0","addresses":["192.168.122.1/24","fd00:122::1/64"]}
 *     guests       {"uri","uuid","name","state":"running|paused|off","generation":N,
 *                   "nics":[...],"forwards":[...],"warnings":["text", ...]}
 *       generation steps at each start, restore and snapshot revert: what ran before is gone, its flows end
 *       nics       {"mac":"52:54:00:00:00:01","type":"network|bridge|direct|hostdev|user|other",
 *                   "network":"lab"|null,"bridge":"virbr0"|null,"target":"vnet0"|null,"up":bool,
 *                   "addresses":[{"address":"192.168.122.50","source":"dhcp-host|lease|neighbour|agent"}]}
 *       forwards   from the guest's metadata: {"proto":"tcp|udp","address":"203.0.113.5"|null,"dev":"eth0"|null,
 *                   "ranges":[{"start":N,"end":N|null,"to":N|null,"exclude":bool}]}
 *       warnings   metadata elements and addresses that were refused, each with the reason; shown with the guest
 *
 *   A connection that is down keeps its networks and guests in the world as
 *   they were last known: forwarding must not depend on libvirtd.
 *   A message that breaks a limit below or the grammar above is refused as a
 *   whole, logged, and the last world stays. Unknown keys are ignored.
 *
 * main -> watcher
 *   {"type":"configure","uris":["qemu:///system"],"metadata":bool,"lease_dir":"/var/lib/libvirt/dnsmasq","agent":bool}
 *     right after start, and again when the configuration changes
 */
#ifndef VIRT_PROTOCOL_H
#define VIRT_PROTOCOL_H

enum {
	VIRT_FD = 3,			/* the watcher's end */
	VIRT_VERSION = 1,
	VIRT_HEARTBEAT_S = 3,
	VIRT_SILENCE_S = 20,		/* then main sends SIGKILL and starts another */
	VIRT_DEBOUNCE_MS = 50,

	VIRT_LINE_OCTETS = 8 << 20,	/* of one message, the newline included */
	VIRT_VALUES = 1 << 20,		/* in one message: commas and opening brackets */
	VIRT_UUID_OCTETS = 36,
	VIRT_TEXT_OCTETS = 255,		/* of any string, UTF-8; uuid: 36, mac: 17, bridge and target: 15 */

	VIRT_CONNECTIONS = 16,
	VIRT_NETWORKS = 1024,
	VIRT_NETWORK_ADDRESSES = 16,
	VIRT_GUESTS = 4096,
	VIRT_NICS = 32,			/* of one guest */
	VIRT_NIC_ADDRESSES = 32,
	VIRT_FORWARDS = 64,		/* of one guest's metadata */
	VIRT_RANGES = 64,		/* of one forward */
	VIRT_WARNINGS = 16,		/* of one guest */
};

#endif
