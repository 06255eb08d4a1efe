# ./dev torture [PATTERN...]: what programs do to a preloaded object, each case with and without the
# agent, under every state of the collector. Apart from ./dev test: it takes minutes and wants the
# machine to itself, since cases compare how long programs take to end.
main()
{
	need "${build_packages[@]}" "${test_packages[@]}" "${torture_packages[@]}"
	build
	python3 tests/torture/run.py --build build "$@"
}
