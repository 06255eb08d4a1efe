"""The DataStax driver as its users use it: main.py HOST PORT VERSION [lz4] does each once and says what came back."""
import sys
import uuid

from cassandra import InvalidRequest
from cassandra.cluster import Cluster
from cassandra.query import BatchStatement, SimpleStatement

host, port, version = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
cluster = Cluster([host], port=port, protocol_version=version, compression="lz4" in sys.argv, schema_metadata_enabled=False,
                  token_metadata_enabled=False)
session = cluster.connect()
session.execute("CREATE KEYSPACE IF NOT EXISTS shop WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
session.execute("USE shop")
session.execute("CREATE TABLE IF NOT EXISTS orders (id uuid PRIMARY KEY, customer text, lines int)")
session.execute("TRUNCATE orders")
one = uuid.UUID("123e4567-e89b-12d3-a456-426614174000")
session.execute(f"INSERT INTO orders (id, customer, lines) VALUES ({one}, 'hunter2', 5)")
print(session.execute("SELECT customer FROM orders WHERE id = %s", (one,)).one().customer)
insert = session.prepare("INSERT INTO orders (id, customer, lines) VALUES (?, ?, 42)")
select = session.prepare("SELECT lines FROM shop.orders WHERE id = ?")
others = [uuid.UUID(int=i) for i in range(50)]
for future in [session.execute_async(insert, (i, "hunter2")) for i in others]:
    future.result()
print(sum(future.result().one().lines for future in [session.execute_async(select, (i,)) for i in others]))
batch = BatchStatement()
for i in others[:3]:
    batch.add(SimpleStatement(f"UPDATE orders SET customer = 'hunter2' WHERE id = {i}"))
batch.add(insert, (one, "hunter2"))
session.execute(batch)
print(len(list(session.execute(SimpleStatement("SELECT * FROM orders", fetch_size=20)))))
try:
    session.execute("SELECT hunter2 FROM orders")
except InvalidRequest:
    print("invalid")
try:
    session.execute("SELEC 'hunter2'")
except Exception as error:
    print(type(error).__name__)
cluster.shutdown()
