"""`make run`: a whole node under one roof. Standard library only.

Starts PostgreSQL and Valkey (unless DATABASE_URL and REDIS_URL name others), prepares the database, then runs web,
decisions, worker, scrubs, beat, follower, sweep, receivers, confirmations, checkpoints and records, each in a process group of its own behind
`config.launch`. A child that dies is started again; SIGINT or SIGTERM stops all, and nothing is left, not even after a
SIGKILL of this process.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from config.embedded import EmbeddedError, Postgres, Valkey, launched, socket_folder
from config.env import PROJECT, SECRETS_FILE, Env, SettingError, read_data_dir, read_env, read_secrets
from config.master_key import SOURCES, TEXT, handed_on

NEEDED_BYTES = 200 * 1024 * 1024
LOG_BYTES = 10 * 1024 * 1024
READY_SECONDS = 60.0
PART_READY_SECONDS = 40.0
FIRST_DELAY, LONGEST_DELAY = 0.2, 10.0
# A child that lived so long had come up; its next fall is a new one.
STABLE_SECONDS = 20.0
TICK_SECONDS, LATE_TICK_SECONDS = 0.1, 1.0
APPLICATION_STOP_SECONDS, PART_STOP_SECONDS, LEFTOVER_SECONDS = 7.0, 3.0, 10.0
# What is made once for each node, and how.
SECRETS: Mapping[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "MASTER_KEY": lambda: secrets.token_hex(32),
    "POSTGRES_PASSWORD": lambda: secrets.token_urlsafe(24),
}
# `prepare_node` goes through Django's checks for all: they load the whole site, which most processes do not need.
UNCHECKED, SKIP_CHECKS = {"CELERY_SKIP_CHECKS": "1"}, "--skip-checks"
# How nice they are where processors are short: decisions and the index that they rest on are ahead, where the system lets us,
# and work on whole files is behind.
AHEAD, BEHIND_ALL = -10, 15
STOP_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


class CannotRun(Exception):
    """Why this node cannot be started here, in one sentence."""


class Stopped(Exception):
    """A stop was asked for while the node was still coming up."""


@dataclass(frozen=True, slots=True)
class Program:
    """Something to keep running. `stop_with` ends it cleanly; its command dies with us by itself.

    `settings`: what its environment holds beside the node's.
    """

    name: str
    command: list[str]
    stop_with: signal.Signals = signal.SIGTERM
    settings: Mapping[str, str] = field(default_factory=dict)


def say(line: str) -> None:
    """One line for the operator. A terminal that is gone must not keep anything from being stopped."""
    with contextlib.suppress(OSError):
        os.write(sys.stdout.fileno(), f"{line}\n".encode(errors="surrogateescape"))


class Child:
    """One program's process, started again whenever it ends."""

    def __init__(self, program: Program, data_dir: Path, environ: Mapping[str, str]) -> None:
        self.program = program
        self._environ = dict(environ)
        self._pid_file = data_dir / "run" / f"{program.name}.pid"
        self._log_file = data_dir / "log" / f"{program.name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._delay = FIRST_DELAY
        self._again_at = 0.0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        self._process = _spawn(self.program.command, self._environ, self._log_file)
        self._started = time.monotonic()
        self._pid_file.write_text(f"{self._process.pid} {_birth(self._process.pid)}\n")

    def tend(self) -> None:
        """Notice an end, and start again when its time has come."""
        if self._process is not None and self._process.poll() is not None:
            ended = _how_it_ended(self._process.returncode)
            self._bury()
            if time.monotonic() - self._started > STABLE_SECONDS:
                self._delay = FIRST_DELAY
            self._again_at = time.monotonic() + self._delay
            say(f"{self.program.name} {ended}; it is started again in {self._delay:g} s. Its log: {self._log_file}")
            self._delay = min(self._delay * 2, LONGEST_DELAY)
        if self._process is None and time.monotonic() >= self._again_at:
            self._start_again()

    def _start_again(self) -> None:
        """A full disk or process table at this moment is one more reason to wait, none to stop the others."""
        try:
            self.start()
        except OSError as problem:
            self._again_at = time.monotonic() + LONGEST_DELAY
            say(f"{self.program.name} cannot be started: {problem.strerror}; next attempt in {LONGEST_DELAY:g} s.")

    def ask_to_stop(self) -> None:
        if self.running and self._process is not None:
            self._process.send_signal(self.program.stop_with)

    def make_stop(self) -> None:
        """End what is left of it, its own children too."""
        if self._process is not None:
            _kill_group(self._process.pid)
            self._process.wait()
            self._bury()

    def _bury(self) -> None:
        if self._process is not None:
            _kill_group(self._process.pid)
        self._process = None
        self._pid_file.unlink(missing_ok=True)


def stop(children: Iterable[Child], *, within: float) -> None:
    """Ask, wait, then make."""
    stopping = list(children)
    for child in stopping:
        child.ask_to_stop()
    deadline = time.monotonic() + within
    while any(child.running for child in stopping) and time.monotonic() < deadline:
        signal.sigtimedwait({signal.SIGCHLD}, TICK_SECONDS)
    for child in stopping:
        child.make_stop()


class Node:
    """The processes of one node, from the first to the last."""

    def __init__(self, env: Env, postgres: Postgres | None, valkey: Valkey | None) -> None:
        self._env = env
        kept = handed_on(os.environ, env.master_key)
        self._environ = {**kept, "DATA_DIR": str(env.data_dir), "PYTHONUNBUFFERED": "1", **UNCHECKED}
        self._postgres, self._valkey = postgres, valkey
        self._demo = postgres is not None or env.demo
        self._stopped_by = ""
        self._parts: list[Child] = []
        self._applications: list[Child] = []

    def run(self) -> None:
        """Come up, stay up, and stop everything at the end, however it comes."""
        try:
            self._start_parts()
            self._prepare()
            self._applications = [self._child(program) for program in applications(self._env, demo=self._demo)]
            for child in self._applications:
                child.start()
            self._wait_until_ready()
            while not self._stop_asked(TICK_SECONDS):
                self._tend()
        except Stopped:
            pass
        finally:
            say(f"Stopping{f' on {self._stopped_by}' if self._stopped_by else ''} …")
            self._stop()
            say("Stopped.")

    def _child(self, program: Program) -> Child:
        return Child(program, self._env.data_dir, {**self._environ, **program.settings})

    def _start_parts(self) -> None:
        if self._postgres is not None:
            self._postgres.initialise()
            child = self._start_part(Program("postgres", self._postgres.command(), signal.SIGINT))
            pid_file, is_ready = self._postgres.folder / "postmaster.pid", self._postgres.is_ready
            # One that is still going down from an earlier run answers too; ours is the one in its pid file.
            self._await_part(child, lambda: _first_line(pid_file) == str(child.pid) and is_ready())
        if self._valkey is not None:
            self._valkey.initialise()
            child = self._start_part(Program("valkey", self._valkey.command()))
            self._await_part(child, self._valkey.is_ready)

    def _start_part(self, program: Program) -> Child:
        child = self._child(program)
        self._parts.append(child)
        child.start()
        return child

    def _await_part(self, child: Child, is_ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PART_READY_SECONDS
        while not (child.running and is_ready()):
            if time.monotonic() > deadline:
                log = self._env.data_dir / "log" / f"{child.program.name}.log"
                raise CannotRun(f"{child.program.name} did not come up; the reason is at the end of {log}.")
            self._pause()
            child.tend()

    def _prepare(self) -> None:
        """Migrations and the demo library, once, before anything serves."""
        demo = ["--demo"] if self._demo else []
        log = self._env.data_dir / "log" / "prepare.log"
        command = [sys.executable, "manage.py", "prepare_node", *demo]
        process = _spawn(launched(command, on_parent_death=signal.SIGTERM), self._environ, log)
        try:
            while process.poll() is None:
                self._pause()
        finally:
            _kill_group(process.pid)
            process.wait()
        if process.returncode:
            raise CannotRun(f"The database could not be prepared: {_last_line_of(log)} (all of it: {log})")

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        late = False
        while problem := self._not_ready():
            if not late and time.monotonic() > deadline:
                late = True
                say(f"Not ready after {READY_SECONDS:g} s: {problem}. Logs: {self._env.data_dir / 'log'}")
            self._pause(LATE_TICK_SECONDS if late else TICK_SECONDS)
            self._tend()
        say(_ready_block(self._env, demo=self._demo))

    def _not_ready(self) -> str:
        name = _own_name(self._env.allowed_hosts)
        ports = (self._env.port, self._env.decision_port)
        return next(filter(None, (_probe(self._env.host, port, name) for port in ports)), "")

    def _tend(self) -> None:
        for child in (*self._parts, *self._applications):
            child.tend()

    def _pause(self, seconds: float = TICK_SECONDS) -> None:
        if self._stop_asked(seconds):
            raise Stopped

    def _stop_asked(self, seconds: float) -> bool:
        received = signal.sigtimedwait(STOP_SIGNALS | {signal.SIGCHLD}, seconds)
        if received is None or received.si_signo not in STOP_SIGNALS:
            return False
        self._stopped_by = signal.Signals(received.si_signo).name
        return True

    def _stop(self) -> None:
        stop(self._applications, within=APPLICATION_STOP_SECONDS)
        for part in reversed(self._parts):
            stop([part], within=PART_STOP_SECONDS)


def applications(env: Env, *, demo: bool) -> list[Program]:
    """The processes of a node that are ours."""

    def program(name: str, *words: str, settings: Mapping[str, str] | None = None, nice: int = 0) -> Program:
        command = launched([sys.executable, *words], on_parent_death=signal.SIGTERM, nice=nice)
        return Program(name, command, settings=settings or {})

    def managed(name: str, command: str, settings: Mapping[str, str] | None = None, nice: int = 0) -> Program:
        return program(name, "manage.py", command, SKIP_CHECKS, settings=settings, nice=nice)

    def served(interface: str, port: int, workers: int) -> tuple[str, ...]:
        return (
            *("-m", "granian", "--interface", interface, "--no-ws", "--log-level", "warning"),
            *("--host", env.host, "--port", str(port), "--workers", str(workers), "--workers-kill-timeout", "5"),
            # A single one that dies is ours to report and start again; of several, the others go on meanwhile.
            *(("--respawn-failed-workers",) if workers > 1 else ()),
        )

    # Whoever tries a demo node out follows the receipts' addresses on this machine.
    public_url = {"PUBLIC_URL": env.local_url(env.port)} if demo and not env.public_url else {}
    celery = ("-m", "celery", "-A", "config.celery")
    worker = ("worker", "-l", "WARNING", "--without-gossip", "--without-mingle")
    schedule = str(env.data_dir / "beat-schedule")
    return [
        program("web", *served("asgi", env.port, 1), "config.asgi:application"),
        program(
            "decisions",
            *served("rsgi", env.decision_port, env.decision_workers),
            "config.decisions:application",
            nice=AHEAD,
        ),
        managed("follower", "follow_ledger", nice=AHEAD),
        managed("sweep", "sweep"),
        managed("receivers", "receive"),
        managed("confirmations", "send_confirmations", settings=public_url),
        managed("checkpoints", "sign_checkpoints"),
        managed("records", "keep_records"),
        program("worker", *celery, *worker, "-c", "2"),
        program(
            "scrubs",
            *celery,
            *worker,
            *("-c", "1", "-Q", "scrubs", "-n", "scrubs@%h"),
            # Whatever it is at is gone on with from the last chunk: it need not be waited for.
            settings={"REMAP_SIGTERM": "SIGQUIT"},
            nice=BEHIND_ALL,
        ),
        program("beat", *celery, "beat", "-l", "WARNING", "-s", schedule, "--pidfile="),
    ]


def usable_folder(folder: Path) -> None:
    """Make sure that `folder` is there, ours to write, and has room. Raises CannotRun."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("run", "log"):
            (folder / name).mkdir(mode=0o700, exist_ok=True)
        # Secrets lie here; a folder inside a checkout must not be added to it.
        (folder / ".gitignore").write_text("*\n")
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"x" * 4096)
        free = shutil.disk_usage(folder).free
    except OSError as problem:
        raise CannotRun(f"DATA_DIR {folder} cannot be written: {problem.strerror}.") from None
    if free < NEEDED_BYTES:
        raise CannotRun(
            f"DATA_DIR {folder} has {free // 2**20} MiB of room, and {NEEDED_BYTES // 2**20} MiB are needed; "
            "make room or set DATA_DIR to another folder."
        )


def lock_folder(folder: Path) -> IO[str]:
    """Hold `folder` for this process until it ends. Raises CannotRun."""
    lock = (folder / "lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CannotRun(
            f"Another `make run` uses DATA_DIR {folder}; stop it, or set DATA_DIR to another one."
        ) from None
    return lock


def refuse_taken_port(host: str, port: int, name: str) -> None:
    """Raises CannotRun where `port` of `host` is not free for us, naming the setting at fault."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            raise CannotRun(f"Port {port} is taken; set {name} to another one.") from None
        if problem.errno == errno.EACCES:
            raise CannotRun(f"Port {port} is not for ordinary users; set {name} to 1024 or more.") from None
        raise CannotRun(f"HOST {host} is no address of this machine: {problem.strerror}.") from None


def settle_secrets(data_dir: Path, environ: Mapping[str, str]) -> tuple[Postgres | None, Valkey | None]:
    """Write what is missing to the secrets file, and return the parts that this node must run itself.

    Raises CannotRun where a secret is missing that a database here was made with.
    """
    stored = read_secrets(data_dir)
    sockets = socket_folder(data_dir)
    given = set(environ) | ({TEXT} if any(environ.get(source) for source in SOURCES) else set())
    missing = {name: make() for name, make in SECRETS.items() if name not in stored and name not in given}
    refuse_lost_secrets(data_dir, missing)
    stored |= missing
    postgres = Postgres(data_dir / "postgres", sockets, stored.get("POSTGRES_PASSWORD", ""))
    valkey = Valkey(data_dir / "valkey", sockets)
    # A URL in the environment always wins, and must not outlive it here.
    stored |= {"DATABASE_URL": postgres.url(), "REDIS_URL": valkey.url()}
    kept = {name: text for name, text in stored.items() if name not in {"DATABASE_URL", "REDIS_URL"} & environ.keys()}
    _write_private(data_dir / SECRETS_FILE, json.dumps(kept, indent=2) + "\n")
    return (
        postgres if "DATABASE_URL" not in environ else None,
        valkey if "REDIS_URL" not in environ else None,
    )


def refuse_lost_secrets(data_dir: Path, missing: Iterable[str]) -> None:
    """With a new MASTER_KEY an old database would look healthy and find none of its refusals."""
    lost = sorted({"MASTER_KEY", "POSTGRES_PASSWORD"} & set(missing))
    if lost and (data_dir / "postgres" / "PG_VERSION").exists():
        raise CannotRun(
            f"{data_dir} holds a database, and {SECRETS_FILE} there lacks its {' and '.join(lost)}; "
            "restore that file, or set DATA_DIR to another folder."
        )


def await_leftovers(run: Path) -> None:
    """Children of a supervisor that was killed are dying by themselves; starting beside them would break both."""
    deadline = time.monotonic() + LEFTOVER_SECONDS
    for pid_file in run.glob("*.pid"):
        words = (_first_line(pid_file) or "").split()
        while len(words) == 2 and _birth(int(words[0])) == words[1]:
            if time.monotonic() > deadline:
                _kill_group(int(words[0]))
            time.sleep(TICK_SECONDS)
        pid_file.unlink(missing_ok=True)


def main() -> int:
    """Run a node until it is told to stop; the exit code is 0 then, and 1 where it could not be started."""
    os.umask(0o077)
    # Blocked, and taken one at a time by sigtimedwait: no handler runs in the middle of anything.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS | {signal.SIGCHLD})
    try:
        data_dir = read_data_dir(os.environ)
        usable_folder(data_dir)
        with lock_folder(data_dir):
            await_leftovers(data_dir / "run")
            postgres, valkey = settle_secrets(data_dir, os.environ)
            env = read_env(os.environ)
            refuse_taken_port(env.host, env.port, "PORT")
            refuse_taken_port(env.host, env.decision_port, "DECISION_PORT")
            say(f"Starting Haomaku in {data_dir} …")
            Node(env, postgres, valkey).run()
    except (SettingError, EmbeddedError, CannotRun) as reason:
        print(reason, file=sys.stderr, flush=True)
        return 1
    except OSError as problem:
        print(f"The node cannot run: {problem}", file=sys.stderr, flush=True)
        return 1
    return 0


def _spawn(command: list[str], environ: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """A process in a group of its own, speaking into its log."""
    with _open_log(log) as output:
        return subprocess.Popen(
            command,
            cwd=PROJECT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _open_log(path: Path) -> IO[bytes]:
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _birth(pid: int) -> str:
    """When a process began, in clock ticks since boot: with its id, who it is. '' where none runs."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    # Not every process 1 buries its dead, in containers above all.
    return "" if state in "ZX" else rest[18]


def _how_it_ended(code: int) -> str:
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _first_line(path: Path) -> str | None:
    try:
        return path.read_text().splitlines()[0]
    except (OSError, IndexError):
        return None


def _last_line_of(path: Path) -> str:
    lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _write_private(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(path)


def _probe(host: str, port: int, name: str) -> str:
    """'' where the process on `port` is ready, else why not."""
    connection = http.client.HTTPConnection(_reachable(host), port, timeout=2)
    try:
        connection.request("GET", "/health/ready", headers={"Host": name})
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException):
        return f"nothing answers on port {port} yet"
    finally:
        connection.close()
    if answer.status == 200:
        return ""
    try:
        return "; ".join(json.loads(body)["reasons"])
    except (ValueError, KeyError, TypeError):
        return f"port {port} answers {answer.status}"


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def _own_name(allowed_hosts: list[str]) -> str:
    """A name under which the web process answers."""
    name = next(iter(allowed_hosts), "*")
    return "localhost" if name == "*" else name.removeprefix(".")


def _ready_block(env: Env, *, demo: bool) -> str:
    lines = [
        "Ready.",
        f"  Site          {env.local_url(env.port)}/",
        f"  Decisions     {env.local_url(env.decision_port)}/v1/decisions",
        f"  Logs          {env.data_dir / 'log'}",
    ]
    if demo:
        lines.insert(3, f"  Log-ins, key  {env.data_dir / 'demo.json'}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
