<?php
// Asks a far side one to three times, after some milliseconds.
[, , $number] = explode("/", $_SERVER["REQUEST_URI"]);
$calls = random_int(1, 3);
$curl = curl_init();
curl_setopt($curl, CURLOPT_RETURNTRANSFER, true);
for ($turn = 0; $turn < $calls; $turn++) {
	usleep(random_int(0, 5000));
	curl_setopt($curl, CURLOPT_URL, getenv("FAR") . "/call/$number/$turn");
	curl_exec($curl);
}
header("Content-Length: 5");
echo "near\n";
