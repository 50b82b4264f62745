#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Large transfers arrive octet by octet, with aggregated packets (GSO, GRO) and without.

. "$(dirname "$0")/lib.sh"

net_up
mkfifo "$DIR/sink"
GIB=1073741824
serve guest tcp:7000:sink:"$DIR/sink" tcp:7001:source:$GIB tcp:7002:source:67108864 tcp:7003:echo
config() {
	config_head
	echo "  - name: bulk
    to: [$G4, \"$G6\"]
    publish: [\"7000-7003\"]"
}
daemon_start -v < <(config)

declare -A WANT=()
for n in $GIB 67108864; do
	WANT[$n]=$(peer gen $n | sha256)
done

# upload ADDR OCTETS SECONDS
upload() {
	local start got

	start=$(now_ms)
	sha256 <"$DIR/sink" >"$DIR/sum" &
	got=$(in_ns_for "$3" client peer tcp -t 10000 -g "$2" "$1" 7000 2>&1)
	[ "$got" = "received $2" ] || {
		echo "server: $got"
		kill %% 2>/dev/null
		return 1
	}
	wait $!
	took "$start" "$2"
	[ "$(cat "$DIR/sum")" = "${WANT[$2]}" ]
}
# download ADDR OCTETS SECONDS PORT
download() {
	local start got

	start=$(now_ms)
	got=$(in_ns_for "$3" client peer tcp -t 10000 -o "$1" "$4" | sha256)
	took "$start" "$2"
	[ "$got" = "${WANT[$2]}" ]
}
took() {
	local ms=$(($(now_ms) - $1))

	echo "$(($2 / 1000000)) MB in $ms ms" | tee -a "$DIR/took"
}

check R6_upload_1_GiB_v4 upload $HX4 $GIB 15
check R6_download_1_GiB_v4 download $HX4 $GIB 15 7001
check R6_upload_1_GiB_v6 upload $HX6 $GIB 15
check R6_download_1_GiB_v6 download $HX6 $GIB 15 7001

# Many at once keep every worker thread busy, on the same flows from both sides.
at_once() {
	local i a pids=()

	for i in 1 2 3; do
		for a in $HX4 $HX6; do
			client peer tcp -t 10000 -o $a 7002 2>&1 | sha256 >"$DIR/once.$i.$a" &
			pids+=($!)
			client peer tcp -t 10000 -g 67108864 $a 7003 2>&1 | sha256 >"$DIR/once.echo.$i.$a" &
			pids+=($!)
		done
	done
	wait "${pids[@]}"
	[ "$(sort -u "$DIR"/once.*)" = "${WANT[67108864]}" ] && return
	grep -c . "$DIR"/once.*
	sort "$DIR"/once.* | uniq -c
	return 1
}
check R6_twelve_transfers_at_once at_once

# Without aggregates every packet passes by itself, its checksum complete.
offload() {
	local n

	for n in client:eth0 guest:eth0 host:up0 host:vnet0 host:virbr0; do
		in_ns "${n%:*}" ethtool -K "${n#*:}" tso "$1" gso "$1" gro "$1" 2>/dev/null
	done
	return 0
}
offload off
check R6_upload_without_gso_v4 upload $HX4 67108864 30
check R6_download_without_gso_v4 download $HX4 67108864 30 7002
check R6_upload_without_gso_v6 upload $HX6 67108864 30
check R6_download_without_gso_v6 download $HX6 67108864 30 7002
# And without checksum offload: the field is complete when the packet is queued, so it is updated, not computed.
for n in client:eth0 guest:eth0; do
	in_ns "${n%:*}" ethtool -K "${n#*:}" tx off rx off >/dev/null 2>&1
done
check R5_upload_without_checksum_offload_v4 upload $HX4 67108864 30
check R5_download_without_checksum_offload_v4 download $HX4 67108864 30 7002
check R5_upload_without_checksum_offload_v6 upload $HX6 67108864 30
check R5_download_without_checksum_offload_v6 download $HX6 67108864 30 7002
result_note <"$DIR/took"
finish
