# ./dev bench [--quick] [NAME...]: see tests/bench/bench.py.
main()
{
	need "${build_packages[@]}" "${bench_packages[@]}"
	build >/dev/null
	python3 tests/bench/bench.py --build build "$@"
}
