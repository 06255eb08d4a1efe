# ./dev demo: the shop of test-apps/shop under `remora run`, then what to try next.
main()
{
	need "${build_packages[@]}" "${demo_packages[@]}"
	say "building"
	build demo >&2
	mkdir -p build/test-apps
	cc -O2 -g -Wall -Wextra -o build/test-apps/price test-apps/shop/price.c -lcurl
	say "remora run -- test-apps/shop/run.sh $*"
	trap : INT # Ctrl-C closes the shop; what was traced until then is still shown
	SHOP_BIN=$PWD/build/test-apps build/cli/remora run -- test-apps/shop/run.sh "$@" || status=$?
	trap - INT
	# With --stay Ctrl-C is the way it ends; without, somebody has seen enough.
	[ "${status:-0}" = 0 ] || [ "$status $*" = "130 --stay" ] || return "$status"
	cat <<-'END'

	That was one purchase: curl -> nginx -> gunicorn -> Node and a C program, none of which knows of
	tracing. Next:

	  ./dev demo --stay                         the same, and the shop stays open: send requests yourself
	  build/cli/remora run -- curl example.org  any program of yours
	  build/cli/remora run --json spans.jsonl -- test-apps/shop/run.sh
	                                            keep the spans as OTLP JSON
	  build/cli/remora check -- PROGRAM         can this program be traced, and if not, why
	  build/cli/remora list env                 every setting
	END
}
