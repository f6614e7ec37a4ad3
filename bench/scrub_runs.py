"""The programs of `bench.scrubs`, one a process: `python -m bench.scrub_runs NAME FOLDER OUT`.

Prints the processor's seconds, the most memory held at once in MiB, and how many rows may be reached.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from bench.scrubs import KEY, NAME, NUMBER_KEYS, SENDER, Files

_SURE = "recipient BETWEEN 13000000000 AND 19999999999"


def polars_anti_join(files: Files, out: Path) -> int:
    """As one would write it by hand, in the streaming engine, which was the fastest way here."""
    import polars as pl

    refused = pl.scan_parquet(files.refused)
    rows = pl.scan_csv(files.plain, schema={"recipient": pl.UInt64}, ignore_errors=True).with_row_index("row", 1)
    is_number = pl.col("recipient").is_between(13_000_000_000, 19_999_999_999).fill_null(False)
    allowed = rows.filter(is_number).join(refused, on="recipient", how="anti", maintain_order="left")
    known = rows.join(refused.with_columns(hit=True), on="recipient", how="left", maintain_order="left")
    reason = (
        pl.when(~is_number)
        .then(pl.lit("invalid_recipient"))
        .when(pl.col("hit").is_not_null())
        .then(pl.lit("recipient_opted_out"))
        .otherwise(pl.lit("ok"))
    )
    decision = pl.when(reason == "ok").then(pl.lit("allow")).otherwise(pl.lit("deny"))
    rejected = rows.filter(~is_number).select("row", code=pl.lit("invalid_recipient"), message=pl.lit("no number"))
    pl.collect_all(
        [
            known.select("row", "recipient", decision=decision, reason=reason).sink_csv(out / "results.csv", lazy=True),
            allowed.select("row", "recipient").sink_csv(out / "filtered.csv", lazy=True),
            rejected.sink_csv(out / "rejected.csv", lazy=True),
        ],
        engine="streaming",
    )
    return _lines(out / "filtered.csv")


def duckdb_anti_join(files: Files, out: Path) -> int:
    """The same as SQL."""
    import duckdb

    database = duckdb.connect()
    database.execute(f"CREATE VIEW refused AS SELECT recipient FROM read_parquet('{files.refused}')")
    database.execute(
        "CREATE TABLE people AS SELECT row_number() OVER () AS row, TRY_CAST(text AS UBIGINT) AS recipient"
        f" FROM read_csv('{files.plain}', header=true, columns={{'text': 'VARCHAR'}})"
    )
    database.execute(
        f"COPY (SELECT people.*, if({_SURE} AND refused.recipient IS NULL, 'allow', 'deny') AS decision,"
        f" CASE WHEN NOT coalesce({_SURE.replace('recipient', 'people.recipient')}, false) THEN 'invalid_recipient'"
        " WHEN refused.recipient IS NOT NULL THEN 'recipient_opted_out' ELSE 'ok' END AS reason"
        f" FROM people LEFT JOIN refused USING (recipient) ORDER BY row) TO '{out}/results.csv' (HEADER)"
    )
    database.execute(
        f"COPY (SELECT * FROM people ANTI JOIN refused USING (recipient) WHERE {_SURE} ORDER BY row)"
        f" TO '{out}/filtered.csv' (HEADER)"
    )
    database.execute(
        f"COPY (SELECT row, 'invalid_recipient' AS code, 'no number' AS message FROM people"
        f" WHERE NOT coalesce({_SURE}, false) ORDER BY row) TO '{out}/rejected.csv' (HEADER)"
    )
    return _lines(out / "filtered.csv")


def scrub(files: Files, out: Path) -> int:
    """The engine, from a sealed file to sealed files."""
    from registry.decisions.engine import Engine
    from registry.decisions.wire import Question
    from registry.index.store import IndexReader
    from registry.scrubs.work import Work, run

    engine = Engine(IndexReader(files.index), number_keys=NUMBER_KEYS, max_age_s=86_400, stale_mode="closed")
    question = Question(sender=SENDER, recipient="", purpose="collection")
    return run(Work(NAME, files.sealed, True, out, question), engine, key=KEY).allowed


def _lines(path: Path) -> int:
    """The rows of a file with a header."""
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 24), b"")) - 1


def main() -> None:
    name, folder, out = sys.argv[1:]
    programs = {"polars_anti_join": polars_anti_join, "duckdb_anti_join": duckdb_anti_join, "scrub": scrub}
    allowed = programs[name](Files(Path(folder), 0), Path(out))
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(used.ru_utime + used.ru_stime, _most_memory(), allowed)


def _most_memory() -> float:
    """In MiB. The system's own figure for a child begins with what its parent held."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main()
