"""An ASGI application for uvicorn and hypercorn."""


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    path = scope["path"]
    status = int(path[8:]) if path.startswith("/status/") else 200 if path in ("/hello", "/echo") else 404
    answer = b"hello\n" if path == "/hello" else body if path == "/echo" else b""
    await send({"type": "http.response.start", "status": status,
                "headers": [(b"content-length", str(len(answer)).encode())]})
    await send({"type": "http.response.body", "body": answer})
