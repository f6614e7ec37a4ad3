import fcntl
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from msgspec import UNSET
from tqdm import tqdm

from registry.decisions.app import refuse_odd
from registry.decisions.engine import Engine
from registry.decisions.policy import OK
from registry.decisions.wire import Question
from registry.errors import DomainError
from registry.index.store import IndexNotReady, IndexReader
from registry.keys import KeyPurpose, derive
from registry.models import Door
from registry.scope import CHANNELS, PURPOSES
from registry.scrubs.files import Form, Output, file_name
from registry.scrubs.work import Progress, Summary, Work, read_output, run
from registry.selectors.recipients import number_keys
from registry.services.canary_alarms import CONSOLE, note_sightings

# The state of a run that is not finished, sealed, in the folder of its outputs.
STATE = ".scrub"
INTERRUPTED = 130


class Command(BaseCommand):
    help = (
        "Judge a file of recipients (CSV, also as gzip, XLSX or Parquet) for one sender from this node's index. OUT is a"
        " folder: results, who may be reached, rejected rows and a summary. Repeat it after an interruption."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="IN")
        parser.add_argument("out", type=Path, metavar="OUT")
        parser.add_argument("--sender", required=True)
        parser.add_argument("--channel", choices=CHANNELS, default="sms")
        parser.add_argument("--purpose", choices=PURPOSES)
        parser.add_argument("--signature")
        parser.add_argument("--at", type=_moment, help="planned hand-off, with offset: 2026-01-31T08:00:00+08:00")
        parser.add_argument("--format", type=Form, choices=list(Form), default=Form.CSV, dest="form")
        parser.add_argument("--column", help="of the recipients, by its header or, from 1, its position")

    def handle(self, *, file: Path, out: Path, form: Form, column: str | None, **options: Any) -> None:
        asked: dict[str, Any] = {name: options[name] or UNSET for name in ("purpose", "signature", "at")}
        question = Question(sender=options["sender"], recipient="", channel=options["channel"], **asked)
        try:
            refuse_odd(question, "")
        except DomainError as error:
            raise CommandError(error.detail) from None
        try:
            with _alone(out) as folder:
                work = Work("command", file.resolve(), False, folder, question, form, column)
                summary = self._scrub(work)
                _deliver(work, out, summary)
                shutil.rmtree(folder)
        except DomainError as error:
            shutil.rmtree(out / STATE, ignore_errors=True)
            raise CommandError(f"{file.name}: {error.detail}") from None
        except IndexNotReady as problem:
            raise CommandError(f"{problem}; repeat the command when it is there.") from None
        except OSError as problem:
            raise CommandError(f"{problem.strerror}: {problem.filename}") from None
        except KeyboardInterrupt:
            raise CommandError("Interrupted; repeat the command to go on.", returncode=INTERRUPTED) from None
        self.stdout.write(_told(summary))

    def _scrub(self, work: Work) -> Summary:
        env = settings.ENV
        reader = IndexReader(env.data_dir)
        engine = Engine(reader, number_keys=number_keys(), max_age_s=env.max_index_age, stale_mode=env.stale_mode)
        try:
            with tqdm(total=100, unit="%", disable=not sys.stderr.isatty()) as bar:
                return run(work, engine, key=_key(), step=lambda progress: _show(bar, progress), sighted=_sighted)
        finally:
            reader.close()


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no offset")
    return moment


def _key() -> bytes:
    return derive(settings.ENV.master_key, KeyPurpose.SCRUB_FILE)


def _sighted(canaries: list[int]) -> None:
    note_sightings(CONSOLE, Door.SCRUB, canaries)


def _show(bar: Any, progress: Progress) -> None:
    bar.update(progress.share * 100 - bar.n)
    bar.set_postfix_str(f"{progress.rows:,} rows, {progress.rows_per_second:,.0f} a second")


@contextmanager
def _alone(out: Path) -> Iterator[Path]:
    """The folder of the state, for this process alone."""
    folder = out / STATE
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError("Another scrub writes there now.") from None
        yield folder


def _deliver(work: Work, out: Path, summary: Summary) -> None:
    """The outputs in clear, each under its name once it is whole."""
    for output in Output:
        _put(out / file_name(output, work.form), read_output(work, output, key=_key()))
    _put(out / "summary.json", [json.dumps(asdict(summary), ensure_ascii=False, indent=2).encode() + b"\n"])


def _put(path: Path, pieces: Iterable[bytes]) -> None:
    part = path.with_name(f".{path.name}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _told(summary: Summary) -> str:
    denied = ", ".join(f"{count:,} {reason}" for reason, count in sorted(summary.reasons.items()) if reason != OK)
    why = f" ({denied})" if denied else ""
    rejected = sum(summary.rejected.values())
    return (
        f"{summary.rows:,} rows: {summary.allowed:,} may be reached, {summary.denied:,} may not{why};"
        f" {rejected:,} of them are rejected. As of entry {summary.last_seq}."
    )
