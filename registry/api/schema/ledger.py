"""The ledger's entries."""

from __future__ import annotations

from registry.api.ledger import MOST_ENTRIES, MOST_SEQ
from registry.api.schema.parts import ANYWHERE, BEARER, HEX_32, Resource, Schema, call, json_answer, record, ref


def whole_number(name: str, description: str, *, default: int) -> Schema:
    """A parameter of the query."""
    schema = {"type": "integer", "format": "int64", "minimum": 0, "maximum": MOST_SEQ, "default": default}
    return {"name": name, "in": "query", "description": description, "schema": schema}


SCHEMAS: dict[str, Schema] = {
    "Entry": record(
        {
            "seq": {"type": "integer", "minimum": 1},
            "entry": {
                "type": ["string", "null"],
                "description": "The canonical JSON text, verbatim; null where it is about a person or a key.",
            },
            "leaf_hash": {**HEX_32, "description": "SHA-256(0x00 ‖ text) in hex; `prev` of the next entry repeats it."},
        }
    ),
    "Entries": record({"entries": {"type": "array", "items": ref("Entry"), "maxItems": MOST_ENTRIES}}),
}

RESOURCE = Resource(
    name="ledger",
    description="Everything that ever changed what a carrier may do, in order.",
    schemas=SCHEMAS,
    paths={
        "/v1/ledger/entries": {
            "get": call(
                "ledgerEntries",
                "Entries in order",
                description="For keys with the scope `ledger`.",
                security=BEARER,
                parameters=[
                    whole_number("after", "Entries behind this `seq`.", default=0),
                    whole_number(
                        "limit",
                        f"At most so many; more than {MOST_ENTRIES:,} is {MOST_ENTRIES:,}.",
                        default=MOST_ENTRIES,
                    ),
                ],
                answers={
                    200: json_answer(
                        "The entries, none behind the last.",
                        ref("Entries"),
                        {"entries": [{"seq": 409, "entry": None, "leaf_hash": "5f" * 32}]},
                    )
                },
                refusals=("unauthenticated", "forbidden", "invalid_request", *ANYWHERE),
            )
        }
    },
)
