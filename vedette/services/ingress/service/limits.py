"""Request bodies are counted as they pass; past the limit the upstream is cancelled and the client told."""

from typing import Any

import anyio
import anyio.lowlevel

from vedette.kernel.errors import Fault
from vedette.kernel.lifecycle import ASGIApp, Receive, Scope, Send


async def limited(app: ASGIApp, scope: Scope, receive: Receive, send: Send, *, limit_bytes: int) -> None:
    """Calls the upstream. Fault 413 when the body is, or becomes, larger than the limit and no reply has begun."""
    too_large = Fault(
        "PayloadTooLargeError", 413, f"At most {limit_bytes} bytes are taken here.", headers={"connection": "close"}
    )
    declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if int(declared) > limit_bytes:
        raise too_large
    size, started = 0, False

    async def counted() -> Any:
        nonlocal size
        message = await receive()
        size += len(message.get("body") or b"") if message["type"] == "http.request" else 0
        if size > limit_bytes:
            call.cancel()
            await anyio.lowlevel.checkpoint()
        return message

    async def watched(message: Any) -> None:
        nonlocal started
        started = True
        await send(message)

    with anyio.CancelScope() as call:
        await app(scope, counted, watched)
    if call.cancelled_caught and not started:
        raise too_large
