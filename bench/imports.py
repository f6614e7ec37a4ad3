"""How long `import_senders` takes, beside the bare arrival of the same rows in PostgreSQL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import psycopg

from config.database import conninfo
from config.env import PROJECT


class Timed(NamedTuple):
    """Seconds of the same rows on both ways."""

    copy_seconds: float
    import_seconds: float


def lines(count: int) -> list[str]:
    """Rows of numbers that the demo library accepts, every tenth a prefix."""
    return [
        f"1068{n:08d},{'exact' if n % 10 else 'prefix'},BANK-LX,,CARRIER-JY,,sms|voice,collection,2024-07-01,\n"
        for n in range(count)
    ]


def import_senders(data_dir: Path, rows: list[str]) -> Timed:
    """Both ways, one after the other, on a running node with the demo library."""
    environ = {**os.environ, **json.loads((data_dir / "secrets.json").read_text()), "DATA_DIR": str(data_dir)}
    source, report = data_dir / "senders.csv", data_dir / "report.csv"
    source.write_text("".join(rows))
    copied = _copy(environ["DATABASE_URL"], rows)
    command = [sys.executable, "manage.py", "import_senders", str(source), "--report", str(report)]
    start = time.perf_counter()
    subprocess.run(command, cwd=PROJECT, env=environ, check=True, stdout=subprocess.DEVNULL)
    took = time.perf_counter() - start
    if report.read_text().count(",accepted,") != len(rows):
        raise RuntimeError("not every row was accepted")
    return Timed(copied, took)


def _copy(url: str, rows: list[str]) -> float:
    start = time.perf_counter()
    with psycopg.connect(**conninfo(url)) as connection, connection.cursor() as cursor:
        columns = ", ".join(f"c{n} text" for n in range(10))
        cursor.execute(f"CREATE UNLOGGED TABLE copied_rows ({columns})")
        with cursor.copy("COPY copied_rows FROM STDIN (FORMAT csv)") as copy:
            copy.write("".join(rows))
        cursor.execute("DROP TABLE copied_rows")
    return time.perf_counter() - start
