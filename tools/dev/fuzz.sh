# ./dev fuzz [TARGET] [SECONDS]: libFuzzer with address and undefined-behaviour sanitizers. What it
# finds interesting is kept in build-fuzz/corpus/, what crashes in build-fuzz/crashes/.
main()
{
	local only=${1:-} seconds=${2:-60} found="" target name targets
	need "${build_packages[@]}" "${fuzz_packages[@]}"
	deps
	# Everything is instrumented, the agent's own libraries too: coverage guides the fuzzer there.
	CC=clang configure build-fuzz -Dfuzzing=true -Db_lundef=false -Db_sanitize=address,undefined \
		-Dc_args="-fsanitize=fuzzer-no-link -fno-sanitize-recover=undefined"
	ninja -C build-fuzz build.ninja
	mapfile -t targets < <(ninja -C build-fuzz -t targets all |
		sed -n 's/^\(tests\/fuzz\/[a-z0-9_]*\(_libfuzzer\|\.seed\)\): .*/\1/p')
	ninja -C build-fuzz "${targets[@]}"
	mkdir -p build-fuzz/crashes
	for target in build-fuzz/tests/fuzz/fuzz_*_libfuzzer; do
		name=$(basename "$target" _libfuzzer)
		name=${name#fuzz_}
		[ -z "$only" ] || [ "$only" = "$name" ] || continue
		found=yes
		say "fuzz $name for $seconds s"
		mkdir -p "build-fuzz/corpus/$name"
		find build-fuzz/tests/fuzz -name "$name-*.seed" -exec cp -t "build-fuzz/corpus/$name" {} +
		[ ! -d "tests/fuzz/seeds/$name" ] || cp -t "build-fuzz/corpus/$name" "tests/fuzz/seeds/$name"/*
		"$target" -max_total_time="$seconds" -print_final_stats=1 -timeout=10 \
			-artifact_prefix="build-fuzz/crashes/$name-" "build-fuzz/corpus/$name"
	done
	[ -n "$found" ] || {
		echo "dev fuzz: no target '$only'" >&2
		return 1
	}
}
