#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Agents in guests are asked only if the admin wants that; one that hangs, says too much or lies harms nobody.

. "$(dirname "$0")/lib.sh"

lab_ready
M1=$(mac_of a1) M2=$(mac_of liar)
# Guests that say nothing by themselves: only their agents know where they are.
ADDR=192.168.122.161/24,fd00:122::161/64 AGENT=qemu vm a1
ADDR=192.168.122.162/24 AGENT=hang vm hang
ADDR=192.168.122.163/24 AGENT=huge vm huge
AGENT="$B4@$M2,192.168.122.161@$M2,192.168.122.169@$M1,8.8.8.8@$M2,192.168.122.170@02:00:00:00:00:01"
ADDR=none AGENT=$AGENT vm liar

connected() { v dumpxml "$1" | grep -q "guest_agent.0' state='connected'"; }
asker() { pgrep -x nfqnat-ask; }
no_broker() { ! pgrep -x nfqnat-broker; }

follow qemu:///system
for g in a1 hang huge liar; do
	must "$g starts" v start $g
done
for g in a1 hang huge liar; do
	must "the agent of $g is there" wait_for 60 connected $g
done
sees agent_is_not_asked_unless_asked_for "$SOON" 'state("a1") == "running" and addrs("a1") == "" and addrs("liar") == ""'
check agent_nobody_asks_unless_asked_for no_broker
kill "$FOLLOWER"
wait "$FOLLOWER"

# ---- asked ----

"$BUILD/nfqnat-virt" --agents --follow --uri qemu:///system >"$DIR/world" 2>"$DIR/follow.log" &
FOLLOWER=$!
# QEMU's own agent, which tells of loopback and link-local addresses, too.
sees agent_of_qemu_tells "$LONG" 'addrs("a1") == "192.168.122.161/agent fd00:122::161/agent"'
# Of two who say that it is theirs, nfqnatd decides: below.
sees agent_own_mac_alone "$LONG" 'addrs("liar") == "192.168.122.161/agent"'
sees agent_lie_about_the_host_refused "$SOON" "'claims $B4 (agent), which is an address of this host: refused' in warnings('liar')"
sees agent_lie_about_another_mac_refused "$SOON" "'its agent speaks of $M1, which is a NIC of a1: refused' in warnings('liar')"
check agent_hang_is_told wait_for "$LONG" file_has "$DIR/follow.log" 'hang: its agent gives no answer'
check agent_huge_is_told wait_for "$LONG" file_has "$DIR/follow.log" 'huge: its agent gives no answer'

# ---- what asks can do little else ----

broker=$(pgrep -x nfqnat-broker)
check broker_has_no_capability test "$(grep -cE '^Cap(Prm|Eff|Inh|Amb):\s0+$' "/proc/$broker/status")" = 4
check broker_gets_no_privilege grep -qE '^NoNewPrivs:\s1$' "/proc/$broker/status"
check broker_is_filtered grep -qE '^Seccomp:\s2$' "/proc/$broker/status"
filters() { sed -n 's/^Seccomp_filters:\s*//p' "/proc/$1/status"; }
confined() { for pid in $(asker); do (($(filters "$pid") <= $(filters "$broker"))) || return 0; done; return 1; }
no_asker() { ! asker; }
v destroy hang >/dev/null
v start hang >/dev/null
check asker_of_a_silent_agent_is_confined wait_for 60 confined
check asker_ends wait_for "$LONG" no_asker

for g in a1 hang huge liar; do
	v destroy $g >/dev/null
done
sees agent_off "$LONG" 'state("a1") == "off" and addrs("a1") == ""'
kill "$FOLLOWER"
wait "$FOLLOWER"
FOLLOWER=
check broker_ends_with_it wait_for 5 gone "$broker"

# ---- and forwards ----

config() {
	cat <<-END
		queue: 0
		steering: ${STEERING:-auto}
		libvirt: { agent: $1 }
		forwards:
		  - { guest: a1, source: host, publish: "8201:80" }
		  - { guest: liar, publish: "8202:80" }
	END
}
daemon_start < <(config true)
v start a1 >/dev/null
must "the agent of a1 is there again" wait_for 60 connected a1
check agent_forward http $H4 8201 a1
check agent_forward_v6 http "[$H6]" 8201 a1
check agent_is_in_the_log file_has "$DIR/daemon.log" 'guest a1, IPv4 active at 192.168.122.161 \((agent|neighbour)\)'
v start liar >/dev/null
check agent_lie_about_another_refused wait_for 60 file_has "$DIR/daemon.log" \
	"claims 192.168.122.161 .agent., which belongs to $M1: refused|liar, IPv4 address refused: it is another guest's: 192.168.122.161"
check agent_lie_about_another_keeps_it http $H4 8201 a1
daemon_reload < <(config false)
check agent_no_more wait_for "$LONG" no_broker
v destroy a1 >/dev/null
v destroy liar >/dev/null
for g in a1 hang huge liar; do
	v undefine $g >/dev/null
done
