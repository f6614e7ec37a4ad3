"""Where the node's master key comes from: the environment, a file, or a program that asks a key service.

Pure standard library, as `config.env` is. Whatever is refused is refused with a code, and never repeats what was read.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import stat
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

TEXT, FILE, COMMAND = SOURCES = ("MASTER_KEY", "MASTER_KEY_FILE", "MASTER_KEY_COMMAND")
COMMAND_SECONDS = 15.0
MOST_BYTES = 4096


class KeyRefused(Exception):
    """Why there is no master key; the message begins with `code`."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code


def master_key(environ: Mapping[str, str], stored: Mapping[str, str]) -> bytes:
    """The key of the only source that is given. `stored`: of DATA_DIR, which may hold the key's text.

    Raises KeyRefused.
    """
    given = {name: environ[name] for name in SOURCES if environ.get(name)}
    if stored.get(TEXT):
        # The environment may replace the key of DATA_DIR; beside another source it would lie about unused.
        given.setdefault(TEXT, stored[TEXT])
    if not given:
        raise KeyRefused(
            "key_missing",
            f"none of {', '.join(SOURCES)} is set, and DATA_DIR holds no key. "
            "Set one, or let `make run` create an embedded node first.",
        )
    if len(given) > 1:
        raise KeyRefused("key_ambiguous", f"{' and '.join(given)} are given; leave one, also of those in DATA_DIR.")
    ((name, value),) = given.items()
    return _read(_READERS[name](value), name)


def handed_on(environ: Mapping[str, str], key: bytes) -> dict[str, str]:
    """The environment of a process that should not ask the key service again."""
    if not environ.get(COMMAND):
        return dict(environ)
    return {name: value for name, value in environ.items() if name != COMMAND} | {TEXT: key.hex()}


def _read(text: str, name: str) -> bytes:
    digits = text.strip()
    if not re.fullmatch(r"[0-9a-fA-F]{64}", digits):
        raise KeyRefused("key_malformed", f"{name} must be 64 hexadecimal digits (256 bits).")
    return bytes.fromhex(digits)


def _of_file(value: str) -> str:
    path = Path(value)
    if not path.is_absolute():
        raise KeyRefused("key_file_unreadable", f"{FILE} must be an absolute path.")
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & stat.S_IRWXO:
                raise KeyRefused("key_file_exposed", f"the file of {FILE} is open to everybody; chmod o= it.")
            return file.read(MOST_BYTES).decode("ascii", "replace")
    except OSError as problem:
        raise KeyRefused("key_file_unreadable", f"the file of {FILE} cannot be read: {problem.strerror}.") from None


def _of_command(value: str) -> str:
    """What the program prints. It gets no shell, no input, nothing secret, and its own process group to be ended in."""
    try:
        words = shlex.split(value)
    except ValueError:
        words = []
    if not words or not Path(words[0]).is_absolute():
        raise KeyRefused("key_command_failed", f"{COMMAND} must begin with the absolute path of a program.")
    try:
        process = subprocess.Popen(  # noqa: S603 - the operator's own program, without a shell
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True
        )
    except OSError as problem:
        raise KeyRefused("key_command_failed", f"{COMMAND} cannot be run: {problem.strerror}.") from None
    return _printed(process)


def _printed(process: subprocess.Popen[bytes]) -> str:
    try:
        printed, _ = process.communicate(timeout=COMMAND_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise KeyRefused("key_command_late", f"{COMMAND} printed no key in {COMMAND_SECONDS:g} s.") from None
    if process.returncode:
        raise KeyRefused("key_command_failed", f"{COMMAND} ended with code {process.returncode}.")
    return printed[:MOST_BYTES].decode("ascii", "replace")


_READERS: dict[str, Callable[[str], str]] = {TEXT: str, FILE: _of_file, COMMAND: _of_command}
