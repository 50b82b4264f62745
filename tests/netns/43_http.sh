#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# curl in to a guest and out from one, a hundred megabytes in every manner; ping of every size.

# shellcheck disable=SC2317 # functions are called by check
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "$0")/lib.sh"

HERE=$(cd "$(dirname "$0")" && pwd)
OCTETS=104857600
net_up
config() {
	config_web
	echo "masquerade:
  - { from: [192.168.122.0/24, \"fd00:122::/64\"], out: up0 }"
}
for a in "guest $G4" "guest $G6" "client $C4" "client $C6"; do
	# shellcheck disable=SC2086 # two words
	spawn ${a% *} python3 "$HERE/httpd.py" "${a#* }" 80 >"$DIR/httpd.${a#* }"
	wait_for 10 grep -q serving "$DIR/httpd.${a#* }"
done
daemon_start -v < <(config)
peer gen $OCTETS >"$DIR/file"
SUM=$(sha256 <"$DIR/file")
DOWN=$(python3 -c 'import hashlib, sys
piece = hashlib.sha256(b"nfqnat").digest() * 2048
h, left = hashlib.sha256(), int(sys.argv[1])
while left:
	h.update(piece[:left])
	left -= min(left, len(piece))
print(h.hexdigest())' $OCTETS)

# put FROM URL WANT OPTION... - what the server says it got
put() {
	local got

	got=$(in_ns "$1" curl -gsS --http1.1 -m 60 -T "${FILE:-$DIR/file}" "${@:4}" "$2/up")
	echo "want $3, got $got"
	[ "$got" = "$3" ]
}
# From a pipe curl does not know the length, and sends chunks.
put_chunked() { FILE=- put "${@:1:3}" -H 'Expect:' <"$DIR/file"; }
down() { [ "$(in_ns "$1" curl -gsS --http1.1 -m 60 "$2/$OCTETS" | sha256)" = "$DOWN" ]; }
for way in "R27 in client $HX4:8080 $C4 v4" "R27 in client [$HX6]:8080 $C6 v6" "R18 out guest $C4:80 $HX4 v4" "R18 out guest [$C6]:80 $HX6 v6"; do
	read -r rule word ns url seen v <<<"$way"
	check "${rule}_curl_put_100_MB_expecting_100_${word}_$v" put "$ns" "http://$url" "$SUM whole 100-continue $seen" -H 'Expect: 100-continue'
	check "${rule}_curl_put_100_MB_chunked_${word}_$v" put_chunked "$ns" "http://$url" "$SUM chunked - $seen"
	check "${rule}_curl_get_100_MB_${word}_$v" down "$ns" "http://$url"
done

# ---- every size of ping there can be, 0 to 65000; SIZES_STEP=1 for each of them ----
sysctl_in client net.ipv4.ping_group_range='0 2147483647'
sysctl_in guest net.ipv4.ping_group_range='0 2147483647'
every_size() { in_ns "$1" python3 "$HERE/every_size.py" "$2" 0 65000 "${SIZES_STEP:-13}"; }
check R51_ping_of_every_size_v4 every_size client $HX4
check R51_ping_of_every_size_v6 every_size client $HX6
check R51_ping_of_every_size_out_v4 every_size guest $C4
check R51_ping_of_every_size_out_v6 every_size guest $C6
finish
