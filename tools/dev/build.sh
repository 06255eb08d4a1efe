main()
{
	case ${1:-} in
		'') build ;;
		--asan) build_variant asan -Db_sanitize=address,undefined ;;
		--tsan) build_variant tsan -Db_sanitize=thread ;;
		--clang) build_variant clang ;;
		*)
			echo "dev build: no option '$1'" >&2
			exit 2
			;;
	esac
}
