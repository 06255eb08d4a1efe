<?php
// MySQL as PHP programs use it: mysqli and PDO, with statements that the server prepares and those that it does not.
// Usage: main.php PORT
mysqli_report(MYSQLI_REPORT_OFF);
$port = (int)$argv[1];
$m = new mysqli('127.0.0.1', 'shop_user', 'hunter2', 'shop', $port);
$m->query("INSERT INTO orders (id, note) VALUES (1, 'hunter2')");
$s = $m->prepare('SELECT note FROM orders WHERE id = ?');
for ($i = 0; $i < 5; $i++) {
	$s->bind_param('i', $i);
	$s->execute();
	echo $s->get_result()->num_rows, ' ';
}
$s->close();
$m->multi_query("SELECT 1; SELECT 'hunter2'; UPDATE orders SET note = 'hunter2'");
do {
	if ($r = $m->store_result())
		$r->free();
} while ($m->more_results() && $m->next_result());
if (!$m->query('SELECT * FROM nowhere'))
	echo $m->errno, ' ';
$m->select_db('other');
$m->query('SELECT 2');
$m->close();

foreach ([true, false] as $emulated) {
	$p = new PDO("mysql:host=127.0.0.1;port=$port;dbname=shop", 'shop_user', 'hunter2', [PDO::ATTR_EMULATE_PREPARES => $emulated]);
	$s = $p->prepare('SELECT note FROM orders WHERE id = :id AND note <> :note');
	for ($i = 0; $i < 3; $i++) {
		$s->execute(['id' => $i, 'note' => "it's hunter2"]);
		echo count($s->fetchAll()), ' ';
	}
	$s = null;
	$p = null;
}
echo "\n";
