# ./dev fuzz [--keep] [TARGET] [SECONDS]: libFuzzer with address and undefined-behaviour sanitizers. What it
# finds interesting is in build-fuzz/corpus/ afterwards, what crashes in build-fuzz/crashes/. It begins with
# the seeds and with what is kept in tests/fuzz/corpus/, where --keep puts the smallest inputs that cover as
# much.
build_targets()
{
	local targets
	# Everything is instrumented, the agent's own libraries too: coverage guides the fuzzer there.
	CC=clang configure build-fuzz -Dfuzzing=true -Db_lundef=false -Db_sanitize=address,undefined \
		-Dc_args="-fsanitize=fuzzer-no-link,float-cast-overflow -fno-sanitize-recover=undefined,float-cast-overflow"
	ninja -C build-fuzz build.ninja
	mapfile -t targets < <(ninja -C build-fuzz -t targets all |
		sed -n 's/^\(tests\/fuzz\/[a-z0-9_-]*\(_libfuzzer\|\.seed\)\): .*/\1/p')
	ninja -C build-fuzz "${targets[@]}"
	mkdir -p build-fuzz/crashes
}

# gather NAME: what the target begins with.
gather()
{
	local corpus=build-fuzz/corpus/$1 kept=tests/fuzz/corpus/$1.tar.xz
	mkdir -p "$corpus"
	find build-fuzz/tests/fuzz -name "${1%_tcp}-*.seed" -exec cp -t "$corpus" {} +
	[ ! -d "tests/fuzz/seeds/$1" ] || cp -t "$corpus" "tests/fuzz/seeds/$1"/*
	[ ! -f "$kept" ] || tar -C "$corpus" -xJf "$kept"
}

# keep NAME PROGRAM
keep()
{
	local minimal=build-fuzz/minimal/$1
	rm -rf "$minimal"
	mkdir -p "$minimal"
	"$2" -merge=1 "$minimal" "build-fuzz/corpus/$1"
	python3 tests/fuzz/pack.py "$minimal" "tests/fuzz/corpus/$1.tar.xz"
}

main()
{
	local only seconds found="" program name keep=""
	[ "${1:-}" != --keep ] || { keep=yes && shift; }
	only=${1:-} seconds=${2:-60}
	need "${build_packages[@]}" "${fuzz_packages[@]}"
	deps
	build_targets
	for program in build-fuzz/tests/fuzz/fuzz_*_libfuzzer; do
		name=$(basename "$program" _libfuzzer)
		name=${name#fuzz_}
		[ -z "$only" ] || [ "$only" = "$name" ] || continue
		found=yes
		gather "$name"
		if [ -n "$keep" ]; then
			keep "$name" "$program"
			continue
		fi
		say "fuzz $name for $seconds s"
		"$program" -max_total_time="$seconds" -print_final_stats=1 -timeout=10 \
			-artifact_prefix="build-fuzz/crashes/$name-" "build-fuzz/corpus/$name"
	done
	[ -n "$found" ] || {
		echo "dev fuzz: no target '$only'" >&2
		return 1
	}
}
