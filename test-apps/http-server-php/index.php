<?php
// Routes of the other servers beside this one, for php -S and for php-fpm. /call uses a stream, /curl uses curl.
$url = $_SERVER['REQUEST_URI'];
$path = parse_url($url, PHP_URL_PATH);
$query = isset($_SERVER['QUERY_STRING']) && $_SERVER['QUERY_STRING'] !== '' ? '?' . $_SERVER['QUERY_STRING'] : '';

if (str_starts_with($path, '/status/')) {
	http_response_code((int)substr($path, 8));
} elseif ($path === '/echo') {
	echo file_get_contents('php://input');
} elseif ($path === '/call') {
	echo file_get_contents(getenv('BACKEND') . '/hello' . $query);
} elseif ($path === '/curl') {
	$handle = curl_init(getenv('BACKEND') . '/hello' . $query);
	curl_setopt($handle, CURLOPT_RETURNTRANSFER, true);
	echo curl_exec($handle);
} elseif ($path === '/hello') {
	echo "hello\n";
} else {
	http_response_code(404);
}
