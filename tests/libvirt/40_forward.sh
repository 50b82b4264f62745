#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# nfqnatd with guests: a port answers when its guest does, and never when it must not.

. "$(dirname "$0")/lib.sh"

lab_ready
qemu-img create -q -f qcow2 "$DIR/g1.qcow2" 16M
CRASH=preserve DISK=$DIR/g1.qcow2 vm g1
net_define second virbr7 "" "<ip address='192.168.149.1' netmask='255.255.255.0'><dhcp><range start='192.168.149.2' end='192.168.149.99'/></dhcp></ip>"
daemon_start <<-END
	queue: 0
	steering: ${STEERING:-auto}
	libvirt: { uri: ["qemu:///system", "lxc:///system"], metadata-ports: 2000-2999 }
	forwards:
	  - { guest: g1, publish: ["8080:80", "7777", "7777/udp"] }
	  - { guest: g1, name: second-nic, network: second, isolated: allow, publish: "8090:80" }
	  - { guest: g2, publish: "8091:80" }
	  - { guest: c1, publish: ["8081:80", "7001:7777"] }
END
# ---- the two times ----

has_leases() { [ -n "$(address_of "$1" 4)" ] && [ -n "$(address_of "$1" 6)" ]; }

check off_is_refused_v4 refused $H4 8080
check off_is_refused_v6 refused $H6 8080
v start g1 >/dev/null
check start_http_v4 answers $H4 8080
check start_http_v6 answers $H6 8080
check start_name_v4 http $H4 8080 g1
check start_name_v6 http "[$H6]" 8080 g1
check start_source_address_v4 whoami tcp $H4 7777 $C4
check start_source_address_v6 whoami tcp $H6 7777 $C6
check start_source_address_udp_v4 whoami udp $H4 7777 $C4
check start_source_address_udp_v6 whoami udp $H6 7777 $C6

# The same again without its leases: dnsmasq gives the same addresses, so the guest can be asked directly, too.
must "g1 has leases" wait_for "$LONG" has_leases g1
g4=$(address_of g1 4) g6=$(address_of g1 6)
v destroy g1 >/dev/null
v net-destroy default >/dev/null
rm -f /var/lib/libvirt/dnsmasq/virbr0.status
v net-start default >/dev/null
check network_back_still_off refused $H4 8080
probe http "$g4" 80 60 >"$DIR/direct4" &
probe http "$g6" 80 60 >"$DIR/direct6" &
from_client http $H4 8080 60 >"$DIR/through4" &
from_client http $H6 8080 60 >"$DIR/through6" &
probes=$(jobs -p)
from=$(($(date +%s%N) / 1000000))
v start g1 >/dev/null
# shellcheck disable=SC2086 # pids
# shellcheck disable=SC2046 # one word for each
wait $(tail -n 4 <<<"$probes")
for f in 4 6; do
	d=$(<"$DIR/direct$f") t=$(<"$DIR/through$f")
	if [[ $d =~ ^[0-9]+$ && $t =~ ^[0-9]+$ ]]; then
		result ok "first_answer_v$f"
		echo "IPv$f: guest answered $((d - from)) ms after virsh start began, its port on the host $((t - d)) ms later"
	else
		result 'not ok' "first_answer_v$f" "directly: $d; forwarded: $t"
		diagnose
	fi
done | tee "$DIR/times"

v event --event lifecycle --loop --timestamp >"$DIR/events" &
EVENTS=$!
must "events are listened to" wait_for 5 alive $EVENTS
from_client refused $H4 8080 60 >"$DIR/refused4" &
REFUSED=$!
talk $H4 7777
v destroy g1 >/dev/null
wait $REFUSED
must "STOPPED is told" wait_for "$LONG" grep -q Stopped "$DIR/events"
kill $EVENTS
stopped=$(($(date -d "$(sed -n 's/: event.*Stopped.*//p' "$DIR/events" | head -n 1)" +%s%N) / 1000000))
check destroy_refused grep -qE '^[0-9]+$' "$DIR/refused4"
echo "refused $(($(<"$DIR/refused4") - stopped)) ms after libvirt's STOPPED" | result_note
check destroy_refused_v6 refused $H6 8080
reset_comes destroy_resets

# ---- events of a machine, as callers meet them ----

v start g1 >/dev/null
check start_again answers $H4 8080
talk $H4 7777
v suspend g1 >/dev/null
check suspend_is_silent silent $H4 8080
frozen() { kill -USR1 "$DAEMON"; file_has "$DIR/daemon.log" 'ESTABLISHED frozen [0-9]+ s left'; }
check suspend_flow_stands_still wait_for "$LONG" frozen
v resume g1 >/dev/null
check resume answers $H4 8080
check resume_flow_goes_on talk_goes_on

tap=$(v domiflist g1 | awk 'NF { print $1; exit }')
v domif-setlink g1 "$tap" down >/dev/null
check setlink_down_refused from_client refused $H4 8080 10	# the slow poll comes after 30
reset_comes setlink_down_resets
v domif-setlink g1 "$tap" up >/dev/null
check setlink_up answers $H4 8080

# The guest knows the conversation when the snapshot is taken, so it does when it is back there.
guest_talks() { client curl -s -m 5 "http://$H4:8080/cgi-bin/talks" >"$DIR/talks" && grep -q ":$1 .*ESTABLISHED" "$DIR/talks"; }
guest_is_told() { client curl -s -m 5 "http://$H4:8080/cgi-bin/talks" >"$DIR/talks" && ! grep ":$1 .*ESTABLISHED" "$DIR/talks"; }
talk $H4 7777
v snapshot-create-as g1 s1 >/dev/null
must "the conversation is in the snapshot" guest_talks 7777
# Its numbers go on, those of the snapshot do not.
must "it goes on after the snapshot" talk_goes_on
v snapshot-revert g1 s1
reset_comes snapshot_revert_resets
check snapshot_revert answers $H4 8080
check snapshot_revert_resets_the_guest wait_for "$LONG" guest_is_told 7777
talk $H4 7777
must "the guest knows this one, too" guest_talks 7777
v managedsave g1 >/dev/null
reset_comes managedsave_resets
check managedsave_refused refused $H4 8080
v start g1 >/dev/null
check restore answers $H4 8080
check restore_v6 answers $H6 8080
check restore_resets_the_guest wait_for "$LONG" guest_is_told 7777

metadata() { v metadata g1 urn:nfqnat:forwards:1 --key nfqnat --live "$@" >/dev/null; }
metadata --set "<forwards><portForward proto='tcp'><range start='2222' to='80'/></portForward></forwards>"
check metadata_add answers $H4 2222
check metadata_add_v6 answers $H6 2222
metadata --set "<forwards><portForward proto='ip'/><portForward proto='tcp'><range start='2223' to='80'/></portForward></forwards>"
check metadata_change answers $H4 2223
check metadata_change_old_one_ends refused $H4 2222
check metadata_bad_element_is_named file_has "$DIR/daemon.log" 'g1.*portForward 1'
metadata --set "<forwards><portForward proto='tcp'><range start='80'/></portForward></forwards>"
check metadata_port_not_allowed wait_for "$LONG" file_has "$DIR/daemon.log" 'g1.*metadata-ports'
check metadata_port_not_allowed_refused refused $H4 80
metadata --remove
check metadata_remove refused $H4 2223

nic=$(mac_of g1)
v detach-interface g1 network --mac "$nic" --live >/dev/null
check nic_detach_refused refused $H4 8080
v attach-interface g1 network default --mac "$nic" --model virtio --live >/dev/null
check nic_attach answers $H4 8080

check second_nic_is_not_there refused $H4 8090
v attach-interface g1 network second --mac 52:54:00:00:02:02 --model virtio --live >/dev/null
check second_nic http $H4 8090 g1
check second_nic_first_goes_on http $H4 8080 g1
v detach-interface g1 network --mac 52:54:00:00:02:02 --live >/dev/null
check second_nic_detach_refused refused $H4 8090

boot() { client curl -s -m 5 "http://$H4:8080/cgi-bin/boot" | grep -E '^[0-9a-f-]{36}$'; }
must "the guest says which boot it is" wait_for "$LONG" boot
before=$(boot)
another_boot() { local now; now=$(boot) && [ "$now" != "$before" ]; }
v reboot g1 >/dev/null
check reboot wait_for "$LONG" another_boot
talk $H4 7777
client curl -s -m 1 "http://$H4:8080/cgi-bin/panic" >/dev/null
reset_comes crash_resets
check crash_refused refused $H4 8080
check crash_is_one_for_libvirt grep -q crashed <(v domstate g1)
v destroy g1 >/dev/null
v start g1 >/dev/null
check crash_start answers $H4 8080
talk $H4 7777
kill -9 "$(cat /run/libvirt/qemu/g1.pid)"
reset_comes killed_qemu_resets
check killed_qemu_refused refused $H4 8080
v domrename g1 g2 >/dev/null
v start g2 >/dev/null
check rename_old_name_refused refused $H4 8080
check rename_new_name http $H4 8091 g1
v destroy g2 >/dev/null
v domrename g2 g1 >/dev/null
v start g1 >/dev/null
check rename_back answers $H4 8080
# Pressed until the guest is up far enough to notice.
press() { v shutdown g1; from_client refused $H4 8080 1; }
must "g1 powers off" wait_for "$LONG" press
check shutdown_refused refused $H4 8080
# Of one that still runs, virsh keeps the snapshots, whatever it is told.
g1_is_off() { [ "$(v domstate g1)" = 'shut off' ]; }
must "g1 is off for libvirt, too" wait_for "$LONG" g1_is_off
must "g1 is undefined" v undefine g1 --snapshots-metadata --managed-save
check undefine_refused refused $H4 8080
v net-destroy second >/dev/null
v net-undefine second >/dev/null
