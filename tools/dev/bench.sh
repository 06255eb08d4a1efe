# ./dev bench [--quick] [NAME...]: see tests/bench/bench.py. With --micro, instructions instead of time:
# see tests/bench/micro.py. With --start, what short programs pay: see tests/bench/start.py.
main()
{
	need "${build_packages[@]}" "${bench_packages[@]}"
	build >/dev/null
	if [ "${1:-}" = --micro ]; then
		need valgrind
		python3 tests/bench/micro.py --micro build/tests/bench/micro --agent build/hooks/libremora.so
		return
	fi
	if [ "${1:-}" = --start ]; then
		python3 tests/bench/start.py --build build "${@:2}"
		return
	fi
	python3 tests/bench/bench.py --build build "$@"
}
