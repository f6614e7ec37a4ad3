"""Whether the process lives, and whether it should be sent traffic."""

from __future__ import annotations

from registry.api.schema.parts import ANYWHERE, Resource, Schema, call, json_answer, record

METRICS = """\
# HELP haomaku_database_up Whether the database answers.
# TYPE haomaku_database_up gauge
haomaku_database_up 1.0
"""


def _health(operation_id: str, summary: str, description: str, status: str) -> Schema:
    return call(
        operation_id,
        summary,
        description=description,
        answers={200: json_answer("Yes.", record({"status": {"const": status}}), {"status": status})},
        refusals=ANYWHERE,
    )


RESOURCE = Resource(
    name="health",
    description="For supervisors and load balancers; the decision process serves its own.",
    paths={
        "/health/live": {"get": _health("live", "Does this process live?", "", "live")},
        "/health/ready": {
            "get": _health(
                "ready",
                "Should this process be sent traffic?",
                "503 `unavailable` with `reasons` while database, migrations or index cannot be relied on.",
                "ready",
            )
        },
        "/metrics": {
            "get": call(
                "metrics",
                "What is measured",
                description="Counts and ages in the text format of Prometheus, as they are at this moment.",
                answers={
                    200: {
                        "description": "While the database is away, what this node knows without it.",
                        "headers": {},
                        "content": {
                            "text/plain": {"schema": {"type": "string"}, "examples": {"answer": {"value": METRICS}}}
                        },
                    }
                },
                refusals=ANYWHERE,
            )
        },
    },
)
