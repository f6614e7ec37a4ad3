"""Store replies durably, and open them again."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext

from optout.inbound.message import Received
from optout.models import InboundEndpoint, InboundMessage
from optout.nudge import nudge
from registry import numbers
from registry.arrays import bytes_array
from registry.keys import KeyPurpose, SealBroken, derive, seal, unseal

NOBODYS = frozenset({"pseudonymous", "odd_from"})
WRITER_BYTES = 16


@dataclass(frozen=True, slots=True)
class Opened:
    """A stored reply in clear, for the moment that a worker needs it."""

    sender: str
    text: str
    signature: str


@transaction.atomic
def store(
    endpoint: InboundEndpoint,
    messages: Sequence[Received],
    *,
    received_when_sent: bool = False,
    received_at: datetime | None = None,
) -> tuple[int, int]:
    """Store what is new, and return how many were new and how many were repeats. Acknowledge only after the commit.

    `received_when_sent`: for old messages, whose own time, where they have one that has come, says whose port it was.
    `received_at`: when they came, where that is not now.
    """
    if not messages:
        return 0, 0
    key = inbox_key()
    # In one order for all, so that two requests with the same items cannot wait for one another.
    rows = sorted((_row(message, key) for message in messages), key=itemgetter(0))
    digests, ports, sent_at, senders, contents, flags, writers = zip(*rows, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO optout_inboundmessage (endpoint_id, digest, received_at, port, sent_at, sealed_from,"
            " sealed_raw, flags, writer, state, intent, rule)"
            " SELECT %s, digest, least(CASE WHEN %s THEN sent_at END, %s), port, sent_at, sealed_from, sealed_raw, string_to_array(flags, ','), writer,"
            " 'received', '', ''"
            " FROM unnest(%s::bytea[], %s::text[], %s::timestamptz[], %s::bytea[], %s::bytea[], %s::text[], %s::bytea[])"
            " AS t (digest, port, sent_at, sealed_from, sealed_raw, flags, writer)"
            " ON CONFLICT DO NOTHING",
            [
                endpoint.pk,
                received_when_sent,
                received_at or timezone.now(),
                bytes_array(digests),
                list(ports),
                list(sent_at),
                bytes_array(senders),
                bytes_array(contents),
                list(flags),
                bytes_array(writers),
            ],
        )
        stored = cursor.rowcount
    if stored:
        transaction.on_commit(nudge, robust=True)
    return stored, len(messages) - stored


def stored(endpoint: InboundEndpoint, message: Received) -> InboundMessage:
    """The row that a message has become."""
    return InboundMessage.objects.get(endpoint=endpoint, digest=_digest(message))


def open_message(message: InboundMessage) -> Opened:
    """The reply in clear. Raises SealBroken."""
    content = _content(message)
    return Opened(sender=open_from(message), text=content["text"], signature=content["signature"])


def open_raw(message: InboundMessage) -> bytes:
    """What its provider delivered, byte for byte. Raises SealBroken."""
    return bytes.fromhex(_content(message)["raw"])


def _content(message: InboundMessage) -> dict[str, str]:
    box, place = bytes(message.sealed_raw), _place("raw", bytes(message.digest))
    content: dict[str, str] = json.loads(unseal(inbox_key(), box, place=place))
    return content


def open_from(message: InboundMessage) -> str:
    """Who sent it, as it was spelled. Raises SealBroken."""
    return _text(unseal(inbox_key(), bytes(message.sealed_from), place=_place("from", bytes(message.digest))))


def sender_of(message: InboundMessage) -> numbers.Recipient | None:
    """Who sent it; None where that is no person's number, or cannot be opened."""
    try:
        return person_of(message, open_from(message))
    except SealBroken:
        return None


def person_of(message: InboundMessage, sender: str) -> numbers.Recipient | None:
    """Whose number `sender` is, as this message spells it; None where it is nobody's."""
    return _person(sender, message.flags)


def writer_of(digits: str) -> bytes:
    """What the replies of one person have in common: a keyed digest of the number, E.164 without `+`.

    Under a key of its own that number-key rotation leaves alone. A pseudonym, as a token is.
    """
    key = derive(settings.ENV.master_key, KeyPurpose.INBOX_WRITER)
    return hmac.new(key, digits.encode(), hashlib.sha256).digest()[:WRITER_BYTES]


def masked_from(message: InboundMessage) -> str:
    """Who sent it, for people's eyes."""
    if message.purged_at:
        return gettext("deleted after its time")
    recipient = sender_of(message)
    return recipient.masked() if recipient else gettext("unreadable")


def inbox_key() -> bytes:
    return derive(settings.ENV.master_key, KeyPurpose.INBOX)


def _row(message: Received, key: bytes) -> tuple[Any, ...]:
    digest = _digest(message)
    content = {"raw": message.raw.hex(), "text": message.text, "signature": message.signature}
    return (
        digest,
        _port(message),
        message.sent_at,
        seal(key, _bytes(message.sender), place=_place("from", digest)),
        seal(key, json.dumps(content).encode(), place=_place("raw", digest)),
        ",".join(message.flags),
        _writer(message.sender, message.flags),
    )


def _person(sender: str, flags: Iterable[str]) -> numbers.Recipient | None:
    # A pseudonym may look like a number, and an odd one may be two people's.
    return None if NOBODYS.intersection(flags) else numbers.canonical_recipient(sender)


def _writer(sender: str, flags: Iterable[str]) -> bytes | None:
    person = _person(sender, flags)
    return writer_of(person.digits) if person else None


def _digest(message: Received) -> bytes:
    """What a repeat has in common: id, from, to and text; where there is no id, the time too.

    Under a key of its own that number-key rotation leaves alone, so that a repeat is known for ever.
    """
    fields = [message.message_id, message.sender, message.port, message.text]
    if "no_text" in message.flags:
        fields.append(message.raw.decode("utf-8", "surrogateescape"))
    if not message.message_id:
        fields.append(message.sent_at.isoformat() if message.sent_at else "")
    encoded = [_bytes(text) for text in fields]
    framed = b"".join(len(text).to_bytes(4, "big") + text for text in encoded)
    return hmac.new(derive(settings.ENV.master_key, KeyPurpose.INBOX_DIGEST), framed, hashlib.sha256).digest()


def _place(column: str, digest: bytes) -> bytes:
    return b"inbound:" + column.encode() + b":" + digest


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _port(message: Received) -> str:
    """The port in canonical form; '' where it is none or not whole, or where from and to may have been swapped."""
    swapped = "odd_from" in message.flags and numbers.canonical_recipient(message.port) is not None
    return "" if swapped or "extension_only" in message.flags else numbers.canonical_sender(message.port) or ""


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogatepass")
