#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# nfqnat-virt alone: every event of libvirt, lease and neighbour is in the world at once.

. "$(dirname "$0")/lib.sh"

NS=urn:nfqnat:forwards:1

# Absent at start: it is waited for, and its guests are there at once.
follow qemu:///system lxc:///system
sees absent_at_start "$LONG" 'conn("qemu") == False and conn("lxc") == False and why("qemu")'
must "libvirtd starts" libvirtd_start
sees comes_later "$LONG" 'conn("qemu") and conn("lxc")'
must "network" net_default
sees net_started "$LONG" 'net("default")["active"] and net("default")["mode"] == "nat" and net("default")["ipv6_nat"]
	and net("default")["addresses"] == ["192.168.122.1/24", "fd00:122::1/64"]'

# ---- a machine's life, event by event ----

qemu-img create -q -f qcow2 "$DIR/disk.qcow2" 16M
DISK=$DIR/disk.qcow2 vm g1
sees define "$LONG" 'state("g1") == "off" and not up("g1") and addrs("g1") == ""'
v start g1
sees start "$LONG" 'state("g1") == "running" and up("g1")'
sees address_by_neighbour_or_lease "$LONG" '"192.168.122." in addrs("g1")'
sees addresses_by_lease "$LONG" 'addrs("g1").count("/lease") == 2 and "fd00:122::1" in addrs("g1")'
v suspend g1
sees suspend "$LONG" 'state("g1") == "paused" and up("g1")'
v resume g1
sees resume "$LONG" 'state("g1") == "running"'
# Neither libvirt nor the kernel has an event for it. The slow poll would be too late.
tap=$(v domiflist g1 | awk 'NF { print $1; exit }')
v domif-setlink g1 "$tap" down >/dev/null
sees setlink_down "$SOON" 'state("g1") == "running" and not up("g1")'
v domif-setlink g1 "$tap" up >/dev/null
sees setlink_up "$SOON" 'up("g1")'
# The host's own end, as an admin may do by hand: the kernel tells.
ip link set "$tap" down
sees tap_down "$SOON" 'not up("g1")'
ip link set "$tap" up
sees tap_up "$SOON" 'up("g1")'

metadata() { v metadata g1 $NS --key nfqnat "$@" >/dev/null; }
metadata --live --set "<forwards><portForward proto='tcp' address='$H4'><range start='2222' to='22'/></portForward></forwards>"
sees metadata_set_live "$LONG" 'forwards("g1") == "tcp 198.51.100.1 2222>22"'
metadata --live --set "<forwards><portForward proto='tcp'><range start='2222' end='2230' to='22'/><range start='2225'
	exclude='yes'/></portForward><portForward proto='icmp'/><portForward proto='udp' dev='up0'><range start='5353'/></portForward></forwards>"
sees metadata_change_live "$LONG" 'forwards("g1") == "tcp 2222-2230>22 ~2225; udp%up0 5353"'
sees metadata_bad_element_named "$SOON" '"g1" in warnings("g1") and "portForward 2" in warnings("g1") and "icmp" in warnings("g1")'
metadata --config --set "<forwards><portForward proto='udp'><range start='99'/></portForward></forwards>"
sees metadata_config_waits "$SOON" '"2222" in forwards("g1")'
metadata --live --remove
sees metadata_remove_live "$LONG" 'forwards("g1") == "" and warnings("g1") == ""'

v attach-interface g1 network default --mac 52:54:00:00:02:01 --model virtio --live
sees nic_attach "$LONG" 'nics("g1") == 2'
sees nic_attach_address "$LONG" 'addrs("g1").count("192.168.122.") == 2'
v detach-interface g1 network --mac 52:54:00:00:02:01 --live
sees nic_detach "$LONG" 'nics("g1") == 1 and addrs("g1").count("192.168.122.") == 1'

v reset g1
sees reset_is_the_same_run "$SOON" 'state("g1") == "running" and gen("g1") == 1'
v snapshot-create-as g1 s1
v snapshot-revert g1 s1
sees snapshot_revert "$LONG" 'state("g1") == "running" and up("g1") and gen("g1") == 2 and addrs("g1").count("/lease") == 2'
v managedsave g1
sees managedsave "$LONG" 'state("g1") == "off" and addrs("g1") == ""'
v start g1
sees restore "$LONG" 'state("g1") == "running" and up("g1") and gen("g1") == 3 and addrs("g1").count("/lease") == 2'
sees restore_takes_the_live_metadata "$SOON" 'forwards("g1") == ""'
kill -9 "$(cat /run/libvirt/qemu/g1.pid)"
sees killed_qemu_nic_is_down "$LONG" 'not up("g1")'
sees killed_qemu_is_off "$LONG" 'state("g1") == "off"'
sees off_shows_config_metadata "$SOON" 'forwards("g1") == "udp 99"'
# A description that is defined anew: libvirt tells no change of metadata.
v dumpxml g1 --inactive | sed "s/start=\(.\)99/start=\198/" >"$DIR/edited.xml"
v define "$DIR/edited.xml"
sees edit_metadata_is_read_anew "$SOON" 'state("g1") == "off" and forwards("g1") == "udp 98"'
v domrename g1 g2
sees rename "$LONG" 'known("g2") and not known("g1")'
v start g2
sees started_anew "$LONG" 'state("g2") == "running" and gen("g2") > 3 and forwards("g2") == "udp 98"'
# Pressed until the guest is up far enough to notice.
press() { v shutdown g2; world 2 'state("g2") == "off"'; }
must "g2 powers off" wait_for "$LONG" press
sees shutdown "$LONG" 'state("g2") == "off"'
v start g2
sees start_again "$LONG" 'state("g2") == "running"'
v destroy g2
sees destroy "$LONG" 'state("g2") == "off" and not up("g2")'
v undefine g2 --snapshots-metadata
sees undefine "$LONG" 'not known("g2")'
