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
	# The command begins at the first word that is neither an option nor an option's value.
	for ((i = 2; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-j | --json | -s | --service | --allow | --deny | --debug) ((i++)) ;;
		--)
			((i++))
			break
			;;
		-*) ;;
		*) break ;;
		esac
	done
	if ((i < COMP_CWORD)); then
		if declare -F _command_offset >/dev/null; then
			_command_offset "$i" # of bash-completion: the command's own
		else
			COMPREPLY=($(compgen -f -- "$cur"))
		fi
		return
	fi
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
	if [[ $cur != -* || $prev = -- ]]; then
		COMPREPLY=($(compgen -c -f -- "$cur" | sort -u))
	elif [ "${COMP_WORDS[1]}" = run ]; then
		COMPREPLY=($(compgen -W '-- --json --logs --tree --quiet --no-color --service --allow --deny
			--debug --help' -- "$cur"))
	else
		COMPREPLY=($(compgen -W '-- --backend --help' -- "$cur"))
	fi
}
complete -F _remora remora
