#!/bin/bash
# A small shop of unmodified programs: nginx in front of Flask under gunicorn, which asks a Node
# service for the stock and a C service for the price; the C service asks Node for the currency.
# A shell script with curl buys something. No line here knows of tracing.
#
#   run.sh [--stay]    --stay: keep the shop open after the purchase, until Ctrl-C
#
# $SHOP_BIN is where the compiled price service lies.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=${SHOP_BIN:-$here/../../build/test-apps}
dir=$(mktemp -d "${TMPDIR:-/tmp}/shop.XXXXXX")
pids=()

closed=
close_shop()
{
	trap '' INT TERM
	[ -z "$closed" ] || return
	closed=yes
	for pid in "${pids[@]}"; do
		kill -TERM "$pid" 2>/dev/null
	done
	wait
	rm -rf "$dir"
}
trap 'close_shop; exit 130' INT TERM
trap close_shop EXIT

# Each service is started on a port nobody listens on.
port=$((20000 + RANDOM % 20000))
next_port()
{
	while (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
		port=$((port + 1))
	done
	free=$port
	port=$((port + 1))
}

wait_for()
{
	for _ in $(seq 100); do
		(: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
		sleep 0.1
	done
	echo "shop: nothing listens on port $1" >&2
	cat "$dir"/*.log >&2
	exit 1
}

next_port; export STOCK_PORT=$free
next_port; export PRICE_PORT=$free
next_port; export SHOP_PORT=$free
next_port; export FRONT_PORT=$free

node "$here/stock.js" >"$dir/stock.log" 2>&1 &
pids+=($!)
"$bin/price" >"$dir/price.log" 2>&1 &
pids+=($!)
(cd "$here" && exec gunicorn --bind "127.0.0.1:$SHOP_PORT" --workers 1 --worker-tmp-dir "$dir" \
	shop:app) >"$dir/shop.log" 2>&1 &
pids+=($!)
nginx=$(command -v nginx || echo /usr/sbin/nginx)
sed -e "s|@DIR@|$dir|g; s|@FRONT_PORT@|$FRONT_PORT|g; s|@SHOP_PORT@|$SHOP_PORT|g" \
	"$here/nginx.conf" >"$dir/nginx.conf"
"$nginx" -p "$dir" -e "$dir/nginx.log" -c "$dir/nginx.conf" >"$dir/nginx.out" 2>&1 &
pids+=($!)
for p in "$STOCK_PORT" "$PRICE_PORT" "$SHOP_PORT" "$FRONT_PORT"; do
	wait_for "$p"
done

bash "$here/buy.sh" "http://127.0.0.1:$FRONT_PORT" || exit 1

if [ "${1:-}" = --stay ]; then
	echo "The shop is open: curl http://127.0.0.1:$FRONT_PORT/orders -d item=anchor   (Ctrl-C closes it)"
	wait
fi
