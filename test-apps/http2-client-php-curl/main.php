<?php
// main.php URL COUNT...: fetches it COUNT times at once, for each COUNT, each in a stream of one HTTP/2 connection.
$url = $argv[1];
$clear = strncmp($url, 'http:', 5) === 0;
$multi = curl_multi_init();
curl_multi_setopt($multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
curl_multi_setopt($multi, CURLMOPT_MAX_HOST_CONNECTIONS, 1);

foreach (array_slice($argv, 2) as $count) {
	$handles = [];
	for ($left = (int)$count; $left > 0; $left--) {
		$handle = curl_init($url);
		curl_setopt_array($handle, [
			CURLOPT_HTTP_VERSION => $clear ? CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE : CURL_HTTP_VERSION_2_0,
			CURLOPT_PIPEWAIT => true,
			CURLOPT_RETURNTRANSFER => true,
			CURLOPT_SSL_VERIFYPEER => false,
			CURLOPT_SSL_VERIFYHOST => 0,
		]);
		curl_multi_add_handle($multi, $handle);
		$handles[] = $handle;
	}
	do {
		curl_multi_exec($multi, $running);
		curl_multi_select($multi, 1);
	} while ($running);
	foreach ($handles as $handle) {
		echo curl_multi_getcontent($handle);
		curl_multi_remove_handle($multi, $handle);
	}
}
