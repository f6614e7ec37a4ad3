"""One POST to CONFIRMATION_URL, bounded in time and size."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from urllib.parse import urlsplit

from optout.inbound.generic import sign
from optout.services.outgoing import Letter
from registry.exchange import cut_after

ATTEMPT_SECONDS = 5.0
# So much of an answer is read before its connection is closed; nothing in it counts.
MOST_ANSWER_BYTES = 64 * 1024


def body_of(letter: Letter) -> bytes:
    """What the receiver gets of a message."""
    content = {
        "id": str(letter.id),
        "from": letter.port,
        "to": letter.recipient.digits,
        "text": letter.text,
        "receipt": letter.receipt,
    }
    return json.dumps(content, ensure_ascii=False).encode()


def deliver(url: str, body: bytes, *, secret: str, seconds: float = ATTEMPT_SECONDS) -> str:
    """Send a signed body once; return '' where it was taken (any 2xx), else why not, without the URL.

    Connecting to an address of the host, and the exchange after it, take `seconds` each at most. A redirect is an answer
    like any other, not followed.
    """
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=seconds)
    moment = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "X-Signature": f"t={moment},v1={sign(body, secret=secret, moment=moment)}",
        "Connection": "close",
    }
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.connect()
        with cut_after(seconds, connection.sock):
            connection.request("POST", target, body, headers)
            with connection.getresponse() as answer, contextlib.suppress(OSError, http.client.HTTPException):
                answer.read(MOST_ANSWER_BYTES)
    except (OSError, http.client.HTTPException, ValueError) as problem:
        return type(problem).__name__
    finally:
        connection.close()
    return "" if 200 <= answer.status < 300 else f"HTTP {answer.status}"
