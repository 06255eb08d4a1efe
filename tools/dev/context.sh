# ./dev context [PATTERN...]: counts right, missing and wrong parents of calls that real servers make under
# load, see tests/context/run.py.
main()
{
	need "${build_packages[@]}" "${test_packages[@]}"
	need --optional "${context_packages[@]}"
	build >/dev/null
	python3 tests/context/run.py --build build "$@"
}
