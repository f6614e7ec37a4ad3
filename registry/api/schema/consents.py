"""`/v1/consents` in OpenAPI."""

from __future__ import annotations

from registry.api.consents import MOST_EVIDENCE, MOST_ID
from registry.api.schema.parts import ANYWHERE, BEARER, Resource, Schema, call, json_answer, json_body, record, ref
from registry.numbers import MAX_SPELLING
from registry.scope import CHANNELS, REFUSABLE_PURPOSES

_NO_STORE: Schema = {"Cache-Control": {"required": True, "schema": {"type": "string", "const": "no-store"}}}
_ID: Schema = {"type": "string", "minLength": 1, "maxLength": MOST_ID, "description": "The institution's own."}
_TIME: Schema = {"type": "string", "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"}
_MOMENT: Schema = {"type": "string", "format": "date-time"}
_LATER: Schema = {"type": ["string", "null"], "format": "date-time"}


def _some_of(*words: str) -> Schema:
    return {"type": "array", "items": {"type": "string", "enum": list(words)}, "minItems": 1, "uniqueItems": True}


_WHAT: dict[str, Schema] = {
    "purposes": _some_of(*REFUSABLE_PURPOSES),
    "channels": _some_of(*CHANNELS),
    "from": {**_TIME, "description": "From this minute of the day, by the clock of the rule that it opens,"},
    "to": {**_TIME, "description": "until this one; of the next day where it comes first."},
}
_ASKED = {
    "id": "contract-88",
    "recipient": "15400000001",
    "purposes": ["collection"],
    "channels": ["sms"],
    "from": "22:00",
    "to": "23:00",
    "evidence": "合同 88 号第 7 条",
}
_SHOWN = {
    "id": "contract-88",
    "purposes": ["collection"],
    "channels": ["sms"],
    "from": "22:00",
    "to": "23:00",
    "valid_from": "2026-01-31T04:00:01.000000Z",
    "valid_to": None,
    "withdrawn_at": None,
}
_REFUSALS = ("unauthenticated", "forbidden", "invalid_json", "invalid_request", *ANYWHERE)

RESOURCE = Resource(
    name="consents",
    description=(
        "What people agreed to with an institution: to be reached at hours at which quiet hours keep others quiet. A consent "
        "opens nothing else: no refusal, no cap, no number that is not listed."
    ),
    schemas={
        "Agreed": record(
            {
                "id": _ID,
                "recipient": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": MAX_SPELLING,
                    "description": "Who agreed.",
                },
                **_WHAT,
                "valid_from": {**_LATER, "description": "Default: now."},
                "valid_to": {**_LATER, "description": "Default: no end."},
                "evidence": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": MOST_EVIDENCE,
                    "description": "Where it is written, without the recipient's number; the ledger holds its hash alone.",
                },
            },
            optional=("valid_from", "valid_to"),
        ),
        "Consent": record({"id": _ID, **_WHAT, "valid_from": _MOMENT, "valid_to": _LATER, "withdrawn_at": _LATER}),
        "ConsentId": record({"id": _ID}),
    },
    paths={
        "/v1/consents": {
            "post": call(
                "recordConsent",
                "A person agreed to be reached in quiet hours",
                description=(
                    "With the institution's own key. 201 means in the ledger; every node follows. The same id and content "
                    "again is answered 200 and changes nothing."
                ),
                security=BEARER,
                body=json_body("What was agreed.", ref("Agreed"), {"an hour in the evening": _ASKED}),
                answers={
                    201: json_answer("Recorded.", ref("Consent"), _SHOWN, headers=_NO_STORE),
                    200: json_answer("Recorded before.", ref("Consent"), _SHOWN, headers=_NO_STORE),
                },
                refusals=(*_REFUSALS, "id_reused"),
            ),
        },
        "/v1/consents/withdraw": {
            "post": call(
                "withdrawConsent",
                "The person or the institution takes it back",
                description="In force at once, for good; a repeat changes nothing. A new consent has a new id.",
                security=BEARER,
                body=json_body("Which.", ref("ConsentId"), {"one": {"id": "contract-88"}}),
                answers={
                    200: json_answer(
                        "Withdrawn.",
                        ref("Consent"),
                        _SHOWN | {"withdrawn_at": "2026-02-01T04:00:00.000000Z"},
                        headers=_NO_STORE,
                    )
                },
                refusals=(*_REFUSALS, "not_found"),
            ),
        },
    },
)
