<?php
// An event loop as ReactPHP and AMPHP have one: a Fiber for each request, stream_select for all, calls over a pool of
// kept connections that all requests share.
$far = substr(getenv("FAR"), strlen("http://"));
$server = stream_socket_server("tcp://127.0.0.1:$argv[1]", $code, $error, STREAM_SERVER_BIND | STREAM_SERVER_LISTEN,
                               stream_context_create(["socket" => ["backlog" => 1024]]));
stream_set_blocking($server, false);
$reading = $sleeping = $idle = [];

function readable($stream)
{
	global $reading;
	$reading[(int)$stream] = [$stream, Fiber::getCurrent()];
	Fiber::suspend();
}

function pause($seconds)
{
	global $sleeping;
	$sleeping[] = [microtime(true) + $seconds, Fiber::getCurrent()];
	Fiber::suspend();
}

// A head and its body; null at the end of the connection.
function message($stream)
{
	for ($got = ""; ($end = strpos($got, "\r\n\r\n")) === false; $got .= $more) {
		readable($stream);
		$more = fread($stream, 65536);
		if ($more === false || $more === "")
			return null;
	}
	$length = preg_match('/\r\ncontent-length: *(\d+)/i', $got, $found) ? (int)$found[1] : 0;
	while (strlen($got) < $end + 4 + $length) {
		readable($stream);
		$got .= fread($stream, 65536);
	}
	return $got;
}

function call($number, $turn)
{
	global $far, $idle;
	pause(random_int(0, 5) / 1000);
	$stream = array_pop($idle) ?? stream_socket_client("tcp://$far");
	stream_set_blocking($stream, false);
	fwrite($stream, "GET /call/$number/$turn HTTP/1.1\r\nHost: far\r\n\r\n");
	message($stream);
	$idle[] = $stream;
}

function serve($stream)
{
	while (($request = message($stream)) !== null) {
		[, , $number] = explode("/", explode(" ", $request)[1]);
		pause(random_int(0, 5) / 1000);
		for ($turn = 0, $calls = random_int(1, 3); $turn < $calls; $turn++)
			call((int)$number, $turn);
		fwrite($stream, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nnear\n");
		if (stripos($request, "\r\nconnection: close") !== false)
			break;
	}
	fclose($stream);
}

for (;;) {
	$next = $sleeping ? max(0, min(array_column($sleeping, 0)) - microtime(true)) : 1;
	$ready = [$server, ...array_column($reading, 0)];
	$none = null;
	stream_select($ready, $none, $none, 0, (int)($next * 1e6));
	foreach ($ready as $stream) {
		if ($stream === $server) {
			while ($accepted = @stream_socket_accept($server, 0)) {
				stream_set_blocking($accepted, false);
				(new Fiber("serve"))->start($accepted);
			}
		} else {
			[, $fiber] = $reading[(int)$stream];
			unset($reading[(int)$stream]);
			$fiber->resume();
		}
	}
	foreach ($sleeping as $i => [$when, $fiber]) {
		if ($when <= microtime(true)) {
			unset($sleeping[$i]);
			$fiber->resume();
		}
	}
}
