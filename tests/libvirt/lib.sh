# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What scripts in a lab need (see lab); sourced. Results as in tests/netns.
#
#   v VIRSH-ARGUMENT...      qemu:///system        vl ...    lxc:///system
#   vm NAME, lxc NAME        define a guest; NET=network (default), ADDR=none: it asks for no address; ADDR=A/N,...: it has
#                            these; DIRECT=DEVICE: macvtap on it; BRIDGE=DEVICE: on it, without a network; AGENT=KIND: a guest agent runs in it, QEMU's own (qemu) or
#                            a bad one (see guest/guestd.c); CRASH=preserve: it stays there when it has panicked;
#                            UUID=...: of a container
#   in_lxc NAME CMD...       a busybox command in a container
#   client CMD...            in the client's namespace
#   world SECONDS EXPR       wait for it in what nfqnat-virt --follow writes, see the program world

set -u

# shellcheck source-path=SCRIPTDIR source=../result.sh
. "$(dirname "${BASH_SOURCE[0]}")/../result.sh"
# shellcheck source-path=SCRIPTDIR source=../wait.sh
. "$(dirname "${BASH_SOURCE[0]}")/../wait.sh"

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SUITE=$(basename "$0" .sh)
H4=198.51.100.1 H6=2001:db8:100::1		# the host, as the client sees it
C4=198.51.100.2 C6=2001:db8:100::2		# the client
B4=192.168.122.1 B6=fd00:122::1			# virbr0
SHOWN=0
LONG=${LONG:-30}				# seconds for what a guest must do: other people's load makes it slow
SOON=8						# for what is told at once: the polls for what nobody tells come each 30 s
PATH=$BUILD/tools:$PATH:/usr/sbin:/sbin
# Not this machine's: kept blocks of ports, a proxy.
export STATE_DIRECTORY=$DIR/state no_proxy='*'

v() { virsh -q -c qemu:///system "$@"; }
vl() { virsh -q -c lxc:///system "$@"; }
client() { ip netns exec client "$@"; }
in_lxc() { vl lxc-enter-namespace --noseclabel "$1" -- /bin/busybox "${@:2}"; }

# ---- libvirtd ----

libvirtd_pid() { cat /run/libvirtd.pid; }
libvirtd_answers() { virsh -r -q uri; }
libvirtd_start() {
	# It must outlive the script, as a service does.
	setsid libvirtd -d -p /run/libvirtd.pid || return
	wait_for "$LONG" libvirtd_answers
}
# libvirtd_end SIGNAL
libvirtd_end() {
	local pid

	pid=$(libvirtd_pid)
	kill "-$1" "$pid"
	wait_for "$LONG" gone "$pid"
}

# ---- networks and guests ----

# net_define NAME BRIDGE FORWARD IP... - FORWARD and IP are elements of its description
net_define() {
	printf '%s\n' "<network xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'><name>$1</name>$3
		<bridge name='$2' stp='off' delay='0'/>" "${@:4}" \
		"<dnsmasq:options><dnsmasq:option value='no-ping'/></dnsmasq:options></network>" >"$DIR/net.xml"
	v net-define "$DIR/net.xml" >/dev/null && v net-start "$1" >/dev/null
}

mac_of() {
	printf %s "$1" | md5sum | sed 's/^\(..\)\(..\)\(..\).*/52:54:00:\1:\2:\3/'
}

interface() {
	local type=network source="network='${NET:-default}'"

	[ -z "${BRIDGE:-}" ] || { type=bridge source="bridge='$BRIDGE'"; }
	[ -z "${DIRECT:-}" ] || { type=direct source="dev='$DIRECT' mode='bridge'"; }
	echo "<interface type='$type'><mac address='${MAC:-$(mac_of "$1")}'/><source $source/>$2</interface>"
}

vm() {
	local disk= channel= initrd=$IMAGE/initrd

	[ "${AGENT:-}" != qemu ] || initrd=$IMAGE/initrd.agent
	[ -z "${AGENT:-}" ] || channel="<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
	[ -z "${DISK:-}" ] || disk="<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='$DISK'/>
		<target dev='vda' bus='virtio'/></disk>"
	cat >"$DIR/$1.xml" <<-END
		<domain type='qemu'><name>$1</name><memory unit='MiB'>160</memory><vcpu>1</vcpu>
		<os><type arch='x86_64' machine='pc'>hvm</type><kernel>$IMAGE/vmlinuz</kernel><initrd>$initrd</initrd>
		<cmdline>console=ttyS0 quiet panic=1 name=$1 net=${ADDR:-dhcp} agent=${AGENT:-}</cmdline></os><features><acpi/></features>
		<on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>${CRASH:-destroy}</on_crash>
		<devices><controller type='usb' model='none'/>$disk$channel
		$(interface "$1" "<model type='virtio'/><rom enabled='no'/>")
		<serial type='file'><source path='/var/log/libvirt/$1.console'/></serial>
		<memballoon model='none'/><panic model='isa'/></devices></domain>
	END
	v define "$DIR/$1.xml" >/dev/null
}

lxc() {
	cp -al "$IMAGE/rootfs" "$DIR/$1.fs"
	cat >"$DIR/$1.xml" <<-END
		<domain type='lxc'><name>$1</name>${UUID:+<uuid>$UUID</uuid>}<memory unit='MiB'>64</memory>
		<os><type>exe</type><init>/init</init><initenv name='NAME'>$1</initenv><initenv name='NET'>${ADDR:-dhcp}</initenv></os>
		<features><privnet/></features>
		<devices><emulator>/usr/lib/libvirt/libvirt_lxc</emulator>
		<filesystem type='mount' accessmode='passthrough'><source dir='$DIR/$1.fs'/><target dir='/'/></filesystem>
		$(interface "$1" "<guest dev='eth0'/>")<console type='pty'/></devices></domain>
	END
	vl define "$DIR/$1.xml" >/dev/null
}

# lab_ready - libvirtd, network "default" (NAT, also of IPv6, DHCP for both) and container c1, defined; all only once
lab_ready() {
	libvirtd_answers >/dev/null 2>&1 || must "libvirtd starts" libvirtd_start
	v net-info default >/dev/null 2>&1 || must "network default" net_default
	vl dominfo c1 >/dev/null 2>&1 || must "container c1" lxc c1
}
net_default() {
	net_define default virbr0 "<forward mode='nat'><nat ipv6='yes'/></forward>" \
		"<ip address='$B4' netmask='255.255.255.0'><dhcp><range start='192.168.122.2' end='192.168.122.99'/></dhcp></ip>" \
		"<ip family='ipv6' address='$B6' prefix='64'><dhcp><range start='fd00:122::100' end='fd00:122::1ff'/></dhcp></ip>"
}

# address_of GUEST 4|6 - its lease in network default
address_of() {
	local re='fd00:[0-9a-f:]+'

	[ "$2" = 6 ] || re='192\.168\.122\.[0-9]+'
	# shellcheck disable=SC2016 # for awk
	grep -E "ip-address|mac-address" /var/lib/libvirt/dnsmasq/virbr0.status | tr -d '\n' |
		grep -oE "\"$re\", *\"mac-address\": \"$(mac_of "$1")\"" | grep -oE "$re" | head -n 1
}

# ---- the watcher alone ----

# follow URI... - start nfqnat-virt --follow; FOLLOWER is its pid
follow() {
	local u uris=()

	for u; do
		uris+=(--uri "$u")
	done
	: >"$DIR/world"
	# In a process group of its own, or a stop of the terminal would reach it.
	"$BUILD/nfqnat-virt" --follow "${uris[@]}" >>"$DIR/world" 2>>"$DIR/follow.log" &
	FOLLOWER=$!
}
world() { "$HERE/world" "$DIR/world" "$@"; }

# ---- nfqnatd ----

# daemon_start <CONFIGURATION
daemon_start() {
	cat >"$DIR/nfqnat.yaml"
	: >"$DIR/daemon.log"
	"$BUILD/nfqnatd" --config "$DIR/nfqnat.yaml" -v >>"$DIR/daemon.log" 2>&1 &
	DAEMON=$!
	must "nfqnatd starts" wait_for "$LONG" file_has "$DIR/daemon.log" ready:
}
# daemon_reload <CONFIGURATION
daemon_reload() {
	cat >"$DIR/nfqnat.yaml"
	kill -HUP "$DAEMON"
}
daemon_stop() {
	local pid=$DAEMON

	DAEMON=
	kill "$pid"
	wait "$pid"
}

# ---- asking forwarded ports ----

probe() { timeout 120 "$HERE/probe" "$@"; }
from_client() { timeout 120 ip netns exec client "$HERE/probe" "$@"; }
answers() { from_client http "$1" "$2" "$LONG"; }	# ADDRESS PORT
refused() { from_client refused "$1" "$2" "$LONG"; }
silent() { from_client silent "$1" "$2" "$LONG"; }

# http_now ADDRESS PORT NAME - guest NAME answers
http_now() {
	local got

	got=$(client curl -s -m 5 "http://$1:$2/")
	[ "$got" = "$3" ] || {
		echo "want: $3; got: $got"
		return 1
	}
}
# http ADDRESS PORT NAME - it does so soon
http() { wait_for "$LONG" http_now "$@" || http_now "$@"; }

# whoami PROTO ADDRESS PORT CLIENT - the guest sees this address as its client
whoami() {
	local got

	got=$(client peer "$1" -t 5000 "$2" "$3" </dev/null)
	[[ $got == "$1 $4 "* ]] || {
		echo "want: $1 $4; got: $got"
		return 1
	}
}

# talk ADDRESS PORT - a conversation that is to be ended from here; its end goes to $DIR/talk, see probe
talk() {
	from_client ended "$1" "$2" 120 >"$DIR/talk" 2>&1 &
	TALK=$!
	must "a conversation" wait_for "$LONG" file_has "$DIR/talk" talking
}
# talk_goes_on - it is answered, now
talk_goes_on() {
	local before

	before=$(grep -c 'goes on' "$DIR/talk")
	kill -USR1 "$(sed -n 's/^talking //p' "$DIR/talk")"
	more() { (($(grep -c 'goes on' "$DIR/talk") > before)); }
	wait_for "$LONG" more
}
# reset_comes NAME - the client of talk was told
reset_comes() {
	wait $TALK
	check "$1" file_has "$DIR/talk" '^reset$'
}

# ---- results ----

diagnose() {
	{
		((SHOWN)) || {
			echo "--- virsh"
			timeout 5 virsh -r -c qemu:///system list --all
			timeout 5 virsh -r -c lxc:///system list --all
			echo "--- links, neighbours"
			ip -br link
			ip neigh
			tail -n +1 /var/lib/libvirt/dnsmasq/*.status 2>/dev/null | tail -n 60
			echo "--- libvirtd.log"
			tail -n 15 /var/log/libvirt/libvirtd.log
		}
		[ ! -e "$DIR/daemon.log" ] || {
			echo "--- nfqnatd, last lines"
			tail -n 60 "$DIR/daemon.log"
		}
		tail -n 20 "$DIR/follow.log" 2>/dev/null
	} 2>&1 | result_note
	SHOWN=1
}

# sees NAME SECONDS EXPR - check() of a world
sees() { check "$1" world "$2" "$3"; }

# The watcher and the daemon of a script end with it.
cleanup() {
	[ -z "${FOLLOWER:-}" ] || kill "$FOLLOWER" 2>/dev/null
	[ -z "${DAEMON:-}" ] || daemon_stop || result 'not ok' "$SUITE: nfqnatd stops" "status $?"
	! grep -qE 'Sanitizer|runtime error' "$DIR/daemon.log" "$DIR/follow.log" 2>/dev/null || {
		result 'not ok' "$SUITE: memory" "a sanitizer has spoken"
		cat "$DIR/daemon.log" "$DIR/follow.log" 2>/dev/null | grep -E -A 30 'Sanitizer|runtime error' | head -n 60 | result_note
	}
}
trap cleanup EXIT

# must WHAT CMD... - a step without which the rest means nothing
must() {
	local said

	said=$("${@:2}" 2>&1) && return
	result 'not ok' "$SUITE" "$1"
	result_note <<<"$said"
	diagnose
	exit 1
}
