"""`DATA_DIR/demo.json`: how to reach and log in to a demo node (design, "Interfaces that outsiders rely on")."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.db import transaction

from config.env import Env
from optout.inbound.adapters import adapters
from optout.services.endpoints import standing_webhook_secret
from registry.models import Carrier, Institution
from registry.services.demo import CARRIERS, SENDERS
from registry.services.keys import issue_api_key

FILE = "demo.json"
# role → user name; the regulator sees everything and changes nothing.
LOGINS = {"administrator": "admin", "regulator": "regulator"}
PASSWORD_BYTES = 12


def write_demo_file(env: Env) -> None:
    """Write the file with the present URLs.

    Key and passwords stay what they were when it was first written; webhook secrets are those that stand, and a provider
    that has none gets one.
    """
    path = env.data_dir / FILE
    kept = _kept(path) or _fresh_secrets()
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
    _write_private(path, json.dumps(content, ensure_ascii=False, indent=2) + "\n")


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
        "logins": {role: _login(role, username) for role, username in LOGINS.items()},
    }


def _login(role: str, username: str) -> dict[str, str | None]:
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    user, _ = User.objects.get_or_create(username=username)
    user.is_staff, user.is_superuser = True, role == "administrator"
    user.set_password(password)
    user.save()
    if not user.is_superuser:
        readers, _ = Group.objects.get_or_create(name="regulator")
        readers.permissions.set(
            Permission.objects.filter(codename__startswith="view_", content_type__app_label__in=("registry", "optout"))
        )
        user.groups.add(readers)
    return {"username": username, "password": password, "totp_secret": None}


def _write_private(path: Path, text: str) -> None:
    """In one rename, so that nobody reads half a file."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.rename(path)
