"""Gateways that we call to be delivered replies: their settings, and what their processes say of themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_noop as _

from optout.inbound.adapters import adapters
from optout.models import BindType, InboundEndpoint, Protocol, Receiver
from optout.services.endpoints import endpoint_with_secret, seal_secret
from registry.errors import DomainError, Sentence
from registry.ledger.append import Draft, append
from registry.ledger.format import Kind

VERSIONS = {Protocol.SMPP: ("3.4",), Protocol.CMPP: ("2.0", "3.0")}
# How long account and secret may be: an SMPP field's octets without its NUL; CMPP's Source_Addr, and no limit of its own.
LONGEST_ACCOUNT = {Protocol.SMPP: 15, Protocol.CMPP: 6}
LONGEST_SECRET = {Protocol.SMPP: 8, Protocol.CMPP: 64}
MOST_CONNECTIONS, MOST_WINDOW = 8, 500
_NAME = re.compile(r"[A-Za-z0-9_-]{1,50}")
# What its entry says of a receiver: all but the secret, and what is no setting.
_FACTS = ("id", "protocol", "version", "host", "tcp_port", "tls", "account", "bind", "connections", "window", "enabled")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverSettings:
    """How to reach one gateway and how to be let in."""

    protocol: str
    version: str
    host: str
    tcp_port: int
    account: str
    tls: bool = False
    bind: str = ""
    connections: int = 1
    window: int = 16
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Configured:
    """A receiver as its process needs it."""

    receiver_id: int
    endpoint: InboundEndpoint
    settings: ReceiverSettings
    secret: str = field(repr=False)

    @property
    def name(self) -> str:
        return self.endpoint.provider


@dataclass(frozen=True, slots=True)
class Progress:
    """What happened on a receiver's lines since its process last said so; `messages` and `errors` are added up."""

    line: str
    bound_since: datetime | None
    last_message_at: datetime | None
    messages: int
    errors: int
    last_error: str
    seen_at: datetime


# Where and how a secret is sent.
_WHERE_TO = ("protocol", "host", "tcp_port", "tls")


@transaction.atomic
def record_receiver(
    *, name: str, settings: ReceiverSettings, secret: str | None = None, new: bool = False, by: str
) -> Receiver:
    """Record a receiver, or change the one of this `name`. A repeat changes nothing.

    Without `secret` the present one stays, unless it would be sent elsewhere than before. `new`: the name must be free. Every change is an entry: whoever could switch a
    gateway off unseen could keep refusals away. Raises `already_known`, or `invalid_request` for a value
    that its protocol does not take.
    """
    _refuse_unfit(name, settings, secret)
    endpoint = InboundEndpoint.objects.select_for_update().filter(provider=name).first()
    receiver = Receiver.objects.filter(endpoint=endpoint).first() if endpoint else None
    if endpoint is not None and (receiver is None or new):
        raise DomainError("already_known", _("There is a provider or receiver of this name."), pointer="/name")
    if secret is None and receiver is None:
        raise DomainError("invalid_request", _("A new receiver needs its secret."), pointer="/secret")
    goes_elsewhere = receiver is not None and any(getattr(receiver, x) != getattr(settings, x) for x in _WHERE_TO)
    if secret is None and goes_elsewhere:
        # Else whoever may change the address could have the secret sent to an address of theirs.
        raise DomainError("invalid_request", _("It goes elsewhere now: give the secret again."), pointer="/secret")
    fresh_secret = secret is not None and (endpoint is None or endpoint_with_secret(name)[1] != secret)
    if fresh_secret:
        assert secret is not None  # just seen
        endpoint = seal_secret(name, secret)
    receiver = receiver or Receiver(endpoint=endpoint)
    before = _facts(receiver, name)
    names = [setting.name for setting in fields(settings)]
    for setting in names:
        setattr(receiver, setting, getattr(settings, setting))
    if receiver.pk is None or fresh_secret or _facts(receiver, name) != before:
        # The state of the line is its process's to write, perhaps at this moment.
        receiver.save(update_fields=names if receiver.pk else None)
        data = {"row": _facts(receiver, name), "secret_changed": fresh_secret}
        append([Draft(Kind.RECEIVER_RECORDED, data)], by=by)
    return receiver


def configured_receivers() -> list[Configured]:
    """The receivers that are to run, with their secrets."""
    return [_configured(row) for row in Receiver.objects.filter(enabled=True).select_related("endpoint")]


def configured_receiver(protocol: str, name: str) -> Configured:
    """One receiver, enabled or not. Raises `not_found`."""
    row = Receiver.objects.filter(protocol=protocol, endpoint__provider=name).select_related("endpoint").first()
    if row is None:
        raise DomainError("not_found", f"There is no {protocol} receiver {name!r}.")
    return _configured(row)


def note_progress(receiver_id: int, progress: Progress) -> None:
    """Write down what a receiver's process says of itself. What it says without an error or a message leaves those."""
    changes: dict[str, Any] = {
        "line": progress.line,
        "bound_since": progress.bound_since,
        "messages": F("messages") + progress.messages,
        "errors": F("errors") + progress.errors,
        "seen_at": progress.seen_at,
    }
    if progress.last_error:
        changes["last_error"] = progress.last_error[:200]
    if progress.last_message_at:
        changes["last_message_at"] = progress.last_message_at
    Receiver.objects.filter(pk=receiver_id).update(**changes)


def _configured(row: Receiver) -> Configured:
    settings = ReceiverSettings(**{setting.name: getattr(row, setting.name) for setting in fields(ReceiverSettings)})
    return Configured(row.pk, row.endpoint, settings, endpoint_with_secret(row.endpoint.provider)[1])


def _facts(receiver: Receiver, name: str) -> dict[str, Any]:
    return {"name": name} | {column: getattr(receiver, column) for column in _FACTS}


def _refuse_unfit(name: str, settings: ReceiverSettings, secret: str | None) -> None:
    """Raises `invalid_request`, naming the first field at fault."""
    for pointer, problem in _problems(name, settings, secret):
        if problem:
            raise DomainError("invalid_request", problem, pointer=f"/{pointer}")


def _problems(name: str, settings: ReceiverSettings, secret: str | None) -> Sequence[tuple[str, str]]:
    protocol = Protocol(settings.protocol)
    longest, longest_secret = LONGEST_ACCOUNT[protocol], LONGEST_SECRET[protocol]
    is_smpp = protocol is Protocol.SMPP
    return (
        ("name", "" if _NAME.fullmatch(name) else _("Letters, digits, - and _ make a name.")),
        ("name", _("A provider of replies by HTTP has this name.") if name in adapters() else ""),
        ("version", "" if settings.version in VERSIONS[protocol] else _("The protocol has no such version.")),
        ("host", "" if _is_plain(settings.host, 253) and " " not in settings.host else _("This is no host.")),
        ("tcp_port", "" if 1 <= settings.tcp_port <= 65535 else _("A TCP port is from 1 to 65535.")),
        ("tls", _("CMPP has no TLS.") if settings.tls and not is_smpp else ""),
        ("account", "" if _is_plain(settings.account, longest) else _too_long(longest)),
        ("secret", "" if secret is None or _is_plain(secret, longest_secret) else _too_long(longest_secret)),
        ("bind", "" if (settings.bind in BindType.values) == is_smpp else _("SMPP has a bind type, CMPP has none.")),
        ("connections", "" if 1 <= settings.connections <= MOST_CONNECTIONS else _not_within(MOST_CONNECTIONS)),
        ("window", "" if 1 <= settings.window <= MOST_WINDOW else _not_within(MOST_WINDOW)),
    )


def _is_plain(text: str, longest: int) -> bool:
    return text.isascii() and text.isprintable() and 1 <= len(text) <= longest


def _too_long(longest: int) -> str:
    return Sentence(_("1 to %(longest)s characters of ASCII."), longest=longest)


def _not_within(most: int) -> str:
    return Sentence(_("A whole number from 1 to %(most)s."), most=most)
