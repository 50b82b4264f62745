#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A narrow link before, at or behind the host: the error reaches the right end and 3 MB arrive (R62).

. "$(dirname "$0")/lib.sh"

OCTETS=3000000

net_up
# Another path: far - router - host, and host - guest2 as router - deep.
ns_add router
ns_add far
ns_add deep
for n in router guest2; do
	sysctl_in $n net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
done
link host up1 router eth0
link router eth1 far eth0
link guest2 eth1 deep eth0
ip -n "$P-host" -batch - <<-END
	addr add 10.1.0.1/24 dev up1
	addr add 2001:db8:1::1/64 dev up1 nodad
	route add 10.2.0.0/24 via 10.1.0.2
	route add 2001:db8:2::/64 via 2001:db8:1::2
	route add 10.3.0.0/24 via $GG4
	route add fd00:3::/64 via $GG6
END
ip -n "$P-router" -batch - <<-END
	addr add 10.1.0.2/24 dev eth0
	addr add 2001:db8:1::2/64 dev eth0 nodad
	addr add 10.2.0.1/24 dev eth1
	addr add 2001:db8:2::1/64 dev eth1 nodad
END
ip -n "$P-far" -batch - <<-END
	addr add 10.2.0.2/24 dev eth0
	addr add 2001:db8:2::2/64 dev eth0 nodad
	route add default via 10.2.0.1
	route add ::/0 via 2001:db8:2::1
END
ip -n "$P-guest2" -batch - <<-END
	addr add 10.3.0.1/24 dev eth1
	addr add fd00:3::1/64 dev eth1 nodad
END
ip -n "$P-deep" -batch - <<-END
	addr add 10.3.0.2/24 dev eth0
	addr add fd00:3::2/64 dev eth0 nodad
	route add default via 10.3.0.1
	route add ::/0 via fd00:3::1
END
wait_for 5 in_ns far ping -c1 -W1 10.1.0.1 && wait_for 5 in_ns far ping -c1 -W1 2001:db8:1::1 &&
	wait_for 5 host ping -c1 -W1 10.3.0.2 && wait_for 5 host ping -c1 -W1 fd00:3::2 ||
	result 'not ok' "$SUITE" "the routers do not route"

for n in guest deep; do
	mkfifo "$DIR/sink.$n"
	serve $n tcp:7000:sink:"$DIR/sink.$n" tcp:7001:source:$OCTETS tcp:7:echo udp:7:echo
done
config() {
	config_head
	echo "  - name: near
    to: [$G4, \"$G6\"]
    publish: [\"7000-7001\"]
  - name: deep
    to: [10.3.0.2, \"fd00:3::2\"]
    publish: [\"7100-7101:7000-7001\", \"107:7/udp\"]"
}
daemon_start -v < <(config)
WANT=$(peer gen $OCTETS | sha256)

# upload NS ADDR PORT SERVER
upload() {
	sha256 <"$DIR/sink.$4" >"$DIR/sum" &
	[ "$(in_ns "$1" timeout 30 peer tcp -g $OCTETS "$2" "$3" 2>&1)" = "received $OCTETS" ] || {
		kill %% 2>/dev/null
		return 1
	}
	wait $!
	[ "$(cat "$DIR/sum")" = "$WANT" ]
}
# download NS ADDR PORT
download() {
	[ "$(in_ns "$1" timeout 30 peer tcp -o "$2" "$3" | sha256)" = "$WANT" ]
}
# learned NS ADDR [from ADDR] MTU
learned() {
	local mtu=${*: -1} route

	route=$(in_ns "$1" ip route get "${@:2:$#-2}")
	grep -q "mtu $mtu" <<<"$route" && return
	echo "$route"
	return 1
}
# forget - what was learned in the case before
forget() {
	local n

	for n in client far guest deep; do
		in_ns $n ip route flush cache
		in_ns $n ip -6 route flush cache
		in_ns $n ip tcp_metrics flush all >/dev/null 2>&1
	done
}

# ---- before the host: the guest sends too large, a router outside says so (R54) ----
in_ns router ip link set eth1 mtu 1400
check R62_narrow_before_download_v4 download far 10.1.0.1 7001
check R54_guest_learned_the_mtu_v4 learned guest 10.2.0.2 1400
check R62_narrow_before_download_v6 download far 2001:db8:1::1 7001
check R54_guest_learned_the_mtu_v6 learned guest 2001:db8:2::2 1400
in_ns router ip link set eth1 mtu 1500
forget

# ---- at the host: its own bridge is narrow; the error is made here and quotes the translated packet (R4) ----
# The guest's side keeps 1500, so that it offers a segment size the bridge cannot pass.
host ip link set vnet0 mtu 1500
host ip route replace $G4/32 dev virbr0 mtu 1400
host ip -6 route replace $G6/128 dev virbr0 mtu 1400
check R62_narrow_at_host_upload_v4 upload client $HX4 7000 guest
check R4_client_learned_the_mtu_v4 learned client $HX4 1400
check R62_narrow_at_host_upload_v6 upload client $HX6 7000 guest
check R4_client_learned_the_mtu_v6 learned client $HX6 1400
host ip route del $G4/32
host ip -6 route del $G6/128
forget

# ---- at the host, the other way: what is narrow is the way to the client; the error quotes a reply not yet translated ----
host ip route replace $C4/32 dev up0 mtu 1400
host ip -6 route replace $C6/128 dev up0 mtu 1400
check R62_narrow_at_host_download_v4 download client $HX4 7001
check R4_guest_learned_the_mtu_v4 learned guest $C4 1400
check R62_narrow_at_host_download_v6 download client $HX6 7001
check R4_guest_learned_the_mtu_v6 learned guest $C6 1400
host ip route del $C4/32
host ip -6 route del $C6/128
forget

# ---- behind the host: a router between bridge and guest says so; the client must read HX in it (R55) ----
guest2 ip link set eth1 mtu 1400
check R62_narrow_behind_upload_v4 upload client $HX4 7100 deep
check R55_client_learned_the_mtu_v4 learned client $HX4 1400
check R62_narrow_behind_upload_v6 upload client $HX6 7100 deep
check R55_client_learned_the_mtu_v6 learned client $HX6 1400
forget

# The error as the client's socket gets it: from HX, about HX.
pmtu_error() {
	local got

	got=$(client peer udp -E -m "$(printf '%01450d' 0)" "$1" 107 2>&1)
	grep -q "^icmp type $2 mtu 1400 from $1 0 about $1 107" <<<"$got" && return
	echo "got: $got"
	return 1
}
check R55_router_behind_is_seen_as_host_v4 pmtu_error $HX4 '3 code 4'
check R55_router_behind_is_seen_as_host_v6 pmtu_error $HX6 '2 code 0'
forget

# ---- R4: the very first datagram is too big, so conntrack has confirmed nothing yet (docs/decisions/0004) ----
host ip link set virbr0 mtu 1400
# Until the daemon has heard of it nobody says anything: the kernel's own error is about the guest's address.
check R4_first_datagram_too_big_v4 wait_for 10 pmtu_error $HX4 '3 code 4'
forget
check R4_first_datagram_too_big_v6 wait_for 10 pmtu_error $HX6 '2 code 0'
finish
