"""Replies and receipts in OpenAPI."""

from __future__ import annotations

from optout.inbound.adapters import adapters
from optout.inbound.generic import MAX_ITEMS, MAX_SKEW_SECONDS
from registry.api.schema.checkpoints import HASHES, NOTE, NOTE_EXAMPLE
from registry.api.schema.parts import ANYWHERE, HEX_32, Resource, Schema, call, json_answer, json_body, record, ref
from registry.scope import CHANNELS, PURPOSES
from registry.terms import Reach

_SIGNATURE: Schema = {
    "type": "apiKey",
    "in": "header",
    "name": "X-Signature",
    "description": (
        '`t=<unix seconds>,v1=<hex HMAC-SHA256(secret, "<t>." + raw body)>`, '
        f"at most {MAX_SKEW_SECONDS // 60} minutes old. The secret: `manage.py issue_webhook_secret`."
    ),
}
_PROVIDERS_OWN: Schema = {
    "type": "apiKey",
    "in": "header",
    "name": "X-Twilio-Signature",
    "description": "Twilio's and Huawei's signatures in their own headers; the others by the path token.",
}
_COUNT: Schema = {"type": "integer", "minimum": 0, "maximum": MAX_ITEMS}
_REPLY = {
    "id": "1", "from": "15400000001", "to": "10690001", "text": "TD", "received_at": "2026-01-31T12:00:00+08:00",
}  # fmt: skip

_PROVIDER: Schema = {
    "name": "provider",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "enum": [name for name in adapters() if name != "generic"]},
    "description": "Whose format it is.",
}
_PATH_TOKEN: Schema = {
    "name": "path_token",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "minLength": 1, "maxLength": 128},
    "description": "For providers that sign nothing: `manage.py issue_webhook_secret PROVIDER`.",
}


def _provider_call(operation_id: str, *parameters: Schema) -> Schema:
    """A delivery in a provider's own format, which the provider's documentation describes."""
    anything: Schema = {"schema": {"type": "string"}}
    answer: Schema = {
        "description": "Stored, in the words that the provider expects.",
        "content": {"application/json": {"schema": {}}, "text/plain": anything, "text/xml": anything},
    }
    return call(
        operation_id,
        "A provider delivers replies",
        description="200 means stored for good. Anything else: deliver again; the same reply counts once.",
        security=[{"provider": []}],
        parameters=parameters,
        body={
            "description": "The provider's own format.",
            "required": True,
            "content": {"application/json": {"schema": {}}, "application/x-www-form-urlencoded": anything},
        },
        answers={200: answer},
        refusals=(
            "invalid_json", "invalid_signature", "invalid_path_token", "stale_signature", "not_found", "invalid_request",
            *ANYWHERE,
        ),
    )  # fmt: skip


INBOUND = Resource(
    name="replies",
    description="People's replies, delivered by providers.",
    security_schemes={"signature": _SIGNATURE, "provider": _PROVIDERS_OWN},
    schemas={
        "Reply": {
            "type": "object",
            "description": "As it should be. Unknown fields and odd values are stored and read as far as possible.",
            "properties": {
                "id": {"type": "string", "description": "The provider's own; a repeat of the whole reply counts once."},
                "from": {"type": "string", "description": "Who wrote."},
                "to": {"type": "string", "description": "The number written to."},
                "text": {"type": "string"},
                "received_at": {"type": "string", "format": "date-time"},
                "signature": {"type": "string", "description": "The 签名 of the message replied to."},
            },
            "required": ["from", "to"],
        },
        "OddReply": {
            "description": "Anything else: stored, or rejected by its place, but never a refusal of the others."
        },
        "Delivery": {
            "anyOf": [
                ref("Reply"),
                {"type": "array", "items": {"anyOf": [ref("Reply"), ref("OddReply")]}, "maxItems": MAX_ITEMS},
                {"type": "object", "description": "An odd reply."},
            ]
        },
        "Delivered": record(
            {
                "accepted": {**_COUNT, "description": "Stored for good."},
                "duplicates": {**_COUNT, "description": "Stored before."},
                "rejected": {
                    "type": "array",
                    "items": record(
                        {
                            "index": {"type": "integer", "minimum": 0, "maximum": MAX_ITEMS - 1},
                            "code": {
                                "type": "string",
                                "enum": ["missing_from", "invalid_from", "missing_to", "invalid_to"],
                            },
                        }
                    ),
                    "description": "What can be no reply.",
                },
            }
        ),
    },
    paths={
        "/v1/inbound/generic": {
            "post": call(
                "deliverReplies",
                "A person replied",
                description="200 means stored for good. Anything else: deliver again; the same reply counts once.",
                security=[{"signature": []}],
                body=json_body(
                    f"A reply, or up to {MAX_ITEMS:,} of them.",
                    ref("Delivery"),
                    {"one": _REPLY, "several": [_REPLY, {**_REPLY, "id": "2", "from": "15400000002"}]},
                ),
                answers={
                    200: json_answer(
                        "Stored.",
                        ref("Delivered"),
                        {"accepted": 1, "duplicates": 0, "rejected": [{"index": 1, "code": "missing_from"}]},
                    )
                },
                refusals=(
                    "invalid_json",
                    "invalid_signature",
                    "stale_signature",
                    "not_found",
                    "invalid_request",
                    *ANYWHERE,
                ),
            )
        },
        "/v1/inbound/{provider}": {"post": _provider_call("deliverProvidersReplies", _PROVIDER)},
        "/v1/inbound/{provider}/{path_token}": {
            "post": _provider_call("deliverProvidersRepliesByToken", _PROVIDER, _PATH_TOKEN)
        },
    },
)

RECEIPTS = Resource(
    name="receipts",
    description="The proof in a person's hand.",
    schemas={
        "Reach": record(
            {
                "kind": {"type": "string", "enum": list(Reach.values)},
                "institution": {"type": ["string", "null"], "description": "The code of the institution refused."},
                "name": {"type": ["string", "null"], "description": "Its name."},
                "digits": {
                    "type": ["string", "null"],
                    "description": "The number refused.",
                    "pattern": "^[0-9]{3,21}$",
                },
                "purposes": {"type": "array", "items": {"type": "string", "enum": list(PURPOSES)}},
                "channels": {"type": "array", "items": {"type": "string", "enum": list(CHANNELS)}},
            },
            description="Whom the refusal stops.",
        ),
        "Receipt": record(
            {
                "seq": {"type": "integer", "minimum": 1, "description": "The ledger entry that records the refusal."},
                "entry": {"type": "string", "description": "Its canonical JSON text, verbatim."},
                "nonce": HEX_32,
                "commitment": {
                    **HEX_32,
                    "description": "SHA-256(`nonce` ‖ E.164 digits, ASCII, without `+`), as it stands in the entry.",
                },
                "recorded_at": {"type": "string", "format": "date-time"},
                "in_force_by": {"type": "string", "format": "date-time"},
                "reach": ref("Reach"),
                "proof": {
                    "anyOf": [ref("ReceiptProof"), {"type": "null"}],
                    "description": "That the entry is among those that `checkpoint` covers; null until one does.",
                },
                "checkpoint": {**NOTE, "type": ["string", "null"]},
                "key": {"type": "string", "description": "With `form=json` alone: what `/v1/ledger/key` answers."},
            },
            optional=["key"],
        ),
        "ReceiptProof": record({"size": {"type": "integer", "minimum": 1}, "hashes": HASHES}),
    },
    paths={
        "/v1/receipts/{code}": {
            "get": call(
                "receipt",
                "The receipt of a refusal",
                description=(
                    "Public for whoever has the code: it stands in the person's confirmation, and an operator finds it with "
                    "`manage.py find_receipts`. Whoever prefers text/html gets a page, for refusals too, `PUBLIC_RATE` times "
                    "a minute."
                ),
                parameters=[
                    {
                        "name": "code",
                        "in": "path",
                        "required": True,
                        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
                    },
                    {
                        "name": "form",
                        "in": "query",
                        "description": "`json`: as a file to keep, whatever is preferred, with the keys.",
                        "schema": {"type": "string", "enum": ["json"]},
                    },
                ],
                answers={
                    200: json_answer(
                        "The entry, and what opens its commitment.",
                        ref("Receipt"),
                        {
                            "seq": 409,
                            "entry": '{"at":"2026-01-31T04:00:01.000000Z","…":"…"}',
                            "nonce": "c4" * 32,
                            "commitment": "5f" * 32,
                            "recorded_at": "2026-01-31T04:00:01.000000Z",
                            "in_force_by": "2026-01-31T04:06:01.000000Z",
                            "reach": {
                                "kind": "principal",
                                "institution": "BANK-LX",
                                "name": "栗溪银行",
                                "digits": None,
                                "purposes": ["marketing", "collection"],
                                "channels": ["sms", "voice"],
                            },
                            "proof": {"size": 431, "hashes": ["5f" * 32]},
                            "checkpoint": NOTE_EXAMPLE,
                        },
                        headers={
                            "Cache-Control": {"required": True, "schema": {"type": "string", "const": "no-store"}}
                        },
                        or_page=True,
                    )
                },
                refusals=("not_found", "invalid_request", *ANYWHERE),
            )
        }
    },
)
