"""Marked numbers go through every door of a whole node; then all that it keeps, says and wrote is searched for them.

Whatever names nobody without a key of the node's passes: tokens, sealed texts, commitments with their nonces.
"""

from __future__ import annotations

import re

import pytest
from django.core.management import get_commands
from django.urls import Resolver404, resolve

from config.decisions import application as decisions
from config.openapi import DOCUMENT
from tests.faults.support import free_port, running_node
from tests.leaks import places
from tests.leaks.doors import DOORS
from tests.leaks.search import Finding, Search, whose
from tests.leaks.stage import Heard, Stage
from tests.optout.receiver import receiving

# Routes that no door uses as it is meant, and why none needs to.
LEFT_OUT = {
    r"accounts/.*|i18n/.*|admin/registry/member/.*/reset/": "how people log in",
    r"admin/(login|logout|password_change|jsi18n|autocomplete|r)/.*": "of the admin site, and none of ours",
    r"admin/\w+/\w+/(add|<path:object_id>/(history|delete))/": "published rows are written by services alone",
    r"admin/\w+/\w+/<path:object_id>/": "leads on to the row's page",
    r"admin/\^.*|admin/\(.*": "pages that are not there",
}
# Commands by which no number comes in: those that `make run` keeps running, and those about keys, members and rules.
COMMANDS_LEFT_OUT = {
    "follow_ledger", "prepare_node", "receive", "send_confirmations", "sign_checkpoints", "sweep",
    "issue_webhook_secret", "load_rules", "record_member", "reset_log_in", "revoke_api_key", "rotate_checkpoint_key",
    "verify_anchors",
}  # fmt: skip


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """A node of which every door was used and that was stopped then; what it left is in `left`."""
    port, folder = free_port(), tmp_path_factory.mktemp("leaks")
    temporary = folder / "tmp"
    temporary.mkdir()
    settings = {"CONFIRMATION_URL": f"http://127.0.0.1:{port}/send", "PUBLIC_RATE": "100000", "PARTS_WAIT": "2",
                "TMPDIR": str(temporary), "LOG_LEVEL": "DEBUG"}  # fmt: skip
    with receiving(port) as receiver, running_node(folder / "node", **settings) as node:
        stage = Stage(node, folder, receiver)
        passing = ((temporary, "**/*"), (node.data_dir / "scrubs", "**/*"), (folder, "*.state"), (folder, "*.staged"))
        with places.watching(stage.secrets["REDIS_URL"], *passing) as watched:
            for use in DOORS:
                stage.door = use.__name__
                use(stage)
            stage.left += [*places.processes(node.process.pid), *places.database(stage.secrets["DATABASE_URL"])]
        stage.left += [*watched, ("the node's own output", "\n".join(node.output).encode())]
        node.stop()
        stage.left += places.files(node.data_dir)
    return stage


def test_a_number_is_nowhere_but_encrypted(stage):
    search = Search(stage.planted)
    found = {place: findings for place, octets in stage.left if (findings := search.find(octets))}
    assert not found, whose(found, stage.planted)


def test_no_answer_tells_a_number_but_to_whom_it_is_for(stage):
    search = Search(stage.planted)
    found: dict[str, set[Finding]] = {}
    for heard in stage.heard:
        told = {finding for finding in search.find(heard.octets) if finding.mark not in heard.shown}
        if told:
            found.setdefault(heard.place, set()).update(told)
    assert not found, whose(found, stage.planted)


def test_the_places_are_all_there(stage):
    """Where a place is empty, nothing can be found in it."""
    names = "\n".join(place for place, octets in stage.left if octets)
    for expected in ("Redis, as it was told", "log/web.log", "log/worker.log", "log/postgres.log", "index/", "pg_wal/",
                     "valkey/appendonlydir/", "scrubs/", "index.snapshot", "public.registry_ledgerentry",
                     "public.optout_inboundmessage", "public.django_session", "pg_stat_activity", "process ", "the passing file"):  # fmt: skip
        assert expected in names, expected
    told = next(octets for place, octets in stage.left if place.startswith("Redis"))
    assert b"optout.apply_replies" in told


def used(heard: Heard) -> bool:
    """Whether a door was used as it is meant, and opened."""
    return 200 <= heard.status < 400 and not heard.door.startswith("mistaken")


def route_of(heard: Heard) -> str:
    try:
        return resolve(heard.path.partition("?")[0]).route
    except Resolver404:
        return ""


def test_no_door_is_forgotten(stage):
    """A new route, call of the API or command has a function in `doors`, or a reason here."""
    routes = {route_of(heard) for heard in stage.heard if used(heard)}
    unused = [route for route in stage.routes() if route not in routes]
    assert not [route for route in unused if not any(re.fullmatch(known, route) for known in LEFT_OUT)]
    ours = {name for name, package in get_commands().items() if package in ("registry", "optout")}
    assert ours == stage.commands | COMMANDS_LEFT_OUT


def test_no_call_of_the_api_is_forgotten(stage):
    asked = {(heard.method.lower(), heard.path.partition("?")[0]) for heard in stage.heard if used(heard)}
    for path, operations in DOCUMENT["paths"].items():
        shape = re.compile(re.sub(r"{\w+}", "[^/]+", path))
        for method in operations:
            assert any(method == m and shape.fullmatch(p) for m, p in asked), (method, path)
    assert decisions.paths <= set(DOCUMENT["paths"])
