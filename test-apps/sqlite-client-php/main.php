<?php
// SQLite as PHP programs use it: PDO and SQLite3. Usage: main.php FILE
$p = new PDO("sqlite:$argv[1]");
$p->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_SILENT);
$p->exec('CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT)');
$s = $p->prepare('INSERT INTO orders (id, note) VALUES (:id, :note)');
for ($i = 0; $i < 5; $i++)
	$s->execute(['id' => $i, 'note' => 'hunter2']);
$s = null;
echo count($p->query("SELECT note FROM orders WHERE note <> 'x'")->fetchAll()), ' ';
echo $p->query('SELECT * FROM nowhere') === false ? $p->errorInfo()[1] : 'none', ' ';
$p = null;
$d = new SQLite3($argv[1]);
echo $d->querySingle("SELECT count(*) FROM orders WHERE note = 'hunter2'"), ' ';
$d->exec("UPDATE orders SET note = 'hunter2' WHERE id = 1");
echo $d->changes(), "\n";
