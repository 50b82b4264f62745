#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A network's guests by pattern, each with its own block of ports; and what callers of one that is off meet.

. "$(dirname "$0")/lib.sh"

lab_ready
export STATE_DIRECTORY=$DIR/state
net_define lab virbr8 "<forward mode='nat'><nat ipv6='yes'/></forward>" \
	"<ip address='192.168.148.1' netmask='255.255.255.0'><dhcp><range start='192.168.148.2' end='192.168.148.99'/></dhcp></ip>" \
	"<ip family='ipv6' address='fd00:148::1' prefix='64'><dhcp><range start='fd00:148::100' end='fd00:148::1ff'/></dhcp></ip>"
for n in 1 2 3; do
	NET=lab UUID=$n$n$n$n$n$n$n$n-0000-4000-8000-000000000000 lxc web$n
done
lxc web9	# of another network

config() {
	cat <<-END
		queue: 0
		steering: ${STEERING:-auto}
		libvirt: { uri: ["lxc:///system"] }
		forwards:
		  - { guest: "web*", network: lab, publish: ["20000+20", "30000+1:80"] }
		  - { guest: "web*", network: lab, name: one-for-all, publish: "8500:80" }
		  - { guest: web1, name: off-drop, when-off: drop, publish: ["8501:80", "8501:7777/udp"] }
		  - { guest: web1, name: off-hold, when-off: hold 300s, publish: "8502:7777" }
		  - { guest: web1, name: off-reject, publish: ["8503:80", "8503:7777/udp"] }
		  - { guest: web1, name: off-hold-a-second, when-off: hold 1s, publish: "8504:80" }
	END
}
status_has() { "$BUILD/nfqnatctl" status | grep -qE "$1"; }
has_block() { status_has "^ *forward $1: guest $1, ports $2-$3,"; }
blocks_are() { has_block web1 20000 20019 && has_block web2 20020 20039 && has_block web3 20040 20059; }
not() { ! "$@"; }
# ends PROTO ADDRESS PORT ERROR - what one try comes to
ends() {
	local got

	got=$(client peer "$1" -t 700 "$2" "$3" 2>&1 </dev/null)
	[ "$got" = "error $4" ] && return
	echo "want: error $4; got: $got"
	return 1
}
# lands ADDRESS PORT GUEST GUEST-PORT - this guest answers there, and sees the client's own address
lands() {
	local got to

	got=$(client peer tcp -t 5000 "$1" "$2" 2>&1 </dev/null)
	[[ $got =~ ^tcp\ (198\.51\.100\.2|2001:db8:100::2)\ [0-9]+\ ([0-9a-f.:]+)\ $4$ ]] && to=${BASH_REMATCH[2]} &&
		in_lxc "$3" ip addr | grep -qF " $to/" && return
	echo "want: $3's port $4; got: $got"
	return 1
}
both() { "$1" "$2" $H4 "${@:3}" && "$1" "$2" $H6 "${@:3}"; }
both_land() { lands $H4 "$@" && lands $H6 "$@"; }

# ---- off: each has its block all the same, and the host's own service on a forwarded port is nobody's answer ----

"$BUILD/tools/serve" tcp:8500-8504:http udp:8500-8504:whoami tcp:20000:http tcp:30000:http >/dev/null &
OWN=$!
daemon_start < <(config)
check block_of_each_by_status wait_for "$LONG" blocks_are
check block_not_of_another_network not status_has '^ *forward web9:'
check block_off_is_refused both ends tcp 20000 ECONNREFUSED
check block_off_is_refused_at_its_own_port both ends tcp 30000 ECONNREFUSED
check off_reject_tcp both ends tcp 8503 ECONNREFUSED
check off_reject_udp_is_unreachable both ends udp 8503 ECONNREFUSED
check off_drop_tcp both ends tcp 8501 ETIMEDOUT
check off_drop_udp both ends udp 8501 ETIMEDOUT
check off_hold_ends_in_refusal refused $H4 8504
check off_hold_is_silent both ends tcp 8502 ETIMEDOUT

# A caller that comes before the guest, and gives up later than that.
for f in 4 6; do
	h=H$f
	client peer tcp -t 60000 "${!h}" 8502 >"$DIR/held$f" 2>&1 </dev/null &
done
held() { status_has '[1-9][0-9]* +drop +HELD|drop +its guest is not there yet'; }
check off_hold_is_told wait_for "$LONG" held
must "web1 starts" vl start web1
check off_hold_v4_is_answered_when_it_comes wait_for 60 file_has "$DIR/held4" "^tcp $C4 [0-9]+ 192.168.148.[0-9]+ 7777"
check off_hold_v6_is_answered_when_it_comes wait_for 60 file_has "$DIR/held6" "^tcp $C6 [0-9]+ fd00:148::1[0-9a-f]+ 7777"
check off_drop_comes http $H4 8501 web1
check off_reject_comes http "[$H6]" 8503 web1

# ---- blocks lead where they must ----

must "web3 starts" vl start web3
must "web9 starts" vl start web9
for n in 1 3; do
	in_lxc web$n env PATH=/bin serve tcp:20000-20059:whoami >/dev/null &
done
check block_first_port wait_for "$LONG" both_land 20000 web1 20000
check block_last_port wait_for "$LONG" both_land 20019 web1 20019
check block_of_the_next_that_is_off both ends tcp 20020 ECONNREFUSED
check block_of_the_third wait_for "$LONG" both_land 20040 web3 20040
check block_to_one_port_v4 http $H4 30000 web1
check block_to_one_port_v6 http "[$H6]" 30002 web3
check block_ends client timeout 5 python3 -c "import socket
try: socket.create_connection(('$H4', 20060), 3)
except ConnectionRefusedError: pass"

# ---- without blocks: one port, of the first that runs ----

check one_for_all_first http $H4 8500 web1
check one_for_all_others_are_told status_has 'forward web3: .*its port is forwarded already'
vl destroy web1 >/dev/null
check one_for_all_next http $H4 8500 web3
check block_stays_while_off blocks_are

# ---- kept: by UUID, over undefine and a restart, in whatever order guests come ----

vl undefine web2 >/dev/null
check block_undefined_is_gone wait_for "$LONG" not status_has '^ *forward web2:'
NET=lab UUID=44444444-0000-4000-8000-000000000000 lxc web4
check block_of_a_new_one_is_another wait_for "$LONG" has_block web4 20060 20079
vl define "$DIR/web2.xml" >/dev/null
check block_defined_again wait_for "$LONG" blocks_are
vl destroy web3 >/dev/null
daemon_stop
for g in web1 web2 web3 web4; do
	vl undefine $g >/dev/null
done
for g in web4 web3 web2; do
	vl define "$DIR/$g.xml" >/dev/null
done
must "web2 starts" vl start web2
daemon_start < <(config)
check block_after_a_restart wait_for "$LONG" has_block web3 20040 20059
check block_after_a_restart_leads_there http $H4 30001 web2
vl define "$DIR/web1.xml" >/dev/null
check block_of_the_last_to_come_is_the_first wait_for "$LONG" blocks_are
check block_of_the_new_one_stays has_block web4 20060 20079
vl undefine web1 >/dev/null
sed 's/<name>web1</<name>web7</' "$DIR/web1.xml" >"$DIR/web7.xml"
vl define "$DIR/web7.xml" >/dev/null
check block_goes_with_the_uuid_not_the_name wait_for "$LONG" has_block web7 20000 20019

kill $OWN
vl destroy web2 >/dev/null
vl destroy web9 >/dev/null
for g in web7 web2 web3 web4 web9; do
	vl undefine $g >/dev/null
done
v net-destroy lab >/dev/null
v net-undefine lab >/dev/null
