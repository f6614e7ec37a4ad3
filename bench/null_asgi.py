"""The least that any ASGI application does with such a request: read its headers and body, answer as many bytes."""

from typing import Any

BODY = b'{"decision":"allow","reason":"ok","institution":"BANK-LX","as_of":{"seq":100000,"age_ms":500,"stale":false}}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    for name, _ in scope["headers"]:
        if name == b"authorization":
            break
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})
