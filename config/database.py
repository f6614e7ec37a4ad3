"""PostgreSQL URLs as libpq and Django want them. Pure."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote, urlsplit

from psycopg.conninfo import conninfo_to_dict

from config.env import SettingError

CONNECT_TIMEOUT_SECONDS = 3


def conninfo(url: str) -> dict[str, Any]:
    """The libpq parameters of `url`.

    Any libpq URI is understood, and `postgres://user@//folder/of/socket/name`, which some tools write for a unix
    socket. Raises SettingError without repeating the URL: it holds a password.
    """
    parts = urlsplit(url)
    if not parts.hostname and parts.path.startswith("//"):
        folder, _, name = parts.path[1:].rpartition("/")
        login = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        url = f"postgresql://{login}/{name}?host={quote(unquote(folder), safe='')}"
    try:
        return {key: value for key, value in conninfo_to_dict(url).items() if value is not None}
    except Exception:  # noqa: BLE001 - whatever the parser raises, the setting is at fault
        raise SettingError("DATABASE_URL is not a PostgreSQL URL.") from None


def django_database(url: str) -> dict[str, Any]:
    """The `DATABASES` entry of `url`: pooled, since each request of the web process has a thread of its own."""
    given = conninfo(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": given.pop("dbname", ""),
        "USER": given.pop("user", ""),
        "PASSWORD": given.pop("password", ""),
        "HOST": given.pop("host", ""),
        "PORT": given.pop("port", ""),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            **given,
            "pool": {"min_size": 0, "max_size": 12, "timeout": CONNECT_TIMEOUT_SECONDS, "reconnect_timeout": 0},
        },
    }
