#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each check of nfqnatctl doctor sees what it is for: broken here, named, mended by the command it gave.

. "$(dirname "$0")/lib.sh"

net_up
ip -n "$P-host" route add default via $C4
ip -n "$P-host" route add ::/0 via $C6
# What the defaults of this machine's kernel may be is no matter here.
host ethtool -K up0 gro on >/dev/null 2>&1
cat >"$DIR/nfqnat.yaml" < <(config_web)

# `check` runs in a shell of its own: what is found is kept in files.
FOUND=$DIR/found STATUS=$DIR/status

# findings CHECK - what it says, as JSON
findings() {
	in_ns_for 60 host "$BUILD/nfqnatctl" --json --socket "$DIR/control.sock" doctor \
		--config "${CONFIG:-$DIR/nfqnat.yaml}" ${1:+"$1"} >"$FOUND" 2>&1
	echo $? >"$STATUS"
}
status_is() { [ "$(<"$STATUS")" = "$1" ]; }
show_found() {
	echo "got status $(<"$STATUS"):"
	cat "$FOUND"
}

# finds CHECK LEVEL WORDS - a finding of this level with these words, and the exit status that goes with it
finds() {
	local want=0

	findings "$1"
	case $2 in
	warning)	want=1 ;;
	problem)	want=4 ;;
	esac
	grep -F "\"check\":\"$1\",\"level\":\"$2\"" "$FOUND" | grep -qE -- "$3" && status_is $want && return
	echo "want: $2, $3; status $want"
	show_found
	return 1
}

# healthy [CHECK] - nothing worse than a note
healthy() {
	findings "${1:-}"
	! grep -qE '"level":"(warning|problem)"' "$FOUND" && grep -q '"end":true' "$FOUND" && status_is 0 && return
	show_found
	return 1
}

# mends CHECK - the command that the check gives, and after it nothing is bad
mends() {
	local command

	command=$(sed -n "s/.*\"check\":\"$1\",.*\"mend\":\"\\([^\"]*\\)\".*/\\1/p" "$FOUND" | head -n 1)
	command=${command%% && echo *}
	command=${command%%    (*}
	host sh -c "$command" >"$DIR/mend" 2>&1 && healthy "$1" && return
	echo "mended by: $command"
	cat "$DIR/mend"
	return 1
}

with_config() {
	CONFIG=$DIR/$1.yaml
	cat >"$CONFIG"
}

check doctor_healthy healthy
check doctor_all_checks_speak eval '[ "$(grep -o "\"check\":\"[a-z-]*\"" "$FOUND" | sort -u | wc -l)" = 16 ]'

# ---- the kernel ----

doctor_without_tools() {
	host env PATH=/nonexistent "$BUILD/nfqnatctl" --json doctor --config "$DIR/nfqnat.yaml" nfqueue >"$FOUND" 2>&1
	echo $? >"$STATUS"
	status_is 4 && grep -q 'neither nft nor iptables' "$FOUND" && return
	show_found
	return 1
}
check doctor_nfqueue_no_program doctor_without_tools
if can_nft_queue; then
	skip doctor_nfqueue_steering "this kernel has everything that steering can ask for"
else
	STEERING=nft config_web | with_config steering
	CONFIG=$DIR/steering.yaml
	check doctor_nfqueue_steering finds nfqueue problem 'steering'
fi
CONFIG=

# taken - a program binds queue 1 and says so; it ends with its standard input
taken() {
	# shellcheck disable=SC2016 # python
	spawn host python3 -c '
import socket, struct, sys
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
s.bind((0, 0))
s.send(struct.pack("=IHHII", 28, 3 << 8 | 2, 5, 1, 0) + struct.pack(">BBH", 0, 0, 1) + struct.pack("=HH", 8, 1) + struct.pack(">BBH", 1, 0, 2))
print(s.recv(100)[16:20].hex(), flush=True)
sys.stdin.read()' <"$DIR/hold_queue" >"$DIR/taken"
	TAKER=$SPAWNED
	wait_for 5 grep -q 00000000 "$DIR/taken"
}
mkfifo "$DIR/hold_queue"
exec {queue_fd}<>"$DIR/hold_queue"
taken
check doctor_queue_taken finds queue problem 'queue 1 is taken by python3'
exec {queue_fd}>&-
end_pid "$TAKER"
check doctor_queue_free healthy queue

# ---- sysctl ----

sysctl_in host net.ipv4.ip_forward=0
check doctor_forwarding_v4 finds forwarding problem 'IPv4 is not routed'
check doctor_forwarding_v4_mended mends forwarding
sysctl_in host net.ipv6.conf.all.forwarding=0
check doctor_forwarding_v6 finds forwarding problem 'IPv6 is not routed'
check doctor_forwarding_v6_mended mends forwarding
sysctl_in host net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.default.rp_filter=1

sysctl_in host net.ipv6.conf.up0.accept_ra=1
ip -n "$P-host" addr add 2001:db8:100::77/64 dev up0 nodad valid_lft 1800 preferred_lft 1800
check doctor_accept_ra finds accept-ra warning 'up0 has addresses'
check doctor_accept_ra_mended mends accept-ra
ip -n "$P-host" addr del 2001:db8:100::77/64 dev up0

if brnf 1; then
	check doctor_bridge_nf finds bridge-nf note 'bridge-nf-call-iptables is 1'
	brnf 0
	check doctor_bridge_nf_off eval 'healthy bridge-nf && ! grep -q "is 1" "$FOUND"'
else
	skip doctor_bridge_nf "no br_netfilter in this kernel"
fi

link host up1 client eth1
ip -n "$P-host" addr add 203.0.113.129/25 dev up1
ip -n "$P-host" route add default via 203.0.113.130 dev up1 metric 500
sysctl_in host net.ipv4.conf.up1.rp_filter=1 net.ipv4.conf.up0.rp_filter=1 net.ipv4.conf.all.rp_filter=0
check doctor_rp_filter finds rp-filter warning 'up1 checks sources strictly'
sysctl_in host net.ipv4.conf.up1.rp_filter=2 net.ipv4.conf.up0.rp_filter=2
check doctor_rp_filter_loose healthy rp-filter
ip -n "$P-host" route del default via 203.0.113.130 dev up1
ip -n "$P-host" route add default metric 500 nexthop via 203.0.113.130 dev up1 nexthop via 203.0.113.131 dev up1
sysctl_in host net.ipv4.conf.up1.rp_filter=1
check doctor_rp_filter_of_shared_ways finds rp-filter warning 'up1 checks sources strictly'
check doctor_rp_filter_said_once eval '[ "$(grep -c "up1 checks sources strictly" "$FOUND")" = 1 ]'
ip -n "$P-host" link del up1

{ config_head; echo "  - { name: high, to: $G4, publish: [\"40000-40010:80-90\"] }"; } >"$DIR/high.yaml"
CONFIG=$DIR/high.yaml
check doctor_ephemeral finds ephemeral warning 'forwarded ports 40000-40010'
check doctor_ephemeral_mended mends ephemeral
sysctl_in host net.ipv4.ip_local_port_range='32768 65535'
check doctor_ephemeral_source_ports finds ephemeral warning 'source-ports 61000-65535 overlap'
sysctl_in host net.ipv4.ip_local_port_range='32768 60999' net.ipv4.ip_local_reserved_ports=
CONFIG=

{ echo "forwards: []"; echo "masquerade: [{ from: \"fd00:122::/64\", out: up0, ports: 40000-40999 }]"; } >"$DIR/masq.yaml"
CONFIG=$DIR/masq.yaml
check doctor_ephemeral_masquerade finds ephemeral warning 'ports of a masquerade, 40000-40999 overlap'
check doctor_ephemeral_masquerade_mended mends ephemeral
sysctl_in host net.ipv4.ip_local_reserved_ports=
check doctor_ula_masquerade finds ula note 'guests of fd00:122::/64 have unique local addresses'
CONFIG=

# ---- outside addresses that nobody has ----

to_outside() { client ping -n -c 1 -W 2 "$1"; }
check doctor_outside_none healthy outside
echo "forwards: []
one-to-one:
  - { inside: $G4, outside: 198.51.100.60, out: up0 }
  - { inside: \"$G6\", outside: \"2001:db8:100::60\", out: up0 }
  - { inside: 192.168.122.64/28, outside: 198.51.100.64/28, out: up0 }
  - { inside: 192.168.122.128/28, outside: 203.0.113.64/28, out: up0 }
nptv6: [{ inside: \"fd00:122:0:1::/64\", outside: \"2001:db8:200:1::/64\", out: up0 }]" | with_config outside
CONFIG=$DIR/outside.yaml
daemon_run -v <"$CONFIG"
daemon_ready
check doctor_outside_v4 finds outside warning 'nobody on up0 answers for the outside address 198.51.100.60'
check doctor_outside_v6 finds outside warning 'nobody on up0 answers for the outside address 2001:db8:100::60'
check doctor_outside_prefix_v4 finds outside warning 'nobody on up0 answers for the outside addresses 198.51.100.64/28'
check doctor_outside_not_what_is_routed eval '! grep -q "203.0.113.64\|2001:db8:200:1" "$FOUND"'
check doctor_outside_v4_is_true eval '! to_outside 198.51.100.60'
check doctor_outside_v6_is_true eval '! to_outside 2001:db8:100::60'
sed -n 's/.*"check":"outside",.*"mend":"\([^"]*\)".*/\1/p' "$FOUND" >"$DIR/mend.sh"
check doctor_outside_commands host sh -e "$DIR/mend.sh"
client ip neigh flush dev eth0
check doctor_outside_mended healthy outside
check doctor_outside_mended_v4 to_outside 198.51.100.60
check doctor_outside_mended_v6 to_outside 2001:db8:100::60
check doctor_outside_mended_prefix_v4 eval 'no_answer client tcp 198.51.100.70 80; client ip neigh show 198.51.100.70 | grep -q lladdr'
stops doctor_outside_stop
config_web >"$DIR/nfqnat.yaml"	# the daemon had run another
ip -n "$P-host" route del local 198.51.100.60 dev lo
ip -n "$P-host" addr add 198.51.100.60/32 dev up0
check doctor_outside_by_address eval '! finds outside warning 198.51.100.60'
sysctl_in host net.ipv6.conf.up0.proxy_ndp=0
check doctor_outside_proxy_ndp_off finds outside warning 2001:db8:100::60
ip -n "$P-host" addr del 198.51.100.60/32 dev up0
ip -n "$P-host" route del local 198.51.100.64/28 dev lo
ip -n "$P-host" -6 neigh del proxy 2001:db8:100::60 dev up0
echo "forwards: []
nptv6: [{ inside: \"fd00:122::/64\", outside: \"2001:db8:100::/64\", out: up0 }]" | with_config outside
CONFIG=$DIR/outside.yaml
check doctor_outside_nptv6 finds outside warning 'outside addresses 2001:db8:100::/64'
CONFIG=

# ---- sockets ----

serve host tcp:8080:whoami udp:8080:whoami
check doctor_listeners_tcp finds listeners warning 'serve .pid [0-9]+. listens on .*8080/tcp, which is forwarded to web'
check doctor_listeners_udp finds listeners warning '8080/udp'
end_pid "$SPAWNED"
check doctor_listeners_gone healthy listeners

# ---- rules of others ----

# drops FLAVOUR - a firewall that lets nothing through, not even what is established
drops() {
	host iptables-"$1" -w -P FORWARD DROP 2>"$DIR/rules.err"
}
for flavour in nft legacy; do
	if ! drops $flavour; then
		skip "doctor_firewall_policy_$flavour" "$(head -n 1 "$DIR/rules.err")"
		continue
	fi
	check doctor_firewall_policy_$flavour finds firewall problem 'policy of FORWARD is DROP'
	host iptables-$flavour -w -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
	check doctor_firewall_established_$flavour healthy firewall
	FIREWALL=respect config_web >"$DIR/respect.yaml"
	CONFIG=$DIR/respect.yaml
	check doctor_firewall_respect_$flavour finds firewall problem 'new connections to 192.168.122.50'
	CONFIG=
	host iptables-$flavour -w -P FORWARD ACCEPT
	host iptables-$flavour -w -F FORWARD
done

for flavour in nft legacy; do
	host iptables-$flavour-restore <"$TOP/tests/netns/libvirt-iptables.rules" 2>"$DIR/rules.err" || continue
	FIREWALL=respect config_web >"$DIR/respect.yaml"
	check doctor_firewall_libvirt_passed healthy firewall
	CONFIG=$DIR/respect.yaml
	check doctor_firewall_libvirt_named finds firewall problem 'LIBVIRT_FWI.*REJECT'
	CONFIG=
	host iptables-$flavour-restore <<<"*filter
COMMIT
*nat
COMMIT
*mangle
COMMIT" 2>/dev/null
	break
done

if host nft -f "$TOP/tests/netns/firewalld.nft" 2>"$DIR/rules.err"; then
	check doctor_firewalld_passed healthy firewall
	FIREWALL=respect config_web >"$DIR/respect.yaml"
	CONFIG=$DIR/respect.yaml
	check doctor_firewalld_named finds firewall problem \
		'new connections to 192.168.122.50.*table inet firewalld, chain filter_FWD_public: reject with icmpx'
	host nft insert rule inet firewalld filter_FWD_public_allow oifname virbr0 accept
	check doctor_firewalld_allowed healthy firewall
	CONFIG=
	host nft delete table inet firewalld
else
	skip doctor_firewalld "$(head -n 1 "$DIR/rules.err")"
fi
if host nft -f - 2>"$DIR/rules.err" <<-END; then
	table inet firewalld {
	  chain filter_FORWARD {
	    type filter hook forward priority 10; policy accept;
	    ct state { established, related } jump allowed
	    iifname "up0" oifname "virbr0" tcp dport { 22, 81-90 } accept
	    ip daddr 192.168.122.0/24 reject
	  }
	  chain allowed { meta mark 5 return; return; }
	}
	END
	check doctor_firewall_nft_table finds firewall problem 'table inet firewalld, chain filter_FORWARD.*reject'
	host nft 'flush chain inet firewalld allowed; add rule inet firewalld allowed accept'
	check doctor_firewall_nft_table_passed healthy firewall
	host nft delete table inet firewalld
else
	skip doctor_firewall_nft_table "$(head -n 1 "$DIR/rules.err")"
fi

rival() {
	host iptables-nft -w -t nat -A PREROUTING -d $HX4 -p tcp --dport 8080 -j DNAT --to-destination 192.168.122.77:80 2>"$DIR/rules.err" ||
		host iptables-legacy -w -t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination 192.168.122.77:80 2>"$DIR/rules.err"
}
{ config_head; echo "  - { name: web, to: $G4, publish: \"$HX4:8080:80\" }"; } >"$DIR/rival.yaml"
CONFIG=$DIR/rival.yaml
check doctor_rivals_none healthy rivals
if rival; then
	check doctor_rivals finds rivals warning 'port 8080 of web .*192.168.122.77'
	host iptables-nft -w -t nat -F PREROUTING 2>/dev/null
	host iptables-legacy -w -t nat -F PREROUTING 2>/dev/null
else
	skip doctor_rivals "$(head -n 1 "$DIR/rules.err")"
fi
CONFIG=

# Docker: FORWARD is closed to all but its own, and it has a port that is ours.
for flavour in nft legacy; do
	host iptables-$flavour-restore <"$TOP/tests/netns/docker-iptables.rules" 2>"$DIR/rules.err" || continue
	check doctor_docker_policy finds firewall problem 'policy of FORWARD is DROP'
	check doctor_docker_rival finds rivals warning 'port 8080 of web .*172.17.0.2'
	host iptables-$flavour -w -I DOCKER-USER -j ACCEPT
	check doctor_docker_user_mends healthy firewall
	host iptables-$flavour-restore <<<"*filter
COMMIT
*nat
COMMIT" 2>/dev/null
	host iptables-$flavour -w -P FORWARD ACCEPT
	break
done
check doctor_docker_gone healthy firewall

# ---- libvirt: a /run of its own for each ----

# libvirt_case CONFIG-LINES COMMAND - doctor libvirt where /run/libvirt is what COMMAND makes it
libvirt_case() {
	printf '%s\n' "$1" >"$DIR/libvirt.yaml"
	config_web >>"$DIR/libvirt.yaml"
	# shellcheck disable=SC2016 # in the other shell
	in_ns_for 60 host unshare --mount --pid --fork --kill-child bash -c 'mount -t tmpfs tmpfs /run && mkdir /run/libvirt && eval "$1" && shift && exec "$@"' \
		_ "$2" "$BUILD/nfqnatctl" --json doctor --config "$DIR/libvirt.yaml" libvirt >"$FOUND" 2>&1
	echo $? >"$STATUS"
}
# says WORDS STATUS
says() {
	grep -qE "$1" "$FOUND" && status_is "$2" && return
	echo "want: $1, status $2"
	show_found
	return 1
}
libvirt_case 'libvirt: { metadata: true }' true
check doctor_libvirt_absent says '"problem","what":"libvirtd does not run' 4
libvirt_case '' true
check doctor_libvirt_not_needed says '"level":"ok"' 0
# A socket that takes connections and says nothing: what a stopped libvirtd looks like.
libvirt_case 'libvirt: { metadata: true }' 'exec 3< <(exec socat -u UNIX-LISTEN:/run/libvirt/libvirt-sock-ro,fork STDOUT 2>/dev/null); until [ -S /run/libvirt/libvirt-sock-ro ]; do sleep 0.03; done'
check doctor_libvirt_hangs says 'libvirtd hangs' 4

# ---- guests ----

{ config_head; echo "  - { name: nobody, to: 192.168.122.77, publish: 8080 }"; } >"$DIR/nobody.yaml"
CONFIG=$DIR/nobody.yaml
check doctor_guests_silent finds guests warning 'guest 192.168.122.77 does not answer on virbr0'
{ config_head; echo "  - { name: away, to: 192.168.200.7, publish: 8080 }"; } >"$DIR/away.yaml"
CONFIG=$DIR/away.yaml
check doctor_guests_default_route finds guests problem 'reached by the default route, on up0'
ip -n "$P-host" route add unreachable 192.168.200.0/24
check doctor_guests_no_route finds guests problem 'no route to guest 192.168.200.7'
CONFIG=
# The guest's own default route: what clients send comes, what it answers goes elsewhere.
check doctor_guests_healthy healthy guests
ip -n "$P-guest" route del default
check doctor_guests_own_default_route finds guests warning 'guest 192.168.122.50 answers this host, but not when it is asked from 198.51.100.1'
check doctor_guests_own_route_is_named grep -qF "in the guest: ip route replace default via $B4, or" "$FOUND"
{ config_head; echo "  - { name: full, to: $G4, source: host, publish: 8080 }"; } >"$DIR/full.yaml"
CONFIG=$DIR/full.yaml
check doctor_guests_source_host_needs_none healthy guests
CONFIG=
ip -n "$P-guest" route add default via $B4
ip -n "$P-guest" -6 route del default
check doctor_guests_own_default_route_v6 finds guests warning 'guest fd00:122::50 answers this host, but not when it is asked from 2001:db8:'
ip -n "$P-guest" -6 route add default via $B6
check doctor_guests_own_default_route_back healthy guests
check doctor_ula finds ula note 'fd00:122::50 has a unique local address'
{ config_head; echo "  - { name: gua, to: \"2001:db8:100::2\", publish: 8080 }"; } >"$DIR/gua.yaml"
CONFIG=$DIR/gua.yaml
check doctor_ula_not eval 'healthy ula && ! grep -q note "$FOUND"'
CONFIG=

ip -n "$P-host" link set vnet0 mtu 1300
ip -n "$P-host" link set virbr0 mtu 1500
if finds mtu warning 'virbr0 sends packets of 1500 octets, its port vnet0 takes 1300' >/dev/null; then
	result ok doctor_mtu_port
	check doctor_mtu_port_mended mends mtu
else
	# a bridge follows the smallest of its ports unless it was told otherwise
	check doctor_mtu_port finds mtu warning 'vnet0'
fi
ip -n "$P-host" link set vnet0 mtu 1500
ip -n "$P-host" link set virbr0 mtu 1400
check doctor_mtu_inside finds mtu warning 'virbr0, toward guests, takes packets of 1400 octets, up0 of 1500'
check doctor_mtu_inside_mended mends mtu

host ethtool -K up0 gro off >/dev/null 2>&1
check doctor_offload_gro finds offload note 'GRO is off'
check doctor_offload_gro_mended eval 'mends offload && ! grep -q "GRO is off" "$FOUND"'
skip doctor_offload_lro "no device that can be made here has LRO: it takes hardware"

# ---- beside the daemon ----

daemon_start -v < <(config_web)
check doctor_while_it_runs healthy
check doctor_add_live ctl add --name live --to 192.168.122.77 9090:80
check doctor_sees_what_was_added finds guests warning 'guest 192.168.122.77 does not answer'
stops doctor_daemon_stops

# ---- no check without something broken for it above ----
unbroken() {
	host "$BUILD/nfqnatctl" doctor --config "$DIR/nfqnat.yaml" nonsense 2>&1 | sed -n 's/^  \([a-z-]*\) .*/\1/p' | while read -r c; do
		grep -qE "finds $c (note|warning|problem) |^check doctor_${c}_(hangs|no_program) " "$TOP/tests/netns/46_doctor.sh" || echo "$c"
	done
}
same doctor_every_check_is_broken_once '' "$(unbroken)"

# ---- for people, and what is not understood ----

check doctor_text eval 'host "$BUILD/nfqnatctl" doctor --config "$DIR/nfqnat.yaml" ula | grep -q "^note     ula: "'
check doctor_unknown_check eval '! host "$BUILD/nfqnatctl" doctor --config "$DIR/nfqnat.yaml" nonsense 2>"$DIR/err" && grep -q "rp-filter" "$DIR/err"'
echo 'forwards: 7' >"$DIR/bad.yaml"
CONFIG=$DIR/bad.yaml
findings
same doctor_bad_configuration 4 "$(<"$STATUS")"
finish
