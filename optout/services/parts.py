"""What gateways deliver becomes replies; long ones from their parts, over whichever lines those came."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from optout import intents
from optout.gateways import cmpp, smpp
from optout.gateways.coding import decode
from optout.gateways.delivered import Delivered, Part
from optout.inbound.message import Received, message
from optout.intents import understand
from optout.models import InboundEndpoint, LongMessage, MessagePart, Protocol
from optout.services.inbox import NOBODYS, inbox_key, store, stored
from optout.services.rules import RulesInForce
from registry import numbers
from registry.keys import KeyPurpose, SealBroken, derive, seal, unseal
from registry.selectors.listings import attribute, listings_covering

# A part that comes again so long after its message is the gateway's repeat and none of a new message.
REPEATS_FOR = timedelta(hours=1)
MESSAGES_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class OpenedPart:
    """A part in clear, for the moment that its message is read."""

    number: int
    sender: str = field(repr=False)
    pseudonymous: bool
    port: str
    flags: list[str]
    content: bytes = field(repr=False)
    charset: str
    raw: bytes = field(repr=False)


# What a message is read from whose parts are all damaged: that there was one, a person must know.
_NOTHING = OpenedPart(0, sender="", pseudonymous=False, port="", flags=[], content=b"", charset="binary", raw=b"")


@transaction.atomic
def keep_deliveries(endpoint: InboundEndpoint, protocol: str, deliveries: Sequence[Delivered]) -> None:
    """Store what a gateway delivered, whole or not at all. Acknowledge only after the commit.

    A long message is read when it is complete, or before that when what there is of it from its beginning is a reject
    code; what comes after that only joins it.
    """
    store(endpoint, [_whole(delivered) for delivered in deliveries if delivered.part is None])
    grouped: dict[bytes, list[tuple[Part, Delivered]]] = defaultdict(list)
    for delivered in deliveries:
        if delivered.part is not None:
            grouped[_key(delivered, delivered.part)].append((delivered.part, delivered))
    # In one order for all, so that two lines never wait for one another.
    for key in sorted(grouped):
        _keep_parts(endpoint, protocol, key, grouped[key])


def read_overdue(*, wait: timedelta) -> int:
    """Read long messages whose parts have been awaited for `wait`: what is there counts, flagged. Return how many."""
    now = timezone.now()
    # A time far ahead of us was written under a wrong clock: it must not be waited for.
    overdue = Q(begun_at__lte=now - wait) | Q(begun_at__gt=now + wait)
    waiting = LongMessage.objects.filter(overdue, closed_at=None).order_by("pk")
    return sum(_close_overdue(long_message) for long_message in waiting.select_related("endpoint")[:MESSAGES_AT_ONCE])


@transaction.atomic
def _close_overdue(long_message: LongMessage) -> bool:
    """Whether it was still open when its turn came."""
    _take(bytes(long_message.key))
    long_message.refresh_from_db(fields=["closed_at", "message"])
    if long_message.closed_at is not None:
        return False
    _close(long_message)
    return True


def _whole(delivered: Delivered) -> Received:
    return message(
        message_id=_id_for_ever(delivered),
        sender=delivered.sender,
        port=delivered.port,
        text=delivered.text,
        signature=None,
        sent_at=delivered.sent_at,
        raw=delivered.raw,
        **_raised(delivered.flags, pseudonymous=delivered.pseudonymous),
    )


def _id_for_ever(delivered: Delivered) -> str:
    """What tells a reply from the same words at another time. Ids of gateways have no year.

    Without an id each delivery is a reply of its own: a repeat changes nothing, and a new refusal must not be taken for one.
    """
    year = delivered.sent_at.year if delivered.sent_at else ""
    return f"{year}:{delivered.message_id}" if delivered.message_id else secrets.token_hex(16)


def _raised(flags: Iterable[str], *, pseudonymous: bool) -> dict[str, bool]:
    return dict.fromkeys(flags, True) | ({"pseudonymous": True} if pseudonymous else {})


def _keep_parts(endpoint: InboundEndpoint, protocol: str, key: bytes, parts: Sequence[tuple[Part, Delivered]]) -> None:
    """Add parts that have `key` in common to the message that waits for them, and read it if it can be read."""
    _take(key)
    long_message = LongMessage.objects.filter(endpoint=endpoint, key=key, closed_at=None).first()
    for part, delivered in parts:
        digest = _digest(delivered.content)
        if _is_repeat(endpoint, key, part.number, digest):
            continue
        if long_message is not None and long_message.parts.filter(number=part.number).exists():
            # Another content under the same number: the reference is used anew, and the rest will not come.
            _close(long_message)
            long_message = None
        if long_message is None:
            long_message = LongMessage.objects.create(
                endpoint=endpoint, key=key, total=part.total, begun_at=timezone.now()
            )
        MessagePart.objects.create(
            long_message=long_message, number=part.number, digest=digest, sealed=_seal(delivered, protocol, key)
        )
        if _read_if_possible(long_message):
            long_message = None


def _read_if_possible(long_message: LongMessage) -> bool:
    """Whether the message is complete, and so closed."""
    parts = _opened(long_message)
    if len(parts) == long_message.total:
        _close(long_message)
        return True
    if long_message.message is None:
        beginning = [part for place, part in enumerate(parts, start=1) if part.number == place]
        if beginning and _is_reject_code(beginning, at=long_message.begun_at):
            _read(long_message, beginning)
    return False


def _close(long_message: LongMessage) -> None:
    """Await nothing more of it; read what there is, if it was not read before."""
    if long_message.message is None:
        _read(long_message, _opened(long_message))
    long_message.closed_at = timezone.now()
    long_message.save(update_fields=["closed_at"])


def _read(long_message: LongMessage, parts: Sequence[OpenedPart]) -> None:
    """Put the message that `parts` make into the inbox."""
    received = _joined(long_message, parts)
    store(long_message.endpoint, [received], received_at=long_message.begun_at)
    long_message.message = stored(long_message.endpoint, received)
    long_message.save(update_fields=["message"])


def _joined(long_message: LongMessage, parts: Sequence[OpenedPart]) -> Received:
    text, odd = _text(parts)
    # What was odd about the text of one part may have been its border alone.
    flags = odd.union(*(part.flags for part in parts)) - ({"odd_text", "no_text"} - odd)
    if len(parts) < long_message.total:
        flags.add("incomplete")
    first = parts[0] if parts else _NOTHING
    return message(
        # Of our own, so that a reference used again, with the same words, is another message.
        message_id=f"long:{long_message.pk}",
        sender=first.sender,
        port=first.port,
        text=text,
        signature=None,
        sent_at=None,
        raw=b"".join(part.raw for part in parts),
        **_raised(flags, pseudonymous=first.pseudonymous),
    )


def _text(parts: Sequence[OpenedPart]) -> tuple[str, set[str]]:
    """The text of neighbouring parts in one charset is read as one; gaps are line ends."""
    texts, odd = [], set[str]()
    for _, run in itertools.groupby(enumerate(parts), key=lambda item: (item[1].number - item[0], item[1].charset)):
        run_parts = [part for _, part in run]
        text, flags = decode([part.content for part in run_parts], run_parts[0].charset)
        texts.append(text)
        odd.update(flags)
    return "\n".join(text for text in texts if text), odd


def _is_reject_code(parts: Sequence[OpenedPart], *, at: datetime) -> bool:
    """Whether the beginning of a message is a refusal by a code that was in force for its port."""
    port = numbers.canonical_sender(parts[0].port) or ""
    rules = RulesInForce()
    attribution = attribute(listings_covering({port}), port, signature="", received_at=at)
    codes = rules.codes(port, attribution.principal_ids, at=at)
    understanding = understand(_text(parts)[0], codes, elsewhere=rules.known_codes)
    return understanding.intent == intents.OPT_OUT and understanding.rule.startswith("reject_code:")


def _is_repeat(endpoint: InboundEndpoint, key: bytes, number: int, digest: bytes) -> bool:
    return MessagePart.objects.filter(
        long_message__endpoint=endpoint,
        long_message__key=key,
        long_message__begun_at__gt=timezone.now() - REPEATS_FOR,
        number=number,
        digest=digest,
    ).exists()


def _take(key: bytes) -> None:
    """Keep other lines that have parts of the same message out until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(key[:8], "big", signed=True)])


def _key(delivered: Delivered, part: Part) -> bytes:
    """What the parts of one message have in common."""
    # The same digits may be a person's number and another's pseudonym, or a number abroad.
    raised = _raised(delivered.flags, pseudonymous=delivered.pseudonymous)
    nobodys = ",".join(sorted(NOBODYS.intersection(raised)))
    fields = [delivered.sender, nobodys, delivered.port, str(part.reference), str(part.wide), str(part.total)]
    return _keyed(b"".join(len(text).to_bytes(4, "big") + text.encode() for text in fields))


def _digest(content: bytes) -> bytes:
    return _keyed(b"part:" + content)


def _keyed(content: bytes) -> bytes:
    return hmac.new(derive(settings.ENV.master_key, KeyPurpose.INBOX_DIGEST), content, hashlib.sha256).digest()


def _charset_of(protocol: str, coding: int) -> str:
    return smpp.charset_of(coding) if protocol == Protocol.SMPP else cmpp.charset_of(coding)


def _seal(delivered: Delivered, protocol: str, key: bytes) -> bytes:
    content = {
        "sender": delivered.sender,
        "pseudonymous": delivered.pseudonymous,
        "port": delivered.port,
        "flags": list(delivered.flags),
        "content": delivered.content.hex(),
        "charset": _charset_of(protocol, delivered.coding),
        "raw": delivered.raw.hex(),
    }
    return seal(inbox_key(), json.dumps(content).encode(), place=b"part:" + key)


def _opened(long_message: LongMessage) -> list[OpenedPart]:
    """The parts that are there and whole, in their order. A damaged one must not hold up what stands beside it."""
    key = bytes(long_message.key)
    opened = []
    for part in long_message.parts.order_by("number"):
        try:
            clear = json.loads(unseal(inbox_key(), bytes(part.sealed), place=b"part:" + key))
        except SealBroken:
            continue
        content, raw = (bytes.fromhex(clear.pop(name)) for name in ("content", "raw"))
        opened.append(OpenedPart(number=part.number, content=content, raw=raw, **clear))
    return opened
