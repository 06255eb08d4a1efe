"""An ASGI application: /hello, and /seen, which answers with the traceparent it was sent."""


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    seen = dict(scope["headers"]).get(b"traceparent", b"none")
    body = seen + b"\n" if scope["path"] == "/seen" else b"hello\n"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": body})
