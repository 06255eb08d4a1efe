<?php
// Asks a far side one to three times, by the way that the path names.
[, $way, $number] = explode("/", $_SERVER["REQUEST_URI"]);
$urls = array_map(fn($turn) => getenv("FAR") . "/call/$number/$turn", range(0, random_int(0, 2)));
usleep(random_int(0, 5000));

function all_at_once($urls)
{
	$multi = curl_multi_init();
	foreach ($urls as $url) {
		$curl = curl_init($url);
		curl_setopt($curl, CURLOPT_RETURNTRANSFER, true);
		curl_multi_add_handle($multi, $curl);
	}
	do {
		curl_multi_exec($multi, $running);
		if ($running)
			curl_multi_select($multi);
	} while ($running);
}

// Fibers of the request's own, as libraries use them that ask for several things at once.
function in_fibers($urls)
{
	$waiting = [];
	foreach ($urls as $i => $url) {
		$fiber = new Fiber(function () use ($url) {
			["host" => $host, "port" => $port, "path" => $path] = parse_url($url);
			$stream = stream_socket_client("tcp://$host:$port");
			stream_set_blocking($stream, false);
			fwrite($stream, "GET $path HTTP/1.1\r\nHost: far\r\nConnection: close\r\n\r\n");
			while (!feof($stream)) {
				Fiber::suspend($stream);
				fread($stream, 65536);
			}
		});
		$waiting[$i] = [$fiber->start(), $fiber];
	}
	while ($waiting) {
		$ready = array_column($waiting, 0);
		$none = null;
		stream_select($ready, $none, $none, 5);
		foreach ($waiting as $i => [$stream, $fiber]) {
			if (!in_array($stream, $ready, true))
				continue;
			$waiting[$i][0] = $fiber->resume();
			if ($fiber->isTerminated())
				unset($waiting[$i]);
		}
	}
}

match ($way) {
	"streams" => array_map("file_get_contents", $urls),
	"multi" => all_at_once($urls),
	"fibers" => in_fibers($urls),
};
header("Content-Length: 5");
echo "near\n";
