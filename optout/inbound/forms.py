"""URL-encoded forms, kept as bytes until a provider's encoding is known. Pure."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from registry.errors import DomainError

MAX_FIELDS = 1_000


def form_fields(body: bytes) -> list[tuple[bytes, bytes]]:
    """Every pair in order, empty and repeated ones too, nothing trimmed. Raises `invalid_request` for too many."""
    if body.count(b"&") >= MAX_FIELDS:
        raise DomainError("invalid_request", f"A form holds at most {MAX_FIELDS} fields.", pointer="")
    pairs = (pair.partition(b"=") for pair in body.split(b"&") if pair)
    return [(_unquoted(name), _unquoted(value)) for name, _, value in pairs]


def utf8(raw: bytes) -> str:
    """Text; what is no UTF-8 is kept as lone surrogates and gives the same bytes back."""
    return raw.decode("utf-8", "surrogateescape")


def refuse_other_forms(fields: dict[str, str], *names: str) -> None:
    """Raises `invalid_request` for a body that has none of a format's own fields: it is no form of this provider."""
    if fields.keys().isdisjoint(names):
        raise DomainError("invalid_request", "The body is not a form with the fields of a reply.", pointer="")


def _unquoted(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))
