# ./dev soak [MINUTES]: does anything grow in servers that work for long? See tests/soak/run.py.
main()
{
	need "${build_packages[@]}" "${test_packages[@]}"
	build
	python3 tests/soak/run.py --build build --minutes "${1:-20}"
}
