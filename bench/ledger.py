"""The ledger's tree: how fast it grows and is verified, and how long a proof out of ten million entries takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from urllib.parse import urlsplit, urlunsplit

import psycopg

from bench.node import Bench
from bench.results import Result, beside, figure
from config.env import PROJECT

DATABASE = "bench_ledger"


def run(bench: Bench) -> list[Result]:
    """In a database of its own on the node's server: ledgers that the node does not see."""
    url = bench.environ["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as console:
        console.execute(f"CREATE DATABASE {DATABASE}")
    try:
        environ = {**bench.environ, "DATABASE_URL": urlunsplit(urlsplit(url)._replace(path=f"/{DATABASE}"))}
        measured = _measured(environ)
    finally:
        with psycopg.connect(url, autocommit=True) as console:
            console.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
    hashed = figure("sha256_two_a_leaf", "leaves/s", measured["hashed"])
    read = figure("postgres_read_entries", "entries/s", measured["read"])
    return [
        hashed,
        beside("tree_leaves", "leaves/s", measured["leaves"], hashed),
        read,
        beside("verify_ledger_only", "entries/s", measured["verified"], read),
        beside("verify_state_of_ledger", "entries/s", measured["state"], read),
        beside("verify_ledger", "entries/s", measured["whole"], read),
        *(
            figure(f"{kind}_proof_of_10_million_{name}", "ms", measured[f"{kind}_{name}"])
            for kind in ("inclusion", "consistency")
            for name in ("median", "worst")
        ),
    ]


def _measured(environ: dict[str, str]) -> dict[str, list[float]]:
    command = [sys.executable, "-m", "bench.ledger_work"]
    done = subprocess.run(command, cwd=PROJECT, env={**os.environ, **environ}, stdout=subprocess.PIPE, check=True)
    measured: dict[str, list[float]] = json.loads(done.stdout)
    return measured
