"""GraphQL as Python programs use it: ariadne below uvicorn, and gql.

main.py serve PORT   a catalogue
main.py ask URL      two queries, a mutation, one that fails in part, one in the URL; prints what came back
"""
import sys

TYPES = """
type Query { price(name: String!): Int, stock: [String!]! }
type Mutation { add(name: String!, price: Int!): Int! }
"""
PRICES = {"rope": 7}


def serve(port):
    import uvicorn
    from ariadne import MutationType, QueryType, make_executable_schema
    from ariadne.asgi import GraphQL

    query, mutation = QueryType(), MutationType()
    query.set_field("price", lambda _, info, name: PRICES[name])
    query.set_field("stock", lambda _, info: sorted(PRICES))

    def add(_, info, name, price):
        PRICES[name] = price
        return len(PRICES)

    mutation.set_field("add", add)
    uvicorn.run(GraphQL(make_executable_schema(TYPES, query, mutation), execute_get_queries=True), host="127.0.0.1", port=int(port), log_level="warning")


def ask(url):
    import requests
    from gql import Client, gql
    from gql.transport.exceptions import TransportQueryError
    from gql.transport.requests import RequestsHTTPTransport

    client = Client(transport=RequestsHTTPTransport(url=url))

    def run(text, **values):
        document = gql(text)
        document.variable_values = values
        return client.execute(document)

    print(run("query PriceOf($name: String!) { price(name: $name) }", name="rope"))
    print(run("{ stock }"))
    print(run("mutation Add($name: String!, $price: Int!) { add(name: $name, price: $price) }", name="hunter2", price=5))
    try:
        run("query PriceOf($name: String!) { price(name: $name) }", name="none")
    except TransportQueryError as error:
        print(len(error.errors), "error")
    asked = {"query": "query PriceOf($name: String!) { price(name: $name) }", "variables": '{"name": "hunter2"}'}
    print(requests.get(url, params=asked, timeout=10).json())


{"serve": serve, "ask": ask}[sys.argv[1]](sys.argv[2])
