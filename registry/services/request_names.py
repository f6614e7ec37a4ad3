"""What a client calls a request of its own, kept as a keyed digest: it may well be somebody's number."""

from __future__ import annotations

import hashlib
import hmac

from django.conf import settings

from registry.keys import KeyPurpose, derive


def kept_name(api_key_id: int | None, name: str) -> str:
    """What a row keeps of a name: 64 hexadecimal digits, of this API key alone."""
    key = derive(settings.ENV.master_key, KeyPurpose.REQUEST_NAME)
    return hmac.new(key, f"{api_key_id}:{name}".encode(), hashlib.sha256).hexdigest()


def names_of(api_key_id: int | None, name: str) -> list[str]:
    """What a row of that name may hold: releases before this one kept it as it came."""
    return [kept_name(api_key_id, name), name]
