# ./dev bench [--quick] [--peers] [NAME...]: all of it, or the programs of these names, see tests/bench/bench.py; with --peers beside
# OpenTelemetry's agents. Without a name what idle connections and many processes take follows (footprint.py), and single calls in
# instructions (micro.py). With --micro or --footprint one of those alone. With --worker, what the background thread does in a
# second (worker.py). With --start, what short programs pay: see
# tests/bench/start.py. With --http2, spans that come of h2load and what connections take: see http2.py and http2_memory.py.
micro()
{
	need valgrind
	python3 tests/bench/micro.py --micro build/tests/bench/micro --agent build/hooks/libremora.so
}

main()
{
	local argument whole=true quick=()
	need "${build_packages[@]}" "${bench_packages[@]}"
	build >/dev/null
	case ${1:-} in
		--micro)
			micro
			return
			;;
		--footprint)
			"$release_python" tests/bench/footprint.py --build build "${@:2}"
			return
			;;
		--worker)
			python3 tests/bench/worker.py --build build "${@:2}"
			return
			;;
		--start)
			python3 tests/bench/start.py --build build "${@:2}"
			return
			;;
		--http2)
			need nghttp2-client nghttp2-server apache2-bin openssl
			need --optional "${http2_packages[@]}"
			python3 tests/bench/http2.py --build build --requests 10000 "${@:2}"
			python3 tests/bench/http2_memory.py --build build "${@:2}"
			return
			;;
	esac
	need "${bench_programs[@]}"
	"$release_python" tests/bench/bench.py --build build "$@"
	for argument; do
		case $argument in
			--quick) quick=(--quick) ;;
			*) whole=false ;;
		esac
	done
	if $whole; then
		echo
		"$release_python" tests/bench/footprint.py --build build "${quick[@]}"
		echo
		micro
	fi
}
