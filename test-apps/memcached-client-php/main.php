<?php
/* php-memcached (libmemcached) as its users use it: main.php HOST PORT [binary]; says what came back. */
$cache = new Memcached();
$cache->setOption(Memcached::OPT_BINARY_PROTOCOL, ($argv[3] ?? "") === "binary");
$cache->addServer($argv[1], (int)$argv[2]);

echo var_export($cache->set("key", "hunter2"), true), " ", $cache->get("key"), "\n";
echo var_export($cache->get("none"), true), " ", $cache->getResultCode() === Memcached::RES_NOTFOUND ? "not found" : "?", "\n";
echo var_export($cache->setMulti(["a" => 1, "b" => 2, "c" => 3]), true), " ", count($cache->getMulti(["a", "b", "c", "none"])), "\n";
echo var_export($cache->add("a", 9), true), " ", var_export($cache->delete("b"), true), "\n";
$cache->set("n", 5);
echo $cache->increment("n", 2), " ", $cache->decrement("n", 1), "\n";
$cache->set("text", "abc");
echo var_export($cache->increment("text"), true), "\n";
echo strlen($cache->set("large", random_bytes(500000)) ? $cache->get("large") : ""), "\n";
