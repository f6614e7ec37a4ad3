"""This document itself, and the page that shows it."""

from __future__ import annotations

from registry.api.schema.parts import ANYWHERE, Resource, call, json_answer

_OBJECT = {"type": "object"}

RESOURCE = Resource(
    name="documentation",
    description="The API in OpenAPI, for programs and for people.",
    paths={
        "/v1/schema": {
            "get": call(
                "schema",
                "This document",
                answers={
                    200: json_answer(
                        "OpenAPI 3.1.",
                        {
                            "type": "object",
                            "properties": {
                                "openapi": {"type": "string", "pattern": r"^3\.1\.[0-9]+$"},
                                "info": _OBJECT,
                                "paths": _OBJECT,
                            },
                            "required": ["openapi", "info", "paths"],
                        },
                        {"openapi": "3.1.0", "info": {"title": "Haomaku 号码库", "version": "1"}, "paths": {}},
                    )
                },
                refusals=ANYWHERE,
            )
        },
        "/v1/docs": {
            "get": call(
                "docs",
                "This document as a page",
                description="Swagger UI. Everything that it loads comes from this node.",
                answers={200: {"description": "A page.", "content": {"text/html": {"schema": {"type": "string"}}}}},
                refusals=ANYWHERE,
            )
        },
    },
)
