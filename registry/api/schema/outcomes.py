"""What became of counted decisions. Answered by `registry.decisions.app`, in front of Django."""

from __future__ import annotations

from registry.api.schema.parts import BEARER, Resource, call, json_answer, json_body, record, ref
from registry.decisions.counting import OUTCOMES
from registry.decisions.wire import MAX_ID, MAX_ITEMS

RESOURCE = Resource(
    name="outcomes",
    description="What became of a counted decision: caps on contacts and effective calls count what is reported here.",
    schemas={
        "Report": record(
            {
                "id": {
                    "type": "string",
                    "minLength": 1,
                    "maxLength": MAX_ID,
                    "description": "Under which the decision was counted.",
                },
                "outcome": {
                    "type": "string",
                    "enum": list(OUTCOMES),
                    "description": "The best one that was reported counts, once.",
                },
                "at": {
                    "type": "string",
                    "format": "date-time",
                    "description": "When the person was reached. Default: when the decision was counted.",
                },
            },
            optional=("at",),
        ),
        "Reports": record({"items": {"type": "array", "items": ref("Report"), "maxItems": MAX_ITEMS}}),
        "ReportAnswer": record(
            {
                "results": {
                    "type": "array",
                    "items": record({"code": {"type": "string", "enum": ["recorded", "unknown_id"]}}),
                    "description": "In the order of the items.",
                }
            }
        ),
    },
    paths={
        "/v1/outcomes": {
            "post": call(
                "reportOutcomes",
                f"What became of up to {MAX_ITEMS:,} counted decisions",
                description="A repeat changes nothing. Under an id of another client, or a forgotten one, nothing counts.",
                security=BEARER,
                body=json_body(
                    "Outcomes; one that is malformed refuses all.",
                    ref("Reports"),
                    {
                        "two": {
                            "items": [{"id": "call-17", "outcome": "effective_call"}, {"id": "x", "outcome": "failed"}]
                        }
                    },
                ),
                answers={
                    200: json_answer(
                        "What was recorded.",
                        ref("ReportAnswer"),
                        {"results": [{"code": "recorded"}, {"code": "unknown_id"}]},
                    )
                },
                refusals=(
                    "invalid_json",
                    "unauthenticated",
                    "too_large",
                    "invalid_request",
                    "internal",
                    "index_not_ready",
                    "unavailable",
                ),
            )
        },
    },
)
