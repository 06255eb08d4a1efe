<?php
// Routes of the other servers beside this one, for php -S and for php-fpm. /call uses a stream, /curl curl,
// /multi several at once; /query asks a database, /env tells what the program was given.
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
} elseif ($path === '/multi') {
	$handle = curl_init(getenv('BACKEND') . '/hello' . $query);
	curl_setopt($handle, CURLOPT_RETURNTRANSFER, true);
	$several = curl_multi_init();
	curl_multi_add_handle($several, $handle);
	do {
		curl_multi_exec($several, $active);
		curl_multi_select($several, 1.0);
	} while ($active);
	echo curl_multi_getcontent($handle);
} elseif ($path === '/query') {
	foreach ((new PDO(getenv('DATABASE')))->query("SELECT 'hello'") as $row) {
		echo $row[0], "\n";
	}
} elseif ($path === '/env') {
	echo $_SERVER[$_GET['name']] ?? 'none';
} elseif ($path === '/hello') {
	echo "hello\n";
} else {
	http_response_code(404);
}
