"""Every refusal is one of these: a stable code, a sentence, and the HTTP status the edges answer with.

Pure. `docs/errors.md` documents each code of `CODES`; a test compares the two.
"""

from __future__ import annotations

import json
from typing import Any

CODES = {
    "bad_request": (400, "This request cannot be answered"),
    "invalid_json": (400, "The body is not JSON"),
    "unauthenticated": (401, "No valid API key"),
    "invalid_signature": (401, "The signature does not match"),
    "invalid_path_token": (401, "The secret part of this address is not right"),
    "stale_signature": (401, "The signature's time is not now"),
    "forbidden": (403, "This key may not ask that"),
    "not_found": (404, "There is nothing here"),
    "method_not_allowed": (405, "This path does not take that method"),
    "stale_state": (409, "It has changed since you looked"),
    "already_listed": (409, "A listing holds this number"),
    "already_known": (409, "There is a log-in of this name"),
    "already_open": (409, "Another application for this is open"),
    "two_people": (409, "Another person must decide this"),
    "sender_unreadable": (409, "Nobody can be told from this message"),
    "answer_awaited": (409, "The holder may still answer"),
    "confirmation_needed": (409, "This changes many numbers at once"),
    "idempotency_key_reused": (409, "Another request came under this Idempotency-Key"),
    "id_reused": (409, "Another refusal came under this id"),
    "erased": (410, "This was erased"),
    "too_large": (413, "The request is too large"),
    "invalid_request": (422, "The request does not say what it should"),
    "invalid_listing": (422, "This listing breaks a rule"),
    "findings": (422, "Something stands against this application"),
    "reason_needed": (422, "Say why"),
    "invalid_file": (422, "This file cannot be taken"),
    "too_many_requests": (429, "Too many requests"),
    "too_many_reveals": (429, "You have revealed or looked up as many numbers as you may for now"),
    "budget_spent": (429, "This key has asked about as many people as it may today"),
    "index_not_ready": (503, "This node has no usable index yet"),
    "unavailable": (503, "A part that this needs is not available"),
    "internal": (500, "Something went wrong on our side"),
}
RETRY_AFTER_SECONDS = 5


class Sentence(str):
    """An English sentence that remembers its template and values, so that the site can say it in another language.

    A value may be a sentence itself.
    """

    template: str
    values: dict[str, Any]

    def __new__(cls, template: str, **values: Any) -> Sentence:
        said = super().__new__(cls, template % values)
        said.template, said.values = template, values
        return said


def packed(sentence: str) -> dict[str, Any]:
    """A sentence as JSON, for a column: read back by `unpacked`."""
    if not isinstance(sentence, Sentence):
        return {"template": sentence.replace("%", "%%"), "values": {}}
    values = {name: packed(value) if isinstance(value, Sentence) else value for name, value in sentence.values.items()}
    return {"template": sentence.template, "values": values}


def unpacked(stored: dict[str, Any]) -> Sentence:
    """The sentence that `packed` made JSON of."""
    values = {name: unpacked(value) if isinstance(value, dict) else value for name, value in stored["values"].items()}
    return Sentence(stored["template"], **values)


class DomainError(Exception):
    """A refusal with a stable `code` of `CODES`; `data` goes beside it into the answer."""

    def __init__(self, code: str, detail: str = "", **data: Any) -> None:
        self.code = code
        self.status, self.title = CODES[code]
        self.detail = detail or self.title
        self.data = data
        super().__init__(f"{code}: {self.detail}")

    @property
    def temporary(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status == 503


class StaleState(DomainError):
    """The row has left the state that the caller expected; 409."""

    def __init__(self, detail: str) -> None:
        super().__init__("stale_state", detail)


def problem(error: DomainError) -> dict[str, Any]:
    """The RFC 9457 object of an error."""
    return {
        "type": f"urn:haomaku:error:{error.code}",
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
        **error.data,
    }


def problem_headers(error: DomainError) -> dict[str, str]:
    """The headers that an answer with this error carries beside its content type."""
    if error.code == "unauthenticated":
        return {"WWW-Authenticate": "Bearer"}
    if error.temporary or error.status == 429:
        return {"Retry-After": str(error.data.get("retry_after", RETRY_AFTER_SECONDS))}
    if error.code == "method_not_allowed":
        return {"Allow": error.data.get("allow", "POST")}
    return {}


def problem_body(error: DomainError) -> bytes:
    """The body of a problem+json answer."""
    return json.dumps(problem(error), ensure_ascii=False).encode()
