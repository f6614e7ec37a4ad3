"""Deliver replies as a provider does, and ask who was refused."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import time
import uuid
from typing import Any

from django.http import HttpResponse
from django.test import Client

from optout.services.endpoints import issue_webhook_secret
from registry.models import Recipient, Suppression
from registry.number_keys import FIRST
from registry.numbers import canonical_recipient
from registry.selectors.recipients import number_keys

_ids = itertools.count(1)


def signed(body: bytes, secret: str, *, at: float | None = None) -> str:
    """The X-Signature of a body."""
    moment = str(int(time.time() if at is None else at))
    return f"t={moment},v1={hmac.new(secret.encode(), moment.encode() + b'.' + body, hashlib.sha256).hexdigest()}"


def post(body: bytes, secret: str, *, signature: str | None = None, accept: str = "*/*") -> HttpResponse:
    """POST raw bytes to the generic webhook."""
    header = signed(body, secret) if signature is None else signature
    return Client().post(
        "/v1/inbound/generic", body, content_type="application/json", headers={"X-Signature": header, "Accept": accept}
    )


def code(answer: HttpResponse) -> tuple[int, str]:
    """Status and code of a refusal."""
    assert answer["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def provider_path(provider: str) -> str:
    """The secret address of a provider that does not sign, fresh."""
    return f"/v1/inbound/{provider}/{issue_webhook_secret(provider)}"


def item(sender: str = "15400000001", port: str = "10690001", text: Any = "TD", **changes: Any) -> dict[str, Any]:
    """One item of the webhook with an id of its own; a change to None leaves a field out."""
    fields = {"id": f"m{next(_ids)}", "from": sender, "to": port, "text": text, **changes}
    return {name: value for name, value in fields.items() if value is not None}


def deliver(sender: str, port: str, text: str, **changes: Any) -> dict[str, int]:
    """Deliver one reply and return the counts of the answer."""
    answer = post(json.dumps(item(sender, port, text, **changes)).encode(), issue_webhook_secret("generic"))
    assert answer.status_code == 200, answer.content
    return answer.json()


def suppressions_of(number: str) -> list[Suppression]:
    """The suppressions of a person."""
    recipient = canonical_recipient(number)
    assert recipient is not None
    token = uuid.UUID(bytes=number_keys().tokenizer(FIRST).token(recipient.digits))
    subject = Recipient.objects.filter(token=token).values("subject")
    return list(Suppression.objects.filter(subject__in=subject).select_related("institution").order_by("pk"))


def refused_by(number: str) -> set[str]:
    """Whom a person refused: institution codes, digits, or `everyone`."""
    return {row.institution.code if row.institution else row.digits or "everyone" for row in suppressions_of(number)}
