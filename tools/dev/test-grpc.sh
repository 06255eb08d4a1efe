# ./dev test-grpc [--all] [PATTERN...]: calls between implementations of gRPC and gRPC-Web, with the agent and without,
# see tests/grpc/run.py. What npm, pip, Maven, cargo and Go bring goes to deps/grpc/, once; what cannot be had is skipped by name.
main()
{
	build >/dev/null
	need --optional "${grpc_packages[@]}"
	nice -n 5 "$release_python" tests/grpc/run.py --build build "$@"
}
