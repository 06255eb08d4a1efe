# ./dev torture [--full] [PATTERN...]: what programs do to a preloaded object, each case with and without
# the agent, under every state of the collector. Apart from ./dev test: it takes its time.
nodes=(12 16 18 20 22 24)
wheels=(psycopg2-binary grpcio cryptography pycurl curl_cffi uvloop pyopenssl)

# Programs that bring a TLS of their own, from npm and PyPI into deps/hosts/; without them their cases
# say so.
hosts()
{
	local node kind
	mkdir -p deps/hosts
	case $(uname -m) in
		x86_64) kind=x64 ;;
		*) kind=arm64 ;;
	esac
	for node in "${nodes[@]}"; do
		[ ! -d "deps/hosts/node-$node" ] || continue
		say "npm: node $node"
		npm install --silent --no-audit --no-fund --prefix "deps/hosts/node-$node" "node-linux-$kind@$node" ||
			rm -rf "deps/hosts/node-$node"
	done
	[ ! -d deps/hosts/wheels ] || return 0
	say "pip: ${wheels[*]}"
	python3 -m venv deps/hosts/wheels
	deps/hosts/wheels/bin/pip install -q --only-binary :all: "${wheels[@]}" || rm -rf deps/hosts/wheels
}

main()
{
	need "${build_packages[@]}" "${test_packages[@]}"
	need --optional "${torture_packages[@]}"
	build
	hosts
	python3 tests/torture/run.py --build build "$@"
}
