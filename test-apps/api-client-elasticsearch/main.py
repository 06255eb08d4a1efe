"""elasticsearch-py as its users use it: main.py URL. Says what came back."""
import sys

from elasticsearch import Elasticsearch, NotFoundError

client = Elasticsearch(sys.argv[1])
print(client.info()["version"]["number"])
print(client.index(index="orders", id="17", body={"customer": "hunter2"})["result"])
print(client.get(index="orders", id="17")["_source"]["customer"])
print(client.search(index="orders", body={"query": {"match": {"customer": "hunter2"}}})["hits"]["total"]["value"])
try:
    client.get(index="orders", id="none")
except NotFoundError as error:
    print(error.status_code if hasattr(error, "status_code") else error.meta.status)
print(client.cluster.health()["status"])
