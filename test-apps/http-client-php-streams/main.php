<?php
// main.php URL COUNT: fetches it through PHP's http:// streams.
for ($left = (int)$argv[2]; $left > 0; $left--) {
	echo file_get_contents($argv[1]);
}
