"""Decisions that were kept."""

from __future__ import annotations

from registry.api.records import RECORD
from registry.api.schema.parts import ANYWHERE, BEARER, Resource, Schema, call, json_answer, record

_TEXT: Schema = {"type": "string"}
_HASH: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_ID: Schema = {"type": "string", "pattern": f"^{RECORD}$"}
_EXAMPLE = {
    "id": "5f" * 16,
    "record": '{"answered":{"decision":"allow"},"v":1}',
    "signature": "— haomaku/2f1c… 3q2+7w==",
    "nonce": "5f" * 32,
    "seq": 409,
    "entry": '{"kind":"decision_recorded","seq":409,"v":1}',
    "recorded_at": "2026-01-31T04:00:01.000000Z",
    "proof": None,
    "checkpoint": None,
}

RESOURCE = Resource(
    name="records",
    description="Decisions that were asked with `record`: signed, and proven by the ledger.",
    schemas={
        "DecisionRecord": record(
            {
                "id": _ID,
                "record": {**_TEXT, "description": "The statement as it was signed: canonical JSON, verbatim."},
                "signature": {**_TEXT, "description": "A signature line of the ledger's key over it."},
                "nonce": {**_HASH, "description": "Opens the entry's digest and commitment."},
                "seq": {"type": "integer", "minimum": 1},
                "entry": {**_TEXT, "description": "The entry's canonical text, verbatim."},
                "recorded_at": {"type": "string", "format": "date-time"},
                "proof": {
                    "oneOf": [
                        record({"size": {"type": "integer"}, "hashes": {"type": "array", "items": _HASH}}),
                        {"type": "null"},
                    ],
                    "description": "Null until a checkpoint covers the entry.",
                },
                "checkpoint": {"type": ["string", "null"], "description": "The signed note."},
            }
        )
    },
    paths={
        "/v1/records/{record}": {
            "get": call(
                "getRecord",
                "A decision that was kept, and its proof",
                description="For keys of the client that asked. There within seconds of the answer.",
                security=BEARER,
                parameters=[{"name": "record", "in": "path", "required": True, "schema": _ID}],
                answers={200: json_answer("The record.", {"$ref": "#/components/schemas/DecisionRecord"}, _EXAMPLE)},
                refusals=(*ANYWHERE, "unauthenticated", "not_found"),
            )
        }
    },
)
