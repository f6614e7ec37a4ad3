"""What the ledger is verified by."""

from __future__ import annotations

from registry.api.ledger import MOST_SEQ
from registry.api.schema.parts import ANYWHERE, HEX_32, Resource, Schema, call, json_answer, record, ref, text_answer

NOTE_EXAMPLE = (
    "haomaku/7a5ff2b1-6c0e-4a5e-9d43-0d6f6fbc1d52\n431\nKi9Wc8J4R1e0v0vG5pQ3d6oGFH0ZpGqk7T6H0u0e0lY=\n\n"
    "— haomaku/7a5ff2b1-6c0e-4a5e-9d43-0d6f6fbc1d52 f6hFV1OfGUeC…\n"
)
NOTE: Schema = {
    "type": "string",
    "description": "A C2SP signed note: origin, number of entries, root in base64, a blank line, signatures.",
}
HASHES: Schema = {
    "type": "array",
    "items": HEX_32,
    "maxItems": 64,
    "description": "As in RFC 9162, from the leaf upwards.",
}


def _cached(control: str) -> Schema:
    return {
        "Cache-Control": {"required": True, "schema": {"type": "string", "const": control}},
        "ETag": {"required": True, "schema": {"type": "string"}},
    }


def _size(name: str, description: str, *, least: int) -> Schema:
    """A parameter of the query that must be there."""
    schema = {"type": "integer", "format": "int64", "minimum": least, "maximum": MOST_SEQ}
    return {"name": name, "in": "query", "required": True, "description": description, "schema": schema}


def _proof(operation_id: str, summary: str, description: str, parameters: list[Schema]) -> Schema:
    answer = json_answer(
        "The proof; it never changes.",
        ref("Proof"),
        {"hashes": ["5f" * 32]},
        headers=_cached("public, max-age=31536000, immutable"),
    )
    return {
        "get": call(
            operation_id,
            summary,
            description=description,
            parameters=parameters,
            answers={200: answer},
            refusals=("invalid_request", "not_found", *ANYWHERE),
        )
    }


RESOURCE = Resource(
    name="checkpoints",
    description="What anybody may verify the ledger by. Every answer has an `ETag`, for `If-None-Match`.",
    schemas={"Proof": record({"hashes": HASHES})},
    paths={
        "/v1/ledger/checkpoint": {
            "get": call(
                "checkpoint",
                "The newest checkpoint",
                description="At most a minute old while entries come.",
                answers={200: text_answer("The note.", NOTE, NOTE_EXAMPLE, headers=_cached("public, max-age=5"))},
                refusals=("not_found", *ANYWHERE),
            )
        },
        "/v1/ledger/key": {
            "get": call(
                "ledgerKey",
                "The keys that sign checkpoints",
                description="C2SP vkey lines, one for each key there ever was, the current one first.",
                answers={
                    200: text_answer(
                        "The keys.",
                        {"type": "string", "pattern": "^([^ +]+[+][0-9a-f]{8}[+][A-Za-z0-9+/=]+\n)+$"},
                        "haomaku/7a5ff2b1-6c0e-4a5e-9d43-0d6f6fbc1d52+7fa84557+Abm1V6vV0iUhhBAQkXk7jW3U7bKq0aB3sY5K3d9y3q1A\n",
                        headers=_cached("public, max-age=60"),
                    )
                },
                refusals=("not_found", *ANYWHERE),
            )
        },
        "/v1/ledger/proofs/inclusion": _proof(
            "inclusionProof",
            "That an entry is in the ledger",
            "Entry `seq` is among the first `size`, which a checkpoint must cover. The leaf's index is `seq` − 1.",
            [_size("seq", "The entry.", least=1), _size("size", "How many entries.", least=1)],
        ),
        "/v1/ledger/proofs/consistency": _proof(
            "consistencyProof",
            "That the ledger was only continued",
            "The first `to` entries, which a checkpoint must cover, begin with the first `from`.",
            [_size("from", "The smaller size.", least=0), _size("to", "The larger size.", least=0)],
        ),
    },
)
