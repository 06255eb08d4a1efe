# ./dev torture [--full] [PATTERN...]: what programs do to a preloaded object, each case with and without
# the agent, under every state of the collector. Apart from ./dev test: it takes its time.
main()
{
	need "${build_packages[@]}" "${test_packages[@]}"
	need --optional "${torture_packages[@]}"
	build
	python3 tests/torture/run.py --build build "$@"
}
