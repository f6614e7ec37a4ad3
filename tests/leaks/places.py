"""Everywhere that a node leaves something: what each place holds, as bytes."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg import sql

PAGE = 8192
Place = tuple[str, bytes]


@contextmanager
def watching(redis_url: str, *passing: tuple[Path, str]) -> Iterator[list[Place]]:
    """All that Redis is told, and each file of a folder and pattern that comes and goes; filled when the block ends."""
    watched: list[Place] = []
    told, seen, over = bytearray(), dict[Path, bytes](), threading.Event()
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(redis_url.removeprefix("unix://").partition("?")[0])
        line.sendall(b"MONITOR\r\n")
        threads = [
            threading.Thread(target=_listen, args=(line, told)),
            threading.Thread(target=_look, args=(passing, seen, over)),
        ]
        for thread in threads:
            thread.start()
        try:
            yield watched
        finally:
            line.shutdown(socket.SHUT_RDWR)
            over.set()
            for thread in threads:
                thread.join()
    watched.append(("Redis, as it was told", bytes(told)))
    watched += [(f"the passing file {path}", octets) for path, octets in seen.items()]


def _listen(line: socket.socket, told: bytearray) -> None:
    while heard := line.recv(1 << 16):
        told += heard


def _look(passing: tuple[tuple[Path, str], ...], seen: dict[Path, bytes], over: threading.Event) -> None:
    """Read them while they are there; files and their folders may go in between."""
    while not over.wait(0.02):
        for folder, pattern in passing:
            with contextlib.suppress(OSError):
                for path in folder.glob(pattern):
                    if path.is_file():
                        seen[path] = path.read_bytes()


def database(url: str) -> Iterator[Place]:
    """Every table of every schema, row by row as COPY writes it, and the texts of what runs."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname <> 'pg_catalog' ORDER BY 1, 2"
        ).fetchall()
        for schema, table in [*tables, ("pg_catalog", "pg_stat_activity"), ("pg_catalog", "pg_largeobject")]:
            name = sql.Identifier(schema, table)
            with connection.cursor().copy(sql.SQL("COPY (SELECT * FROM {}) TO STDOUT").format(name)) as copy:
                yield f"the table {schema}.{table}", b"".join(copy)


def files(folder: Path) -> Iterator[Place]:
    """Every file under a folder, without its pages of zeros; each content once."""
    known: set[bytes] = set()
    for path in sorted(folder.rglob("*")):
        yield f"the name of the file {path.relative_to(folder)}", str(path.relative_to(folder)).encode()
        if path.is_file() and not path.is_symlink():
            octets = path.read_bytes()
            pages = (octets[start : start + PAGE] for start in range(0, len(octets), PAGE))
            fresh = [page for page in pages if page.strip(b"\x00") and page not in known]
            known.update(fresh)
            yield f"the file {path.relative_to(folder)}", b"".join(fresh)


def processes(root: int) -> Iterator[Place]:
    """Command lines and environments of a process and all under it."""
    for process in [psutil.Process(root), *psutil.Process(root).children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            shown: Any = [process.cmdline(), process.environ()]
            yield f"process {process.pid}, {process.name()}", json.dumps(shown).encode()
