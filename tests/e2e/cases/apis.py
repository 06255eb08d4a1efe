"""Services over HTTP that have conventions of their own: CLIENT spans of HTTP with what those add."""
from collections import Counter

from fetched import npm, pypi
from harness import APPS, Skip, case

SYSTEM_PYTHON = "/usr/bin/python3"


def needs(t, module):
    if "there" not in t.run("probe", [SYSTEM_PYTHON, "-c", f"import {module}; print('there')"], agent=False, status=None):
        raise Skip(f"no {module} here")


def no_values(t, spans):
    for s in spans.all:
        for key, value in s["attributes"].items():
            t.check("hunter2" not in str(value) and "AKIDEXAMPLE" not in str(value), f"no value in {key}: {value}")


BOTO3 = ["S3.CreateBucket", "S3.PutObject", "S3.GetObject", "S3.ListObjectsV2", "S3.GetObject", "S3.DeleteObject",
         "DynamoDB.CreateTable", "DynamoDB.PutItem", "DynamoDB.GetItem", "DynamoDB.GetItem",
         "SQS.CreateQueue", "SQS.SendMessage", "SQS.ReceiveMessage", "SNS.CreateTopic", "SNS.Publish"]


@case("boto3 and moto: each call of AWS has its service, operation, region and request id", ["python3"])
def aws_boto3(t):
    needs(t, "boto3")
    port = t.port()
    t.start("moto", [pypi("moto", "moto[s3,dynamodb,sqs,sns]", "flask", "flask-cors") / "moto_server", "-H", "127.0.0.1", "-p", port], port, agent=False)
    said = t.run("boto3", [SYSTEM_PYTHON, APPS / "api-client-boto3" / "main.py", f"http://127.0.0.1:{port}"])
    t.equal(said, "hunter2\n['2026/one']\nNoSuchKey\n5\nResourceNotFoundException\n1\nnews\n", "what the program says")
    spans = t.spans(len(BOTO3))
    calls = spans.of("boto3", "CLIENT")
    t.equal([s["name"] for s in calls], BOTO3, "names")
    no_values(t, spans)
    for s in calls:
        service, _, operation = s["name"].partition(".")
        spans.attributes(s, rpc__system__name="aws-api", rpc__method=f"{service}/{operation}",
                         cloud__region="eu-west-1", aws__s3__bucket="orders" if service == "S3" else None,
                         db__system__name="aws.dynamodb" if service == "DynamoDB" else None,
                         db__operation__name=operation if service == "DynamoDB" else None, server__port=port)
        about = s["attributes"].get("aws.dynamodb.table_names") or s["attributes"].get("aws.sqs.queue.url") or s["attributes"].get("aws.sns.topic.arn")
        want = {"DynamoDB": [["stock"], ["none"]], "SQS": [f"http://127.0.0.1:{port}/123456789012/jobs"],
                "SNS": ["arn:aws:sns:eu-west-1:123456789012:news"]}.get(service, [None])
        t.check(about in ([None] if operation in ("CreateQueue", "CreateTopic") else want), f"what {s['name']} is about: {about}")
        t.check("http.request.method" in s["attributes"] and "url.full" in s["attributes"], f"what HTTP has: {s['attributes']}")
        t.check(service == "S3" or s["attributes"].get("aws.request_id"), f"a request id: {s['attributes']}")
    t.equal([(s["name"], s["attributes"]["error.type"]) for s in calls if s["status"] == "error"],
            [("S3.GetObject", "404"), ("DynamoDB.GetItem", "400")], "errors")


@case("elasticsearch-py: endpoint, index, cluster, and the status of an error", ["python3"])
def elasticsearch_python(t):
    needs(t, "elasticsearch")
    port = t.port()
    t.start("es", [SYSTEM_PYTHON, APPS / "api-server-script" / "main.py", port], port, agent=False)
    said = t.run("client", [SYSTEM_PYTHON, APPS / "api-client-elasticsearch" / "main.py", f"http://127.0.0.1:{port}"])
    t.equal(said, "7.17.6\ncreated\nhunter2\n1\n404\ngreen\n", "what the program says")
    spans = t.spans_at_least(6)
    no_values(t, spans)
    calls = spans.of("client", "CLIENT")
    found = Counter(s["name"] for s in calls)
    # The client asks once by itself whether it talks to Elasticsearch.
    t.check(found.pop("info") in (1, 2), "who the server is")
    t.equal(dict(found), {"index orders": 1, "get orders": 2, "search orders": 1, "cluster.health": 1}, "names")
    for s in calls:
        operation, _, index = s["name"].partition(" ")
        failed = s["status"] == "error"
        spans.attributes(s, db__system__name="elasticsearch", db__operation__name=operation, db__collection__name=index or None,
                         db__namespace="shop-cluster", server__port=port, error__type="404" if failed else None)
    t.equal([s["attributes"]["db.response.status_code"] for s in calls if s["status"] == "error"], ["404"], "errors")


@case("what Elasticsearch is asked with curl is told by its answer", ["python3", "curl"])
def elasticsearch_curl(t):
    port = t.port()
    t.start("es", [SYSTEM_PYTHON, APPS / "api-server-script" / "main.py", port], port, agent=False)
    t.run("curl", ["curl", "-sS", f"http://127.0.0.1:{port}/orders/_doc/17"])
    spans = t.spans(1)
    spans.attributes(spans.all[0], db__system__name="elasticsearch", db__namespace="shop-cluster",
                     http__request__method="GET", db__response__status_code="200")
    t.equal(spans.all[0]["name"], "GET", "name")


def clickhouse(t):
    port, native, folder = t.port(), t.port(), t.dir / "clickhouse"
    folder.mkdir()
    (folder / "users.xml").write_text("<yandex><profiles><default/></profiles><quotas><default/></quotas><users><default><password/>"
                                      "<networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>"
                                      "</default></users></yandex>")
    (folder / "config.xml").write_text(
        f"<yandex><logger><level>error</level><log>{folder}/log</log><errorlog>{folder}/err</errorlog></logger>"
        f"<http_port>{port}</http_port><tcp_port>{native}</tcp_port><listen_host>127.0.0.1</listen_host><path>{folder}/data/</path>"
        f"<tmp_path>{folder}/tmp/</tmp_path><users_config>{folder}/users.xml</users_config><default_profile>default</default_profile>"
        "<default_database>default</default_database><mark_cache_size>5368709120</mark_cache_size></yandex>")
    t.start("clickhouse", ["/usr/sbin/clickhouse-server", f"--config-file={folder}/config.xml"], port, agent=False)
    return port


@case("ClickHouse over HTTP: database, code of an exception, and nothing of a query", ["/usr/sbin/clickhouse-server", "curl"])
def clickhouse_curl(t):
    port = clickhouse(t)
    url = f"http://127.0.0.1:{port}/"
    t.equal(t.run("curl", ["curl", "-sS", "-H", "X-ClickHouse-Database: system", f"{url}?query=SELECT+%27hunter2%27"]), "hunter2\n", "answer")
    t.run("curl", ["curl", "-sS", "-H", "X-ClickHouse-User: default", "-d", "SELECT hunter2", f"{url}?database=system"])
    spans = t.spans(2)
    no_values(t, spans)
    for s in spans.all:
        spans.attributes(s, db__system__name="clickhouse", db__namespace="system", url__full=url, server__port=port)
    t.equal([(s["name"], s["status"]) for s in spans.all], [("system", "unset"), ("system", "error")], "names")


def calls(spans, service, kind):
    """Name, type or method, operation's name, code and status of each."""
    keys = ("graphql.operation.type", "graphql.operation.name", "rpc.method", "rpc.response.status_code")
    return [(s["name"], *(s["attributes"].get(key) for key in keys), s["status"]) for s in spans.of(service, kind)]


GRAPHQL = [("query", "query", "PriceOf", None, None, "unset"), ("query", "query", None, None, None, "unset"),
           ("mutation", "mutation", "Add", None, None, "unset"), ("query", "query", "PriceOf", None, None, "unset"),
           ("query", "query", "PriceOf", None, None, "unset")]


@case("GraphQL, gql to ariadne: type and name of each operation on both sides, and nothing of documents", ["python3"], name="graphql_python")
def graphql_python(t):
    python = pypi("graphql", "ariadne", "uvicorn", "gql[requests]") / "python"
    port = t.port()
    t.start("server", [python, APPS / "graphql-peer-python" / "main.py", "serve", port], port)
    said = t.run("client", [python, APPS / "graphql-peer-python" / "main.py", "ask", f"http://127.0.0.1:{port}/graphql"])
    t.equal(said, "{'price': 7}\n{'stock': ['rope']}\n{'add': 2}\n1 error\n{'data': {'price': 5}}\n", "what the program says")
    spans = t.spans(2 * len(GRAPHQL))
    no_values(t, spans)
    t.equal((calls(spans, "client", "CLIENT"), calls(spans, "server", "SERVER")), (GRAPHQL, GRAPHQL), "operations")
    *served, in_url = spans.of("server", "SERVER")
    for s in served:
        spans.attributes(s, http__request__method="POST", http__response__status_code=200)
    spans.attributes(in_url, http__request__method="GET", url__path="/graphql", url__query=None)
    spans.attributes(spans.of("client", "CLIENT")[-1], url__full=f"http://127.0.0.1:{port}/graphql")


JSONRPC = [("stock.count", None, None, "stock.count", None, "unset"), ("stock.note", None, None, "stock.note", None, "unset"),
           ("stock.price", None, None, "stock.price", "-32601", "error"), ("BATCH stock.count", None, None, "stock.count", None, "unset"),
           ("BATCH", None, None, None, None, "unset"), ("BATCH", None, None, None, "-32601", "error")]


@case("JSON-RPC, jsonrpclib to itself: method, code and status on both sides, no parameter", ["python3"], name="jsonrpc_python")
def jsonrpc_python(t):
    python = pypi("jsonrpc", "jsonrpclib-pelix") / "python"
    port = t.port()
    t.start("server", [python, APPS / "jsonrpc-peer-python" / "main.py", "serve", port], port)
    said = t.run("client", [python, APPS / "jsonrpc-peer-python" / "main.py", "ask", f"http://127.0.0.1:{port}/"])
    t.equal(said, "7\n-32601\n[7, 4]\n[7, None]\n-32601\n", "what the program says")
    spans = t.spans(2 * len(JSONRPC))
    no_values(t, spans)
    t.equal((calls(spans, "client", "CLIENT"), calls(spans, "server", "SERVER")), (JSONRPC, JSONRPC), "calls")
    for s in spans.of("client", "CLIENT"):
        spans.attributes(s, rpc__system__name="jsonrpc", jsonrpc__protocol__version="2.0")
        alone = s["name"] != "stock.note" and "BATCH" not in s["name"]
        t.equal("jsonrpc.request.id" in s["attributes"], alone, "a number, but of a notification, or of several")


NODE = [("query", "query", "PriceOf", None, None, "unset"), ("query", "query", None, None, None, "error"),
        ("stock.count", None, None, "stock.count", None, "unset"), ("stock.fail", None, None, "stock.fail", "17", "error")]


@case("GraphQL and JSON-RPC in Node: graphql-request, graphql-http, jayson", ["node", "npm"], name="calls_node")
def calls_node(t):
    modules = npm("calls", "graphql@16", "graphql-http", "graphql-request@6", "jayson")
    port, env = t.port(), {"NODE_PATH": modules}
    main = modules.parent / "main.js"
    main.write_text((APPS / "graphql-peer-node" / "main.js").read_text())
    t.start("server", ["node", main, "serve", port], port, env=env)
    t.equal(t.run("client", ["node", main, "ask", f"http://127.0.0.1:{port}"], env=env), "7\n200 1\n7\n17\n", "what the program says")
    spans = t.spans(2 * len(NODE))
    no_values(t, spans)
    t.equal((calls(spans, "client", "CLIENT"), calls(spans, "server", "SERVER")), (NODE, NODE), "calls")
    t.equal({s["attributes"].get("error.type") for s in spans.all}, {None, "graphql_error", "17"}, "errors")
