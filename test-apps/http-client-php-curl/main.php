<?php
// main.php URL COUNT: fetches it with PHP's curl over one handle.
$handle = curl_init($argv[1]);
for ($left = (int)$argv[2]; $left > 0; $left--) {
	curl_exec($handle);
}
