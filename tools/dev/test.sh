# ./dev test: every suite under every compiler and sanitizer, then the end-to-end cases. A step that
# fails does not keep the others from running; each result is counted in the last line.

results=

# step NAME COMMAND...: the command's own success is one more result.
step()
{
	local name=$1 begin=$SECONDS verdict=ok
	shift
	say "$name"
	"$@" </dev/null || verdict="not ok"
	echo "$verdict - $name" >>"$results/steps.tap"
	say "$name: $verdict, $((SECONDS - begin)) s"
}

# suite DIR LABEL MESON-TEST-OPTION...: results are taken from meson's log of each test.
suite()
{
	local dir=$1 label=$2 log
	shift 2
	say "$label"
	log=$dir/meson-logs/$label.json
	rm -f "$log"
	# A busy machine is no failure: limits of time only end what hangs.
	meson test -C "$dir" --no-rebuild --timeout-multiplier 20 --logbase "$label" "$@" </dev/null || true
	if [ -f "$log" ]; then
		cp "$log" "$results/"
	else
		echo "not ok - $label ran" >>"$results/steps.tap"
	fi
}

# tap LABEL COMMAND...: a program that prints TAP.
tap()
{
	local label=$1 verdict=ok
	shift
	say "$label"
	"$@" </dev/null 2>&1 | tee "$results/$label.tap" || verdict="not ok"
	grep -q '^1\.\.' "$results/$label.tap" || echo "not ok - $label ended before its plan" >>"$results/steps.tap"
	# A program that fails says so in its results; one that does not is broken.
	[ "$verdict" = ok ] || grep -q '^not ok' "$results/$label.tap" ||
		echo "not ok - $label ended well" >>"$results/steps.tap"
}

# Clients of brokers that Debian has not, from PyPI and npm into deps/brokers/, and Kafka itself; without them their cases are
# skipped.
broker_clients()
{
	local python=(nats-py kafka-python aiokafka aio-pika celery rq redis) node=(nats@2 amqplib mqtt@5 kafkajs)
	[ ! -d deps/brokers ] || return 0
	say "brokers and their clients: ${python[*]} ${node[*]} kafka"
	"$release_python" -m pip install -q --target deps/brokers/python "${python[@]}" 2>/dev/null || rm -rf deps/brokers
	npm install --silent --no-audit --no-fund --prefix deps/brokers "${node[@]}" || rm -rf deps/brokers
	mvn -q -B -f tests/e2e/kafka.xml dependency:copy-dependencies "-DoutputDirectory=$PWD/deps/brokers/java" || rm -rf deps/brokers/java
}

end_to_end()
{
	local program
	broker_clients
	tap e2e "$release_python" tests/e2e/run.py --build build --again --keep build/e2e-failed "$@"
	[ $# -eq 0 ] || return 0
	for program in tests/e2e/test_*.py; do
		tap "$(basename "$program" .py)" "$release_python" "$program" build/cli/remora
	done
}

everything()
{
	step "build with gcc" build
	suite build gcc
	step "build with asan and ubsan" build_variant asan -Db_sanitize=address,undefined
	suite build-asan asan --suite unit --suite replay --suite fuzz
	step "build with tsan" build_variant tsan -Db_sanitize=thread
	suite build-tsan tsan --suite unit
	step "build with clang" build_variant clang
	step "lint" bash dev lint --no-build
	end_to_end
}

main()
{
	need "${build_packages[@]}" "${test_packages[@]}" "${lint_packages[@]}"
	need --optional "${tls_packages[@]}" "${http2_packages[@]}" "${database_packages[@]}"
	results=$(mktemp -d "${TMPDIR:-/tmp}/remora-results.XXXXXX")
	trap 'rm -rf "$results"' EXIT
	if [ $# -gt 0 ]; then
		step "build with gcc" build
		end_to_end "$@"
	else
		everything
	fi
	python3 tools/dev/summary.py "$results"
}
