"""The document of the API: complete, valid, and shown without asking anybody else."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import schemathesis
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import URLPattern, URLResolver

from config.decisions import application as decisions
from config.openapi import DOCUMENT, RESOURCES
from config.urls import urlpatterns
from registry.api.problems import API
from registry.decisions.app import STREAM
from registry.errors import CODES

OPERATIONS = [
    pytest.param(path, method, operation, id=f"{method} {path}")
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]


def spelled(pattern: str) -> str:
    """A pattern as OpenAPI spells it."""
    text = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", pattern.removeprefix("^").removesuffix("$"))
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", text)


def routes(patterns: list[URLPattern | URLResolver], above: str = "/") -> Iterator[tuple[str, type]]:
    """Every path for programs that Django serves, with its view."""
    for pattern in patterns:
        path = above + spelled(str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, path)
        elif path.startswith(API):
            yield path, pattern.callback.view_class


DJANGOS = {
    path: {method for method in ("get", "post", "put", "patch", "delete") if hasattr(view, method)}
    for path, view in routes(urlpatterns)
}


def validate(value: Any, schema: dict[str, Any]) -> None:
    """Raises where `value` is not what a schema of the document says."""
    jsonschema.validate(value, schema | {"components": DOCUMENT["components"]})


def test_the_document_holds_every_call_and_nothing_else():
    assert {path: set(operations) for path, operations in DOCUMENT["paths"].items()} == DJANGOS | {
        path: {"post"} for path in decisions.paths
    }


def test_the_document_is_valid_openapi():
    schemathesis.openapi.from_dict(DOCUMENT).validate()


def test_no_two_resources_share_a_name():
    for kind in ("paths", "schemas", "security_schemes"):
        names = [name for resource in RESOURCES for name in getattr(resource, kind)]
        assert len(names) == len(set(names)), kind
    operations = [operation.values[2]["operationId"] for operation in OPERATIONS]
    assert len(operations) == len(set(operations))


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_a_call_is_described_with_its_refusals(path, method, operation):
    assert operation["summary"]
    # A stream may be of any size.
    assert {"500", "503"} | ({"413"} if path != STREAM else set()) <= set(operation["responses"])
    assert ("401" in operation["responses"]) == bool(operation["security"])
    for status, answer in operation["responses"].items():
        if int(status) >= 400:
            (media,) = answer["content"].values()
            assert all(CODES[code][0] == int(status) for code in media["examples"])


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_examples_are_what_their_schemas_say(path, method, operation):
    described = [*operation["responses"].values(), operation.get("requestBody", {"content": {}})]
    for media in (media for part in described for media in part["content"].values()):
        for example in media.get("examples", {}).values():
            validate(example["value"], media["schema"])


def test_references_lead_somewhere_and_every_schema_is_referred_to():
    references = set(re.findall(r"#/components/schemas/(\w+)", str(DOCUMENT)))
    assert references == set(DOCUMENT["components"]["schemas"])


def test_the_examples_are_fictional():
    people = set(re.findall(r"\b1[3-9][0-9]{9}\b", str(DOCUMENT)))
    assert people
    assert all(number.startswith("154") for number in people)


def test_the_document_is_served(client):
    answer = client.get("/v1/schema")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer.json() == DOCUMENT


def test_the_page_loads_everything_from_this_node(client):
    answer = client.get("/v1/docs")
    page = answer.content.decode()
    assert answer["Content-Type"].startswith("text/html")
    assert answer["Content-Security-Policy"].startswith("default-src 'self';")
    links = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(links) == 5
    assert "schema" in links
    for link in set(links) - {"schema"}:
        assert finders.find(link.removeprefix("/static/")), link
    assert not re.search(r"<script(?![^>]* src=)|<style|style=| on\w+=", page)


@pytest.mark.parametrize("path", DJANGOS)
@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PATCH"])
def test_a_method_that_a_path_does_not_take_is_refused_with_those_that_it_does(path, method):
    answer = Client().generic(method, re.sub(r"{\w+}", "1", path))
    assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json")
    assert answer["Allow"] == answer.json()["allow"]
    assert {name.lower() for name in answer["Allow"].split(", ")} - {"head"} == DJANGOS[path]


@pytest.mark.parametrize("path", ["/v1/nowhere", "/health/nowhere"])
def test_a_path_for_programs_that_is_not_there_is_a_problem(path):
    answer = Client().get(path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_a_node_that_is_not_ready_answers_as_documented(db):
    answer = Client().get("/health/ready")
    documented = DOCUMENT["paths"]["/health/ready"]["get"]["responses"][str(answer.status_code)]
    (media,) = documented["content"]
    assert (answer.status_code, answer["Content-Type"], answer.json()["reasons"] != []) == (503, media, True)
    validate(answer.json(), documented["content"][media]["schema"])
    assert set(documented["headers"]) <= set(answer.headers)


def test_a_foreign_host_is_a_problem_for_programs():
    answer = Client().get("/health/live", headers={"Host": "elsewhere.example"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
