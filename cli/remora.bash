# bash completion of remora(1)
_remora()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} i

	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ]; then
		COMPREPLY=($(compgen -W 'run check list --help --version' -- "$cur"))
		return
	fi
	case ${COMP_WORDS[1]} in
	list)
		COMPREPLY=($(compgen -W 'hooks protocols exporters env --help' -- "$cur"))
		return
		;;
	run | check) ;;
	*) return ;;
	esac
	case $prev in
	-j | --json)
		COMPREPLY=($(compgen -f -- "$cur"))
		return
		;;
	-s | --service | --allow | --deny) return ;;
	--debug)
		COMPREPLY=($(compgen -W 'all init conn http1 trace export relay' -- "$cur"))
		return
		;;
	esac
	for ((i = 2; i < COMP_CWORD; i++)); do
		if [ "${COMP_WORDS[i]}" = -- ]; then
			COMPREPLY=($(compgen -c -f -- "$cur"))
			return
		fi
	done
	if [ "${COMP_WORDS[1]}" = run ]; then
		COMPREPLY=($(compgen -W '-- --json --tree --quiet --no-color --service --allow --deny
			--debug --help' -- "$cur"))
	else
		COMPREPLY=($(compgen -W '-- --help' -- "$cur") $(compgen -c -- "$cur"))
	fi
}
complete -F _remora remora
