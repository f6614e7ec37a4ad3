"""`DATA_DIR/demo.json`: how to reach and log in to a demo node (design, "Interfaces that outsiders rely on")."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.db import transaction

from config.env import Env
from optout.inbound.adapters import adapters
from optout.inbound.message import message
from optout.models import InboundMessage
from optout.services.endpoints import endpoint_with_secret, standing_webhook_secret
from optout.services.inbox import store
from registry.models import Application, Carrier, Institution, Member
from registry.selectors.members import has_second_factor
from registry.services.demo import CARRIERS, SENDERS, load_demo_applications
from registry.services.keys import issue_api_key
from registry.services.log_in import fresh_password, give_totp
from registry.services.members import record_member
from registry.terms import Role

FILE = "demo.json"
# login → its user name, role, and the code of its institution or carrier
LOGINS = {
    "administrator": ("admin", Role.ADMINISTRATOR, ""),
    "administrator2": ("admin2", Role.ADMINISTRATOR, ""),
    "officer": ("officer", Role.OFFICER, "BANK-LX"),
    "officer2": ("officer2", Role.OFFICER, "BANK-SH"),
    "carrier": ("carrier", Role.CARRIER, CARRIERS[0][0]),
    "regulator": ("regulator", Role.REGULATOR, ""),
    "second": ("second", Role.SECOND, ""),
    "auditor": ("auditor", Role.AUDITOR, ""),
    "operator": ("operator", Role.OPERATOR, ""),
}

# from, to, text
REPLIES = (
    ("15400000201", SENDERS.white_prefix + "01", "不要"),
    ("15400000202", SENDERS.principal + "02", "你打错了,我不认识这个人"),
    ("pseudonym-203", SENDERS.white_prefix + "01", "TD"),
)


def write_demo_file(env: Env) -> None:
    """Write the file with the present URLs.

    Key and passwords stay what they were when it was first written; webhook secrets are those that stand, and a provider
    that has none gets one.
    """
    path = env.data_dir / FILE
    kept = _kept(path) or _fresh_secrets()
    # A file of an older version lacks log-ins that this one knows, or has them without a role.
    kept["logins"] = {login: kept["logins"].get(login) if _exists(login) else None for login in LOGINS}
    kept["logins"] = {
        login: _with_second_factor(login, kept["logins"][login]) if kept["logins"][login] else _login(login)
        for login in LOGINS
    }
    if not Application.objects.exists():
        named = {LOGINS[login][0]: login for login in LOGINS}
        rows = Member.objects.filter(user__username__in=named).select_related("user")
        load_demo_applications({named[member.user.get_username()]: member for member in rows})
    content = {
        "base_url": env.local_url(env.port),
        "decisions_url": env.local_url(env.decision_port),
        "api_key": kept["api_key"],
        "clients": [*_codes(Carrier), *_codes(Institution)],
        "logins": kept["logins"],
        "webhooks": {
            adapter.provider: dict.fromkeys(adapter.credentials, standing_webhook_secret(adapter.provider))
            for adapter in adapters().values()
        },
        "senders": asdict(SENDERS),
    }
    # The secrets above gave the provider its endpoint.
    if not InboundMessage.objects.exists():
        _deliver_demo_replies()
    _write_private(path, json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def _deliver_demo_replies() -> None:
    """Something for the operator to judge on the first day: none of these is surely a refusal, or can be carried out."""
    endpoint, _ = endpoint_with_secret("generic")
    for n, (sender, port, text) in enumerate(REPLIES):
        reply = message(
            message_id=f"demo-{n}", sender=sender, port=port, text=text, signature="", sent_at=None, raw=text.encode()
        )
        store(endpoint, [reply])


def _codes(model: type[Carrier] | type[Institution]) -> list[str]:
    return list(model.objects.order_by("pk").values_list("code", flat=True))


def _kept(path: Path) -> dict[str, Any] | None:
    try:
        kept: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return kept if {"api_key", "logins"} <= kept.keys() else None


@transaction.atomic
def _fresh_secrets() -> dict[str, Any]:
    _, api_key = issue_api_key(client_code=CARRIERS[0][0], scopes=["ledger"], by="demo")
    return {
        "api_key": api_key,
        "logins": {},
    }


def _exists(login: str) -> bool:
    return Member.objects.filter(user__username=LOGINS[login][0]).exists()


def _login(login: str) -> dict[str, str | None]:
    username, role, code = LOGINS[login]
    password = fresh_password()
    member = record_member(
        username=username,
        password=password,
        role=role,
        institution=Institution.objects.get(code=code) if role == Role.OFFICER else None,
        carrier=Carrier.objects.get(code=code) if role == Role.CARRIER else None,
        by="demo",
    )
    secret = give_totp(member=member) if member.needs_second_factor else None
    return {"username": username, "password": password, "totp_secret": secret}


def _with_second_factor(login: str, kept: dict[str, str | None]) -> dict[str, str | None]:
    """With an authenticator app where the role needs one and the member has none, not even one of their own."""
    member = Member.objects.select_related("user").get(user__username=LOGINS[login][0])
    secret = kept.get("totp_secret")
    if member.needs_second_factor and not has_second_factor(member.user_id):
        secret = give_totp(member=member, secret=secret)
    return {**kept, "totp_secret": secret}


def _write_private(path: Path, text: str) -> None:
    """In one rename, so that nobody reads half a file."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.rename(path)
