"""The settings of a node, read once and strictly from the environment.

Pure standard library: the decision process and the supervisor read it without Django. Every setting is one row of
`SETTINGS`; `docs/operations.md` documents each, and a test compares the two.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from config.master_key import COMMAND, FILE, SOURCES, TEXT, KeyRefused, master_key

PROJECT = Path(__file__).resolve().parent.parent
SECRETS_FILE = "secrets.json"
SHORTEST_SECRET = 32
# For what needs Django and no node: its checks, and commands that only read files. Nothing connects to them.
PLACEHOLDERS = {
    "DATABASE_URL": "postgresql:///haomaku",
    "REDIS_URL": "redis://localhost/0",
    "SECRET_KEY": "placeholder" * 3,
    TEXT: "0" * 64,
    FILE: "",
    COMMAND: "",
}


class SettingError(Exception):
    """A setting is missing or has a value that cannot be used. The message names it."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its environment variable, how its text is read, and its default text (None: no default)."""

    name: str
    read: Callable[[str], Any]
    default: str | None
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Env:
    """The settings of this node, typed. Names are the lower-case names of the environment variables."""

    data_dir: Path
    database_url: str
    redis_url: str
    secret_key: str
    master_key: bytes
    number_cipher: str
    checkpoint_keys: str
    anchor_minutes: int
    tsa_url: str
    tsa_certificates: str
    chain_url: str
    chain_token: str
    host: str
    port: int
    decision_port: int
    decision_workers: int
    allowed_hosts: list[str]
    behind_proxy: bool
    public_url: str
    confirmation_url: str
    max_index_age: int
    stale_mode: str
    time_zone: str
    log_level: str
    bulk_limit: int
    public_rate: int
    parts_wait: int
    record_spool_mib: int
    scrub_mib: int
    scrub_hours: int
    demo: bool

    def local_url(self, port: int) -> str:
        """How this machine reaches a process of this node on `port`."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - compared, not bound
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _text(value: str) -> str:
    if not value:
        raise ValueError("must not be empty")
    return value


def _integer(low: int, high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", value) or not low <= int(value) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(value)

    return read


def _one_of(*allowed: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return value

    return read


def _flag(value: str) -> bool:
    if value not in {"0", "1"}:
        raise ValueError("must be 0 or 1")
    return value == "1"


def _names(value: str) -> list[str]:
    names = [word.strip() for word in value.split(",")]
    if not all(names):
        raise ValueError("must be names separated by commas")
    return names


def _secret(value: str) -> str:
    if len(value) < SHORTEST_SECRET:
        raise ValueError(f"must have at least {SHORTEST_SECRET} characters")
    return value


def _url(*schemes: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value.split("://", 1)[0] not in schemes or "://" not in value:
            raise ValueError(f"must be a URL that starts with {' or '.join(s + '://' for s in schemes)}")
        return value

    return read


def _public_url(value: str) -> str:
    if value and not re.fullmatch(r"https?://(?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?(?:/[^\s?#]*)?", value):
        raise ValueError("must be an address such as https://registry.example.cn")
    return value.rstrip("/")


def _target_url(value: str) -> str:
    form = r'https?://(?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::([0-9]{1,5}))?(?:[/?][!"$-~]*)?'
    match = re.fullmatch(form, value, re.ASCII)
    if value and (match is None or int(match[1] or 0) > 65_535):
        raise ValueError("must be an address such as https://gateway.example.cn/send")
    return value


def _chain_url(value: str) -> str:
    """What its answers say is known by the connection alone, so it must be encrypted; on this machine it need not."""
    _target_url(value)
    if value and not re.match(r"https:|http://(?:localhost|127\.0\.0\.1|\[::1\])(?:[:/]|$)", value):
        raise ValueError("must begin with https://")
    if "?" in value:
        raise ValueError("must have no question mark: the calls' names are put behind it")
    return value


def _token(value: str) -> str:
    if not re.fullmatch(r"[!-~]*", value):
        raise ValueError("must be one word of ASCII")
    return value


def _file(value: str) -> str:
    if value and not value.startswith("/"):
        raise ValueError("must be a file's absolute path")
    return value


def _keys(value: str) -> str:
    """Keys, or the file that holds them: it is read where they are needed, so that no other process has to reach it."""
    if value and not value.startswith("/") and not re.fullmatch(r"[0-9a-fA-F]{64}(?:,[0-9a-fA-F]{64})*", value):
        raise ValueError("must be keys of 64 hexadecimal digits separated by commas, or a file's absolute path")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except Exception:  # noqa: BLE001 - zoneinfo raises many kinds for a bad name
        raise ValueError("must be an IANA time zone such as Asia/Shanghai") from None
    return value


def _folder(value: str) -> Path:
    try:
        return (PROJECT / Path(_text(value)).expanduser()).resolve()
    except RuntimeError:
        raise ValueError("must not lie in the home of a user who has none") from None


SETTINGS = (
    Setting("DATA_DIR", _folder, "var"),
    Setting("DATABASE_URL", _url("postgres", "postgresql"), None, secret=True),
    Setting("REDIS_URL", _url("redis", "rediss", "unix"), None, secret=True),
    Setting("SECRET_KEY", _secret, None, secret=True),
    # Read together, by `config.master_key`.
    *(Setting(name, str, "", secret=True) for name in SOURCES),
    Setting("NUMBER_CIPHER", _one_of("aes256", "sm4"), "aes256"),
    Setting("CHECKPOINT_KEYS", _keys, "", secret=True),
    Setting("ANCHOR_MINUTES", _integer(1, 10_080), "60"),
    Setting("TSA_URL", _target_url, "", secret=True),
    Setting("TSA_CERTIFICATES", _file, ""),
    Setting("CHAIN_URL", _chain_url, "", secret=True),
    Setting("CHAIN_TOKEN", _token, "", secret=True),
    Setting("HOST", _text, "127.0.0.1"),
    Setting("PORT", _integer(1, 65535), "8000"),
    Setting("DECISION_PORT", _integer(1, 65535), None),
    Setting("DECISION_WORKERS", _integer(1, 64), "1"),
    Setting("ALLOWED_HOSTS", _names, "localhost"),
    Setting("BEHIND_PROXY", _flag, "0"),
    Setting("PUBLIC_URL", _public_url, ""),
    Setting("CONFIRMATION_URL", _target_url, "", secret=True),
    Setting("MAX_INDEX_AGE", _integer(1, 86_400), "300"),
    Setting("STALE_MODE", _one_of("closed", "open"), "closed"),
    Setting("TIME_ZONE", _zone, "Asia/Shanghai"),
    Setting("LOG_LEVEL", _one_of("DEBUG", "INFO", "WARNING", "ERROR"), "INFO"),
    Setting("BULK_LIMIT", _integer(1, 999_999_999), "1000"),
    Setting("PUBLIC_RATE", _integer(1, 999_999_999), "60"),
    Setting("PARTS_WAIT", _integer(1, 86_400), "300"),
    Setting("RECORD_SPOOL_MIB", _integer(1, 1_048_576), "256"),
    Setting("SCRUB_MIB", _integer(1, 1_048_576), "2048"),
    Setting("SCRUB_HOURS", _integer(1, 8_760), "72"),
    Setting("DEMO", _flag, "0"),
)
_BY_NAME = {setting.name: setting for setting in SETTINGS}


def read_setting(setting: Setting, environ: Mapping[str, str], fallback: Mapping[str, str]) -> Any:
    """The value of one setting from `environ`, else `fallback`, else its default.

    Raises SettingError with the setting's name, and with its value unless it is a secret.
    """
    text = environ.get(setting.name, fallback.get(setting.name, setting.default))
    if text is None:
        raise SettingError(
            f"{setting.name} is not set, and {SECRETS_FILE} in DATA_DIR does not hold it. "
            "Set it, or let `make run` create an embedded node first."
        )
    try:
        return setting.read(text)
    except ValueError as problem:
        shown = "" if setting.secret else f" (it is {text!r})"
        raise SettingError(f"{setting.name} {problem}{shown}.") from None


def read_secrets(data_dir: Path) -> dict[str, str]:
    """What the supervisor generated into DATA_DIR for this node: secrets and the URLs of the embedded parts."""
    try:
        stored = json.loads((data_dir / SECRETS_FILE).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as problem:
        raise SettingError(f"{data_dir / SECRETS_FILE} cannot be read: {problem}.") from None
    if not isinstance(stored, dict) or not all(isinstance(value, str) for value in stored.values()):
        raise SettingError(f"{data_dir / SECRETS_FILE} is not an object of texts.")
    return stored


def read_data_dir(environ: Mapping[str, str]) -> Path:
    """DATA_DIR alone, which says where the rest may be found. Raises SettingError."""
    folder: Path = read_setting(_BY_NAME["DATA_DIR"], environ, {})
    return folder


def read_env(environ: Mapping[str, str]) -> Env:
    """All settings of this node. Raises SettingError for the first that is missing or wrong."""
    port = read_setting(_BY_NAME["PORT"], environ, {})
    stored = read_secrets(read_data_dir(environ))
    fallback = {**stored, "DECISION_PORT": str(port + 1)}
    plain = [setting for setting in SETTINGS if setting.name not in SOURCES]
    values = {setting.name.lower(): read_setting(setting, environ, fallback) for setting in plain}
    if values["port"] == values["decision_port"]:
        raise SettingError(f"DECISION_PORT must differ from PORT (both are {port}).")
    try:
        return Env(master_key=master_key(environ, stored), **values)
    except KeyRefused as refused:
        raise SettingError(str(refused)) from None


@cache
def env() -> Env:
    """The settings of this process, read at first use. A wrong one ends the process with its sentence."""
    try:
        return read_env(os.environ)
    except SettingError as problem:
        sys.exit(str(problem))
