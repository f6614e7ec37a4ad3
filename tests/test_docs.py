"""What is not documented does not exist."""

import re
import runpy
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import get_commands
from ruamel.yaml import YAML

from config.celery import app
from config.env import PROJECT, SETTINGS
from optout import labels
from optout.api.metrics import GAUGES
from optout.inbound.message import FLAGS
from optout.models import Judgement
from registry.decisions.policy import REASONS
from registry.errors import CODES
from registry.holdings import holdings
from registry.labels import FINDINGS
from registry.models import ApiKey
from registry.proposals import FIELDS


def documented(name: str) -> set[str]:
    """The first words in backticks of a page's table rows."""
    text = (PROJECT / "docs" / name).read_text("utf-8")
    return {word for row in re.findall(r"^\| (`[^|]+) \|", text, re.M) for word in re.findall(r"`([\w.]+)", row)}


def test_every_setting_is_documented():
    assert {setting.name for setting in SETTINGS} <= documented("operations.md")


def test_every_command_of_ours_is_documented():
    ours = {name for name, package in get_commands().items() if package in ("registry", "optout")}
    assert ours <= documented("operations.md")


def test_every_task_is_documented():
    app.loader.import_default_modules()
    text = (PROJECT / "docs" / "operations.md").read_text("utf-8")
    for task in app.tasks:
        assert task.startswith("celery.") or f"`{task}`" in text


def test_every_error_code_is_documented_with_its_status():
    text = (PROJECT / "docs" / "errors.md").read_text("utf-8")
    for code, (status, _) in CODES.items():
        assert f"| `{code}` | {status} |" in text
    assert documented("errors.md") == set(CODES)


def test_every_finding_is_documented():
    assert documented("checks.md") == set(FINDINGS)


def test_every_field_of_an_application_is_documented():
    text = (PROJECT / "docs" / "applications.md").read_text("utf-8")
    for kind, fields in FIELDS.items():
        assert f"`{kind}`" in text
        assert all(f"`{field.name}`" in text for field in fields)


def test_the_ways_are_drawn_from_the_table():
    ways = runpy.run_path(str(PROJECT / "docs" / "ways.py"))
    page = (PROJECT / "docs" / "applications.md").read_text("utf-8")
    assert ways["redrawn"](page) == page


def test_every_reason_is_documented():
    assert documented("reasons.md") == set(REASONS)


def test_every_flag_of_a_reply_is_documented():
    assert set(FLAGS) <= documented("replies.md")


def test_every_flag_and_every_rule_of_a_reply_has_words():
    assert set(labels.FLAGS) == set(FLAGS)
    text = (PROJECT / "docs" / "replies.md").read_text("utf-8")
    table = text.partition("## Intents and rules")[2].partition("\n## ")[0]
    cells = [row.split("|")[2] for row in table.splitlines() if row.startswith("| ")]
    # One row speaks of "a rule of `opt_out`".
    assert {name for cell in cells for name in re.findall(r"`(\w+)", cell)} - {"opt_out"} == set(labels.RULES)


def test_every_verdict_and_every_gauge_is_documented(db):
    assert set(Judgement.values) <= documented("replies.md")
    gauges = {metric.name for metric in GAUGES.collect()}
    assert gauges <= documented("operations.md")


def test_every_scope_of_a_key_is_documented():
    text = (PROJECT / "docs" / "operations.md").read_text("utf-8")
    assert all(f"--scope {scope}" in text for scope in ApiKey.SCOPES)


def test_every_table_says_what_it_holds_about_people():
    page = (PROJECT / "docs" / "privacy.md").read_text("utf-8")
    models = [m for app in ("registry", "optout") for m in apps.get_app_config(app).get_models()]
    assert [model.__name__ for model in models if f"`{model.__name__}`" not in page] == []
    assert [holding.kind for holding in holdings() if f"| `{holding.kind}` |" not in page] == []


@pytest.mark.parametrize("page", sorted((PROJECT / "docs").rglob("*.md")), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


def test_every_test_that_the_legal_map_names_is_there():
    text = (PROJECT / "docs" / "legal-map.md").read_text("utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text)
    assert named
    for file, test in named:
        assert f"def {test or 'test_'}" in (PROJECT / file).read_text("utf-8"), (file, test)


def test_containers_run_the_commands_of_a_node_as_an_ordinary_user():
    compose = YAML(typ="safe").load((PROJECT / "docker-compose.yml").read_text("utf-8"))
    services = compose["services"]
    assert set(services) >= {
        "postgres",
        "valkey",
        "web",
        "decisions",
        "worker",
        "beat",
        "follower",
        "sweep",
        "receivers",
        "confirmations",
        "checkpoints",
        "records",
    }
    names = {setting.name for setting in SETTINGS}
    for service in services.values():
        if service.get("image") == "haomaku":
            # Ports, address and folder are the image's own.
            assert set(service["environment"]) == names - {"DATA_DIR", "HOST", "PORT", "DECISION_PORT"}
    lines = (PROJECT / "Dockerfile").read_text("utf-8").splitlines()
    instructions = [line.split(" ", 1) for line in lines if re.match(r"[A-Z]+ ", line)]
    assert instructions[0][0] == "FROM"
    assert ":latest" not in instructions[0][1]
    assert [argument for word, argument in instructions if word == "USER"] == ["haomaku"]
    for word, argument in instructions:
        if word == "COPY":
            assert all((PROJECT / source).exists() for source in argument.split()[:-1])
