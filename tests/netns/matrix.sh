# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The basic matrix: TCP, UDP and ICMP echo, IPv4 and IPv6, from every place one
# can ask from; each with the source the guest must see. Sourced after lib.sh.
# The forwards are those of config_web; SUFFIX is put after each name.
#
#     from            guest sees
#     client          the client itself (R27)
#     host, HX        HX, the address that was asked (R3)
#     host, loopback  the bridge: the guest could never answer 127.0.0.1
#     a guest         HX, the address that was asked (R75)

SUFFIX=${SUFFIX:-}

matrix_serve() {
	serve guest tcp:80:whoami udp:80:whoami
	# The host has services of its own on the very same ports; nobody may ever reach them.
	serve host tcp:8080:whoami udp:8080:whoami
}

# matrix_from NAME NS ADDR4 SOURCE4 ADDR6 SOURCE6 - all of one origin
matrix_from() {
	local proto

	for proto in tcp udp; do
		check "$1_${proto}_v4$SUFFIX" sees "$2" $proto "$3" 8080 "$4" $G4 80
		check "$1_${proto}_v6$SUFFIX" sees "$2" $proto "$5" 8080 "$6" $G6 80
	done
	check "$1_icmp_v4$SUFFIX" ping_sees "$2" "$3" "$4" $G4
	check "$1_icmp_v6$SUFFIX" ping_sees "$2" "$5" "$6" $G6
}

matrix_external() { matrix_from R27_external client $HX4 $C4 $HX6 $C6; }
matrix_host_local() { matrix_from R3_host_local host $HX4 $HX4 $HX6 $HX6; }
matrix_loopback() { matrix_from R3_loopback host 127.0.0.1 $B4 ::1 $B6; }
matrix_hairpin_self() { matrix_from R75_hairpin_same_guest guest $HX4 $HX4 $HX6 $HX6; }
matrix_hairpin_other() { matrix_from R75_hairpin_other_guest guest2 $HX4 $HX4 $HX6 $HX6; }

matrix() {
	matrix_external
	matrix_host_local
	matrix_loopback
	matrix_hairpin_self
	matrix_hairpin_other
}
