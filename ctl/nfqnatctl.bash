# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for nfqnatctl(8): commands, options, names of forwards and guests that run.

_nfqnatctl_asks() {
	# What the daemon knows; nothing if it does not answer.
	nfqnatctl --json "$1" 2>/dev/null | sed -nE "s/.*\"$2\":\"([^\"]*)\".*/\1/p" | sort -u
}

_nfqnatctl() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} cmd='' i word
	local commands="status forwards flows events why trace capture top metrics add del reload flush doctor import"
	local filters="--guest --forward --address --port --proto --state --family"

	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		[[ " $commands " == *" $word "* ]] && cmd=$word && break
	done
	COMPREPLY=()
	case $prev in
	--socket | --config) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
	--colour) mapfile -t COMPREPLY < <(compgen -W "auto always never" -- "$cur"); return ;;
	--forward) mapfile -t COMPREPLY < <(compgen -W "$(_nfqnatctl_asks forwards forward)" -- "$cur"); return ;;
	--guest) mapfile -t COMPREPLY < <(compgen -W "$(_nfqnatctl_asks forwards to)" -- "$cur"); return ;;
	--proto) mapfile -t COMPREPLY < <(compgen -W "tcp udp icmp icmp6" -- "$cur"); return ;;
	--family) mapfile -t COMPREPLY < <(compgen -W "4 6" -- "$cur"); return ;;
	--state) mapfile -t COMPREPLY < <(compgen -W "answered unanswered SYN_SENT SYN_BOTH SYN_RECV ESTABLISHED FIN_ORIG FIN_REPLY CLOSING RESET PICKED_UP" -- "$cur"); return ;;
	--sort) mapfile -t COMPREPLY < <(compgen -W "octets packets left guest forward client" -- "$cur"); return ;;
	--when-off) mapfile -t COMPREPLY < <(compgen -W "reject drop" -- "$cur"); return ;;
	--isolated) mapfile -t COMPREPLY < <(compgen -W "refuse allow" -- "$cur"); return ;;
	--source) mapfile -t COMPREPLY < <(compgen -W "client host" -- "$cur"); return ;;
	--hook) mapfile -t COMPREPLY < <(compgen -W "pre in fwd out post" -- "$cur"); return ;;
	--in) mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/class/net)" -- "$cur"); return ;;
	esac
	case $cmd in
	'') word="$commands --json --wide --socket --colour --help --version" ;;
	forwards | del) word=$(_nfqnatctl_asks forwards forward) ;;
	flows) word="$filters --sort --long" ;;
	events) word="$filters --count" ;;
	flush) word="$filters --all" ;;
	why) word="tcp udp icmp --in --hook" ;;
	trace) word="--count tcp udp icmp host port net src dst and or not" ;;
	capture) mapfile -t COMPREPLY < <(compgen -f -W "--count" -- "$cur"); return ;;
	top) word="--guests --every --once" ;;
	add) word="--name --to --allow --for --network --when-off --isolated --source" ;;
	doctor) word="--config" ;;
	import) word="hooks iptables docker passt natd --to" ;;
	*) word='' ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$word" -- "$cur")
}
complete -F _nfqnatctl nfqnatctl
