# ./dev mutate [PATTERN...]: would the tests notice, if a line of the code were wrong? See tests/mutation/run.py.
main()
{
	need "${build_packages[@]}"
	build
	python3 tests/mutation/run.py --build build "$@"
}
