#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# nfqnatctl doctor beside a real libvirtd: absent, answering, stopped; and libvirt's own rules are walked right.

. "$(dirname "$0")/lib.sh"

# A network of its own: others may be there from the scripts before.
IP4="<ip address='192.168.199.1' netmask='255.255.255.0'/>"
IP6="<ip family='ipv6' address='fd00:199::1' prefix='64'/>"

config() {
	echo "libvirt: { metadata: true }
firewall: $1
forwards:
  - { name: web, to: [192.168.199.50, \"fd00:199::50\"], publish: \"8080:80\" }"
}
config pass >"$DIR/pass.yaml"
config respect >"$DIR/respect.yaml"

# finds CONFIG CHECK WORDS STATUS
finds() {
	local status

	timeout 60 "$BUILD/nfqnatctl" --json doctor --config "$DIR/$1.yaml" "$2" >"$DIR/found" 2>&1
	status=$?
	grep -qE -- "$3" "$DIR/found" && ((status == $4)) && return
	echo "want: $3, status $4; got status $status:"
	cat "$DIR/found"
	return 1
}

[ ! -e /run/libvirtd.pid ] || ! alive "$(libvirtd_pid)" || libvirtd_end TERM
rm -f /run/libvirt/libvirt-sock-ro	# of one that was killed
check doctor_no_libvirtd finds pass libvirt 'libvirtd does not run' 4
must "libvirtd starts" libvirtd_start
check doctor_libvirtd_answers finds pass libvirt 'libvirtd answers at /run/libvirt/libvirt-sock-ro' 0
kill -STOP "$(libvirtd_pid)"
check doctor_libvirtd_hangs finds pass libvirt 'libvirtd hangs' 4
kill -CONT "$(libvirtd_pid)"
check doctor_libvirtd_again finds pass libvirt 'libvirtd answers' 0

must "network" net_define doctor virbr9 "<forward mode='nat'><nat ipv6='yes'/></forward>" "$IP4" "$IP6"
check doctor_firewall_pass finds pass firewall 'nothing stands in the way' 0
check doctor_firewall_respect_v4 finds respect firewall 'new connections to 192.168.199.50 .*LIBVIRT_FWI.*REJECT' 4
check doctor_firewall_respect_v6 finds respect firewall 'new connections to fd00:199::50 .*LIBVIRT_FWI.*REJECT' 4
libvirtd_end KILL
check doctor_libvirtd_killed finds pass libvirt 'libvirtd does not answer' 4
must "libvirtd starts again" libvirtd_start
v net-destroy doctor
v net-undefine doctor
