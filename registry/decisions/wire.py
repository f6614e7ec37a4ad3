"""The shapes of decision requests and answers, read strictly. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, Literal, NoReturn, TypeVar, cast

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from registry.decisions.engine import Freshness
from registry.errors import DomainError

MAX_ITEMS = 10_000
MAX_ID = 64

T = TypeVar("T")
Id = Annotated[str, Meta(min_length=1, max_length=MAX_ID)]


class Question(Struct, forbid_unknown_fields=True, frozen=True):
    """One question. The numbers are any text: their content is judged, not refused. `at`: the planned hand-off.

    `count`: whether to count it under the client's `id`, where a cap binds it. `record`: whether to keep the decision.
    """

    sender: str
    recipient: str
    channel: Literal["sms", "voice"] = "sms"
    purpose: Literal["marketing", "collection", "service", "verification"] | UnsetType = UNSET
    signature: str | UnsetType = UNSET
    at: Annotated[datetime, Meta(tz=True)] | UnsetType = UNSET
    count: bool = False
    id: Id | UnsetType = UNSET
    record: bool = False


class Batch(Struct, forbid_unknown_fields=True, frozen=True):
    items: list[Question]


class Report(Struct, forbid_unknown_fields=True, frozen=True):
    """What became of the decision that was counted under `id`. `at`: when the person was reached."""

    id: Id
    outcome: Literal["failed", "no_answer", "contact", "effective_call"]
    at: Annotated[datetime, Meta(tz=True)] | UnsetType = UNSET


class Reports(Struct, forbid_unknown_fields=True, frozen=True):
    items: list[Report]


_question = msgspec.json.Decoder(Question).decode
_lines = msgspec.json.Decoder(Question).decode_lines
_batch = msgspec.json.Decoder(Batch).decode
_reports = msgspec.json.Decoder(Reports).decode
_AT_PATH = re.compile(r" - at `\$([^`]*)`$")
_FIELD = re.compile(r"field `([A-Za-z_]{1,32}[0-9]{0,2})`")
_STEP = re.compile(r"\.([A-Za-z_]+)|\[([0-9]+)\]")


def read_question(body: bytes) -> Question:
    """One question. Raises `invalid_json` or `invalid_request` with a JSON pointer."""
    return _read(body, _question, Question)


def read_batch(body: bytes) -> list[Question]:
    """The questions of a batch. Raises `invalid_json`, `invalid_request` or, over MAX_ITEMS, `too_large`."""
    items = _read(body, _batch, Batch).items
    if len(items) > MAX_ITEMS:
        raise DomainError("too_large", f"A batch has at most {MAX_ITEMS} items.")
    return items


def read_lines(lines: Sequence[bytes | None]) -> list[Question | DomainError]:
    """The question of each line, or why it is none; a line that is None was too long."""
    # Read together, a question could otherwise begin in one line and end in the next.
    if all(line is not None and line[:1] == b"{" and line.rstrip()[-1:] == b"}" for line in lines):
        whole = cast("list[bytes]", lines)
        with suppress(msgspec.DecodeError, ValueError, RecursionError):
            questions: list[Question | DomainError] = [*_lines(b"\n".join(whole))]
            # A line may still hold two.
            if len(questions) == len(lines):
                return questions
    return [_read_line(line) for line in lines]


def _read_line(line: bytes | None) -> Question | DomainError:
    if line is None:
        return DomainError("too_large")
    try:
        return read_question(line)
    except DomainError as error:
        return error


def read_reports(body: bytes) -> list[Report]:
    """The outcomes that a client reports. Raises as `read_batch` does."""
    items = _read(body, _reports, Reports).items
    if len(items) > MAX_ITEMS:
        raise DomainError("too_large", f"A report has at most {MAX_ITEMS} items.")
    return items


def answer(reason: str, institution: str | None, fresh: Freshness, said: str = "") -> bytes:
    """The body of one decision; `said`: its remark."""
    code = "null" if institution is None else json.dumps(institution)
    return (
        f'{{"decision":"{_word(reason)}","reason":"{reason}","institution":{code},"as_of":{_as_of(fresh)}{said}}}'
    ).encode()


def results(reasons: list[str], remarks: list[str] | None = None) -> list[str]:
    """What each question of many is answered; `remarks`: theirs."""
    said = [_RESULTS.get(reason) or _result(reason) for reason in reasons]
    if remarks is None:
        return said
    return [f"{result[:-1]}{remark}}}" if remark else result for result, remark in zip(said, remarks, strict=True)]


def refused(error: DomainError) -> str:
    """What a line of a stream is answered that is no question, or one that its key may not ask."""
    told = {"code": error.code, "pointer": error.data["pointer"]} if "pointer" in error.data else {"code": error.code}
    return json.dumps(told, separators=(",", ":"))


def last_line(decided: int, refused: int, end: Freshness | DomainError) -> str:
    """The last line of a stream: how many lines were decided and refused; how fresh the last was, or what cut it short."""
    how = f'"code":"{end.code}"' if isinstance(end, DomainError) else f'"as_of":{_as_of(end)}'
    return f'{{{how},"decided":{decided},"refused":{refused}}}'


def batch_answer(answered: list[str], fresh: Freshness) -> bytes:
    """The body of a batch: `results` in the order of its items."""
    return f'{{"as_of":{_as_of(fresh)},"results":[{",".join(answered)}]}}'.encode()


def remark(question: Question, *, counted: bool, unknown: bool) -> str:
    """What an answer says beside its reason: whether its question was counted, and whether counts are unknown."""
    said = f',"counted":{_flag(counted)}' if question.count else ""
    return f'{said},"counts_unknown":true' if unknown else said


def report_answer(known: list[bool]) -> bytes:
    """The body that answers reported outcomes, in the order of the items."""
    return f'{{"results":[{",".join(_RECORDED if one else _UNKNOWN_ID for one in known)}]}}'.encode()


def _word(reason: str) -> str:
    return "allow" if reason == "ok" else "deny"


_RESULTS: dict[str, str] = {}
_RECORDED, _UNKNOWN_ID = '{"code":"recorded"}', '{"code":"unknown_id"}'


def _result(reason: str) -> str:
    """Remembered: there are a dozen reasons and ten thousand items."""
    return _RESULTS.setdefault(reason, f'{{"decision":"{_word(reason)}","reason":"{reason}"}}')


def _as_of(fresh: Freshness) -> str:
    return f'{{"seq":{fresh.seq},"age_ms":{fresh.age_ms},"stale":{_flag(fresh.stale)}}}'


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _read(body: bytes, decode: Any, shape: type[T]) -> T:
    try:
        result: T = decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return _read_slowly(body, shape)
    return result


def _read_slowly(body: bytes, shape: type[T]) -> T:
    """The same by way of the standard library, which tells broken JSON from a wrong shape and reads odd texts."""
    try:
        # No number has a place in a question; as a float, one of any length is read.
        value = json.loads(body.decode(), parse_constant=_refuse_constant, parse_int=float)
    except (ValueError, RecursionError):
        raise DomainError("invalid_json") from None
    items = value.get("items") if shape is not Question and isinstance(value, dict) else None
    if isinstance(items, list) and len(items) > MAX_ITEMS:
        raise DomainError("too_large", f"A batch has at most {MAX_ITEMS} items.")
    try:
        return msgspec.convert(value, shape)
    except msgspec.ValidationError as problem:
        # The library's words may hold a value, and a value may be somebody's number: only the place is repeated.
        raise DomainError("invalid_request", pointer=_pointer(str(problem))) from None
    except RecursionError:
        raise DomainError("invalid_request", pointer="") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _pointer(message: str) -> str:
    """The RFC 6901 pointer to what a validation message complains of."""
    place = _AT_PATH.search(message)
    pointer = "".join(f"/{name or index}" for name, index in _STEP.findall(place[1])) if place else ""
    field = _FIELD.search(message)
    return f"{pointer}/{field[1]}" if field else pointer
