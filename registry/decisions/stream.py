"""Questions one a line, answered one a line while they come, in memory that does not grow. No Django."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from registry.decisions import wire
from registry.decisions.engine import Freshness
from registry.decisions.pipe import ClientGone, Pipe
from registry.decisions.transport import Request, drain
from registry.errors import DomainError

logger = logging.getLogger(__name__)

KIND = "application/x-ndjson"
MAX_LINE_BYTES = 16 * 1024
# What is answered in one go: a chunk may hold a hundred thousand lines, and others ask meanwhile.
AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Answered:
    """What some lines are answered; `refused`: how many of them were no questions, or may not be asked."""

    lines: list[str]
    refused: int
    freshness: Freshness


class Lines:
    """Cuts a body into lines as it comes. Blank lines are left out; one over MAX_LINE_BYTES is None, and never held."""

    def __init__(self) -> None:
        self._rest = b""
        self._too_long = False

    def feed(self, chunk: bytes) -> list[bytes | None]:
        """The lines that end in `chunk`."""
        *whole, rest = (self._rest + chunk).split(b"\n")
        lines = [_bounded(line) for line in whole]
        if lines and self._too_long:
            lines[0], self._too_long = None, False
        self._too_long = self._too_long or len(rest) > MAX_LINE_BYTES
        self._rest = b"" if self._too_long else rest
        return [line for line in lines if line is None or line.strip()]

    def end(self) -> list[bytes | None]:
        """The last line, where no line feed ended it."""
        return self.feed(b"\n")


AnswerLines = Callable[[Sequence[bytes | None]], Awaitable[Answered]]


async def answer(request: Request, answer_lines: AnswerLines) -> None:
    """Answer every line of a request by `answer_lines`, in order, and then one line about all of them.

    Where `answer_lines` raises nothing more is answered, and the last line says why.
    """
    pipe, chunks = Pipe(), request.chunks()
    try:
        await request.answer_from(pipe.path, KIND)
        await _Stream(pipe, answer_lines).run(chunks)
        await pipe.close()
    except ClientGone:
        return
    finally:
        pipe.abandon()
    await drain(chunks)


class _Stream:
    def __init__(self, pipe: Pipe, answer_lines: AnswerLines) -> None:
        self._pipe, self._answer_lines = pipe, answer_lines
        self._decided = self._refused = 0

    async def run(self, chunks: AsyncIterator[bytes]) -> None:
        end: Freshness | DomainError
        try:
            end = await self._all(chunks)
        except DomainError as refusal:
            end = refusal
        except ClientGone:
            raise
        except Exception:
            logger.exception("A stream could not be answered.")
            end = DomainError("internal")
        await self._pipe.write(f"{wire.last_line(self._decided, self._refused, end)}\n".encode())

    async def _all(self, chunks: AsyncIterator[bytes]) -> Freshness:
        lines = Lines()
        async for chunk in chunks:
            await self._some(lines.feed(chunk))
        return await self._some(lines.end())

    async def _some(self, lines: Sequence[bytes | None]) -> Freshness:
        for start in range(0, max(1, len(lines)), AT_ONCE):
            answered = await self._answer_lines(lines[start : start + AT_ONCE])
            self._refused += answered.refused
            self._decided += len(answered.lines) - answered.refused
            await self._pipe.write("".join([f"{line}\n" for line in answered.lines]).encode())
            await asyncio.sleep(0)
        return answered.freshness


def _bounded(line: bytes) -> bytes | None:
    return line if len(line) <= MAX_LINE_BYTES else None
