# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Real programs between two namespaces; sourced after lib.sh by those who use them. FROM asks, AT serves: in from a
# client to a guest, or out from a guest to the far end.

# shellcheck disable=SC2317 # functions are called by check
PROGRAMS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PY=/usr/bin/python3	# the one whose modules Debian's packages bring

needs() {
	local cmd

	for cmd; do
		command -v "$cmd" >/dev/null || return 1
	done
}
has_ftpd() { $PY -W ignore -c 'import pyftpdlib' 2>/dev/null && needs curl; }

# listening NS PORT [N] - N sockets accept TCP there, or one at least
listening() {
	local n

	n=$(in_ns "$1" ss -Hltn "sport = :$2" | wc -l)
	((n >= ${3:-1}))
}

# ---- ftp ----

# ftp_serve AT ADDR OUTSIDE FIRST LAST - files of $DIR/ftp; passive ports FIRST to LAST, said to be at OUTSIDE
ftp_serve() { spawn "$1" $PY -W ignore "$PROGRAMS/ftpd.py" "$DIR/ftp" "${@:2}" >"$DIR/ftpd.$2" 2>&1; }
# ftp_down FROM HOST; ftp_up FROM HOST NAME - a file each way, the same octets
ftp_down() { in_ns "$1" curl -sS -m 20 --ftp-pasv "ftp://$2/down" | cmp - "$DIR/ftp/down"; }
ftp_up() { in_ns "$1" curl -sS -m 20 --ftp-pasv -T "$DIR/up" "ftp://$2/$3" && cmp "$DIR/up" "$DIR/ftp/$3"; }

# ---- dns ----

# dns_serve AT ADDR ADDR OCTETS - of text has big.test, in strings of 200
dns_serve() {
	local i txt=

	for ((i = 0; i < $4; i += 200)); do
		txt+=,$(printf '%0*d' $(($4 - i < 200 ? $4 - i : 200)) 0)
	done
	spawn "$1" dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --port=53 --pid-file= --user=root \
		--bind-interfaces --listen-address="$2" --listen-address="$3" --edns-packet-max=4096 --txt-record="big.test$txt" \
		>"$DIR/dnsmasq" 2>&1
}
# dns FROM ADDR OCTETS OPTION... - dig gets all of the text
dns() {
	local got n

	got=$(in_ns "$1" dig +time=3 +tries=2 "${@:4}" "@$2" big.test TXT)
	n=$(grep -v '^;' <<<"$got" | grep -o '"[0-9]*"' | tr -d '"\n' | wc -c)
	((n == $3)) && return
	echo "want $3 octets of text, got $n:"
	echo "$got"
	return 1
}
# dns_all FROM ADDR OCTETS UDP_NAME TCP_NAME - in datagrams that are larger than a packet, by TCP, and by one after the other
dns_all() {
	check "${4}_over_udp_$2" dns "$1" "$2" "$3" +bufsize=4096 +notcp +ignore
	check "${5}_over_tcp_$2" dns "$1" "$2" "$3" +tcp
	check "${5}_truncated_then_tcp_$2" dns "$1" "$2" "$3" +bufsize=512
}

# ---- iperf3 ----

iperf_serve() { spawn "$1" iperf3 -s >"$DIR/iperf.$1" 2>&1 && wait_for 5 listening "$1" 5201; }
# iperf FROM ADDR OPTION... - for a second; something arrives
iperf() {
	in_ns_for 30 "$1" iperf3 -c "${@:2}" -t 1 -J >"$DIR/iperf" 2>&1 &&
		$PY -c 'import json, sys
end = json.load(open(sys.argv[1]))["end"]
got = end.get("sum_received") or end["sum"]
sys.exit(not got["bytes"] or got.get("lost_percent", 0) >= 100)' "$DIR/iperf" && return
	tail -n 40 "$DIR/iperf"
	return 1
}
# iperf_all NAME FROM ADDR - both ways, TCP and UDP
iperf_all() {
	check "$1_$3" iperf "$2" "$3"
	check "$1_reverse_$3" iperf "$2" "$3" -R
	check "$1_udp_$3" iperf "$2" "$3" -u -b 20M
	check "$1_udp_reverse_$3" iperf "$2" "$3" -u -b 20M -R
}

# ---- an endpoint that moves in mid conversation, as QUIC's do (RFC 9000 9) ----

# moves FROM ADDR SOURCE SOURCE PORT - another port, another address, and back; each is answered
moves() {
	local from got

	for from in "$3 $5" "$3 $(($5 + 1))" "$4 $5" "$3 $5"; do
		got=$(in_ns "$1" peer udp -b "${from% *}" -p "${from#* }" -m "id 7 from $from" "$2" 7)
		[ "$got" = "id 7 from $from" ] || {
			echo "no answer to $from, but: $got"
			return 1
		}
	done
}

# path FROM ADDR HOPS OPTION... - tracepath finds the narrow link, and the end
path() {
	local got

	got=$(in_ns "$1" tracepath -n -m 10 "${@:4}" "$2" 2>&1)
	echo "$got"
	grep -q "$2 .*reached" <<<"$got" && grep -q "pmtu 1300 hops $3" <<<"$got"
}
