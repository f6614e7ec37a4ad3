"""How long the imports of large files take, beside the bare arrival of the same rows in PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import NamedTuple

import psycopg

from bench.node import Bench
from bench.results import Result, beside, figure, show
from config.database import conninfo
from config.env import PROJECT

SENDERS, REFUSALS = 200_000, 100_000


def run(bench: Bench) -> list[Result]:
    """Large files, from the command's start to its end, beside PostgreSQL's own COPY of their rows."""
    return [
        *_imported("import_senders", bench, sender_lines(SENDERS)),
        *_imported("import_refusals", bench, refusal_lines(REFUSALS)),
    ]


def _imported(command: str, bench: Bench, rows: list[str]) -> list[Result]:
    timed = timed_import(command, bench, rows)
    copied = figure(f"copy_rows_{command}", "rows/s", [len(rows) / timed.copy_seconds])
    ours = beside(f"{command}_rows", "rows/s", [len(rows) / timed.import_seconds], copied)
    show(f"{command}: {ours.value:,.0f}/s")
    return [copied, ours]


class Timed(NamedTuple):
    """Seconds of the same rows on both ways."""

    copy_seconds: float
    import_seconds: float


def sender_lines(count: int) -> list[str]:
    """Rows of numbers that the demo library accepts, every tenth a prefix."""
    return [
        f"1068{n:08d},{'exact' if n % 10 else 'prefix'},BANK-LX,,CARRIER-JY,,sms|voice,collection,2024-07-01,\n"
        for n in range(count)
    ]


def refusal_lines(count: int) -> list[str]:
    """Rows of as many people; every other one names a number, which was listed later: it makes two suppressions."""
    return [
        f"155{n:08d},{'' if n % 2 else f'10690001{n % 50:02d}'},{'BANK-LX' if n % 2 else ''},"
        f"2026-01-{1 + n % 28:02d}T{n % 24:02d}:{n % 60:02d}:00+08:00,call-centre,{n}\n"
        for n in range(count)
    ]


def timed_import(command: str, bench: Bench, rows: list[str]) -> Timed:
    """Both ways, one after the other, on a running node with the demo library. Raises unless every row is accepted."""
    environ, source, report = bench.environ, bench.data_dir / "rows.csv", bench.data_dir / "report.csv"
    source.write_text("".join(rows))
    copied = _copy(environ["DATABASE_URL"], rows)
    words = [sys.executable, "manage.py", command, str(source), "--report", str(report)]
    start = time.perf_counter()
    subprocess.run(words, cwd=PROJECT, env=environ, check=True, stdout=subprocess.DEVNULL)
    took = time.perf_counter() - start
    if report.read_text().count(",accepted,") != len(rows):
        raise RuntimeError("not every row was accepted")
    return Timed(copied, took)


def _copy(url: str, rows: list[str]) -> float:
    start = time.perf_counter()
    with psycopg.connect(**conninfo(url)) as connection, connection.cursor() as cursor:
        columns = ", ".join(f"c{n} text" for n in range(rows[0].count(",") + 1))
        cursor.execute(f"CREATE UNLOGGED TABLE copied_rows ({columns})")
        with cursor.copy("COPY copied_rows FROM STDIN (FORMAT csv)") as copy:
            copy.write("".join(rows))
        cursor.execute("DROP TABLE copied_rows")
    return time.perf_counter() - start
