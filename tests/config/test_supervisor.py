"""`make run` as an operator meets it: a real process, its terminal, its exit code, and what it leaves behind."""

import json
import os
import random
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psutil
import pytest

from config.env import PROJECT
from tests.untested import not_tested

READY_SECONDS = 60.0
STOP_SECONDS = 15.0
BACK_SECONDS = 30.0
POLL_SECONDS = 0.05
NOBODY = 12345
CHILDREN = {
    "postgres",
    "valkey",
    "web",
    "decisions",
    "follower",
    "sweep",
    "receivers",
    "confirmations",
    "checkpoints",
    "records",
    "worker",
    "beat",
}

as_root = pytest.mark.skipif(os.getuid() != 0, reason="NOT TESTED: only root can become another user or mount")


def wait_for(condition: Callable[[], Any], what: str, *, within: float = READY_SECONDS) -> Any:
    """The first true value of `condition`."""
    deadline = time.monotonic() + within
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {within:g} s: {what}"
        time.sleep(POLL_SECONDS)
    return value


def assert_stopped(lines: list[str]) -> None:
    """The two lines of a stop, with the signal that asked for it."""
    assert len(lines) == 2, lines
    assert re.fullmatch("Stopping on SIG(INT|TERM) …", lines[0])
    assert lines[1] == "Stopped."


def free_port() -> int:
    """A port that is free, as the next one is; below those that the kernel gives to clients."""
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000, 2)
        with suppress(OSError), socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", port))
            other.bind(("127.0.0.1", port + 1))
            return port


def processes_of(data_dir: Path) -> list[str]:
    """Every process, of whatever parent, that works for this folder."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            # PostgreSQL's own children overwrite their words and their environment; they stand in its folder.
            traces = [*process.cmdline(), process.environ().get("DATA_DIR", ""), process.cwd()]
            if any(str(data_dir) in trace for trace in traces):
                found.append(f"{process.pid} {' '.join(process.cmdline())}")
    return found


def socket_listeners(folder: Path) -> list[str]:
    """Unix sockets in `folder` that some process still holds."""
    return [line for line in Path("/proc/net/unix").read_text().splitlines() if f"{folder}/" in line]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@dataclass(frozen=True)
class Stage:
    """Who runs the supervisor, and out of which files."""

    python: Path = Path(sys.executable)
    project: Path = PROJECT
    home: Path | None = None
    user: int | None = None
    extra: tuple[tuple[str, str], ...] = ()

    def command(self) -> list[str]:
        return [str(self.python), "-m", "config.supervisor"]

    def options(self, data_dir: Path | str, settings: dict[str, str]) -> dict[str, Any]:
        home = self.home or Path(data_dir).parent
        environ = {"PATH": os.environ["PATH"], "HOME": str(home), "DATA_DIR": str(data_dir), "PORT": str(free_port())}
        options = {"cwd": self.project, "env": environ | dict(self.extra) | settings, "stdin": subprocess.DEVNULL}
        if self.user is not None:
            options |= {"user": self.user, "group": self.user, "extra_groups": []}
        return options


OURSELVES = Stage()


class Supervisor:
    """One run of it, in a process group of its own as a shell would start it; its terminal is a file."""

    def __init__(self, data_dir: Path, stage: Stage = OURSELVES, **settings: str) -> None:
        self.data_dir = data_dir
        options = stage.options(data_dir, settings)
        self.port = int(options["env"]["PORT"])
        self._terminal = tempfile.NamedTemporaryFile("r", prefix="haomaku-terminal-")  # noqa: SIM115 - closed in `end`
        with open(self._terminal.name, "wb") as terminal:  # noqa: PTH123 - a second, writing handle of it
            self.process = subprocess.Popen(
                stage.command(), stdout=terminal, stderr=terminal, start_new_session=True, **options
            )

    def said(self) -> list[str]:
        self._terminal.seek(0)
        return self._terminal.read().splitlines()

    def wait_for_line(self, beginning: str) -> None:
        def said() -> bool:
            assert self.process.poll() is None, f"it ended with {self.process.returncode}: {self.said()}"
            return any(line.startswith(beginning) for line in self.said())

        wait_for(said, f"“{beginning}” on the terminal")

    def wait_until_ready(self) -> "Supervisor":
        self.wait_for_line("Ready.")
        return self

    def pid_of(self, child: str) -> int | None:
        """The child's process, where it lives."""
        with suppress(OSError, ValueError, IndexError, psutil.Error):
            pid = int((self.data_dir / "run" / f"{child}.pid").read_text().split()[0])
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                return pid
        return None

    def is_ready(self) -> bool:
        with suppress(OSError):
            for port in (self.port, self.port + 1):
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5):
                    pass
            return True
        return False

    def demo(self) -> dict[str, Any]:
        return json.loads((self.data_dir / "demo.json").read_text("utf-8"))

    def secrets(self) -> dict[str, str]:
        return json.loads((self.data_dir / "secrets.json").read_text("utf-8"))

    def socket_folder(self) -> Path:
        return Path(unquote(urlsplit(self.secrets()["REDIS_URL"]).path)).parent

    def decide(self, sender: str) -> str:
        """The decision that a carrier gets for a message of this sender of the demo library."""
        demo = self.demo()
        question = {"sender": demo["senders"][sender], "recipient": "13800138000", "purpose": "collection"}
        request = urllib.request.Request(
            demo["decisions_url"] + "/v1/decisions",
            json.dumps(question).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {demo['api_key']}"},
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.loads(answer.read())["decision"]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Its exit code after this signal."""
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """Whatever the test did, nothing of it runs on."""
        try:
            if self.process.poll() is None:
                self.stop()
        finally:
            self.kill()
            self._terminal.close()


@contextmanager
def supervisor(data_dir: Path, stage: Stage = OURSELVES, **settings: str) -> Iterator[Supervisor]:
    run = Supervisor(data_dir, stage, **settings)
    try:
        yield run
    finally:
        run.end()


def refusal(data_dir: Path | str, stage: Stage = OURSELVES, **settings: str) -> str:
    """The one sentence with which it refuses to start."""
    options = stage.options(data_dir, settings)
    result = subprocess.run(stage.command(), capture_output=True, text=True, timeout=STOP_SECONDS, **options)
    assert result.returncode == 1, result
    assert result.stdout == "", result
    assert "Traceback" not in result.stderr, result
    assert result.stderr.count("\n") == 1, result
    assert result.stderr.endswith(".\n"), result
    return result.stderr.strip()


def assert_nothing_is_left(data_dir: Path, sockets: Path) -> None:
    assert processes_of(data_dir) == []
    assert socket_listeners(sockets) == []


@pytest.fixture(scope="module")
def running_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervisor]:
    """A node in a folder with spaces, for every test that leaves it running."""
    data_dir = tmp_path_factory.mktemp("a node") / "its own 号码 folder 100% (new)"
    with supervisor(data_dir) as run:
        yield run.wait_until_ready()


# A running node


def test_a_node_in_a_path_with_spaces_answers_decisions(running_node):
    assert running_node.is_ready()
    assert (running_node.decide("white_exact"), running_node.decide("black")) == ("allow", "deny")


def test_every_child_of_a_node_runs(running_node):
    wait_for(lambda: all(map(running_node.pid_of, CHILDREN)), "all children")
    assert len(processes_of(running_node.data_dir)) > len(CHILDREN)


def test_terminal_of_a_ready_node_shows_where_everything_is(running_node):
    data_dir, port = running_node.data_dir, running_node.port
    said = running_node.said()
    assert said[:6] == [
        f"Starting Haomaku in {data_dir} …",
        "Ready.",
        f"  Site          http://127.0.0.1:{port}/",
        f"  Decisions     http://127.0.0.1:{port + 1}/v1/decisions",
        f"  Log-ins, key  {data_dir / 'demo.json'}",
        f"  Logs          {data_dir / 'log'}",
    ]


def test_confirmations_of_a_demo_node_name_its_own_address(running_node):
    environ = psutil.Process(running_node.pid_of("confirmations")).environ()
    assert environ["PUBLIC_URL"] == f"http://127.0.0.1:{running_node.port}"
    # Whose signatures are held against the address that the caller used.
    assert "PUBLIC_URL" not in psutil.Process(running_node.pid_of("web")).environ()


def test_secrets_are_readable_by_their_owner_alone(running_node):
    assert mode(running_node.data_dir / "secrets.json") == 0o600
    assert mode(running_node.data_dir / "demo.json") == 0o600
    assert mode(running_node.data_dir) == 0o700
    assert mode(running_node.socket_folder()) == 0o700


def test_second_supervisor_on_the_same_folder_is_refused_in_one_sentence(running_node):
    data_dir = running_node.data_dir
    assert refusal(data_dir) == (
        f"Another `make run` uses DATA_DIR {data_dir}; stop it, or set DATA_DIR to another one."
    )
    assert running_node.is_ready()


def test_taken_port_is_refused_with_the_name_of_its_setting(running_node, tmp_path):
    port = running_node.port
    assert refusal(tmp_path / "data", PORT=str(port)) == f"Port {port} is taken; set PORT to another one."


def test_taken_decision_port_is_refused_with_the_name_of_its_setting(running_node, tmp_path):
    port = running_node.port + 1
    sentence = f"Port {port} is taken; set DECISION_PORT to another one."
    assert refusal(tmp_path / "data", DECISION_PORT=str(port)) == sentence


def test_killed_child_comes_back_with_exactly_one_line(running_node):
    killed = wait_for(lambda: running_node.pid_of("sweep"), "the sweep")
    before = len(running_node.said())
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: running_node.pid_of("sweep") not in (None, killed), "another sweep", within=BACK_SECONDS)
    log = running_node.data_dir / "log" / "sweep.log"
    assert running_node.said()[before:] == [
        f"sweep was killed by SIGKILL; it is started again in 0.2 s. Its log: {log}"
    ]
    assert running_node.is_ready()


def test_killed_postgresql_comes_back_and_the_node_is_ready_again(running_node):
    killed = wait_for(lambda: running_node.pid_of("postgres"), "PostgreSQL")
    before = len(running_node.said())
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: running_node.pid_of("postgres") not in (None, killed), "another PostgreSQL", within=BACK_SECONDS)
    wait_for(running_node.is_ready, "a ready node", within=BACK_SECONDS)
    wait_for(lambda: all(map(running_node.pid_of, CHILDREN)), "all children", within=BACK_SECONDS)
    assert running_node.said()[before].startswith("postgres was killed by SIGKILL; it is started again in 0.2 s.")
    assert running_node.decide("white_exact") == "allow"


# Stopping, and starting again


def test_node_in_a_path_longer_than_a_socket_allows_stops_without_a_trace_and_keeps_its_data(tmp_path):
    data_dir = tmp_path / ("long" * 20) / ("longer" * 10)
    with supervisor(data_dir) as run:
        run.wait_until_ready()
        secrets, demo, sockets = run.secrets(), run.demo(), run.socket_folder()
        assert len(os.fsencode(sockets)) < 80
        assert mode(sockets) == 0o700
        assert socket_listeners(sockets)
        assert run.stop(signal.SIGTERM) == 0
        assert_stopped(run.said()[-2:])
        assert_nothing_is_left(data_dir, sockets)
    with supervisor(data_dir) as run:
        run.wait_until_ready()
        assert run.secrets() == secrets
        kept = ("api_key", "logins", "webhooks")
        assert [run.demo()[name] for name in kept] == [demo[name] for name in kept]
        assert (run.decide("white_exact"), run.decide("black")) == ("allow", "deny")
        assert run.stop(signal.SIGINT) == 0
        assert_nothing_is_left(data_dir, sockets)
    shutil.rmtree(sockets)


def test_killed_supervisor_leaves_no_process_and_the_next_start_works(tmp_path):
    data_dir = tmp_path / "data"
    with supervisor(data_dir) as run:
        run.wait_until_ready()
        api_key, sockets = run.demo()["api_key"], run.socket_folder()
        run.kill()
        wait_for(lambda: not processes_of(data_dir), "nothing runs on", within=STOP_SECONDS)
        assert socket_listeners(sockets) == []
    with supervisor(data_dir) as run:
        wait_for(lambda: run.pid_of("beat"), "the last of the children")
        run.kill()
    # At once, while the children of the one before are still going down.
    with supervisor(data_dir) as run:
        run.wait_until_ready()
        assert run.demo()["api_key"] == api_key
        assert run.decide("white_exact") == "allow"
        assert run.stop() == 0
        assert_nothing_is_left(data_dir, sockets)


def test_dead_child_of_a_killed_supervisor_that_nobody_buries_does_not_hold_up_the_next_start(running_node, tmp_path):
    """As in a container whose first process buries no orphans."""
    with subprocess.Popen(["true"]) as dead:
        wait_for(lambda: psutil.Process(dead.pid).status() == psutil.STATUS_ZOMBIE, "a zombie")
        birth = Path(f"/proc/{dead.pid}/stat").read_text().rpartition(")")[2].split()[19]
        pid_file = tmp_path / "data" / "run" / "sweep.pid"
        pid_file.parent.mkdir(parents=True)
        pid_file.write_text(f"{dead.pid} {birth}\n")
        # It comes as far as the ports.
        assert "is taken" in refusal(tmp_path / "data", PORT=str(running_node.port))
    assert not pid_file.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_during_the_first_moments_is_clean_and_the_next_start_works(tmp_path, number):
    data_dir = tmp_path / "data"
    with supervisor(data_dir) as run:
        run.wait_for_line("Starting")
        if number == signal.SIGTERM:
            run.process.send_signal(number)
        else:
            # Ctrl-C: the terminal tells the whole foreground group.
            os.killpg(run.process.pid, number)
        assert run.process.wait(STOP_SECONDS) == 0, run.said()
        assert_stopped(run.said()[1:])
        assert_nothing_is_left(data_dir, run.socket_folder())
    with supervisor(data_dir) as run:
        wait_for(lambda: run.pid_of("valkey"), "PostgreSQL, and then Valkey")


def test_stop_while_the_applications_come_up_is_clean(tmp_path):
    with supervisor(tmp_path / "data") as run:
        wait_for(lambda: run.pid_of("web"), "the web process")
        assert run.stop() == 0, run.said()
        assert_stopped(run.said()[1:])
        assert_nothing_is_left(run.data_dir, run.socket_folder())


# Refusals


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", "80a", "PORT must be a whole number from 1 to 65535 (it is '80a')."),
        ("DECISION_WORKERS", "0", "DECISION_WORKERS must be a whole number from 1 to 64 (it is '0')."),
        ("STALE_MODE", "ajar", "STALE_MODE must be one of closed, open (it is 'ajar')."),
        ("TIME_ZONE", "Asia/Nowhere", "TIME_ZONE must be an IANA time zone such as Asia/Shanghai (it is 'Asia/Nowhere')."),
        ("MASTER_KEY", "hush", "key_malformed: MASTER_KEY must be 64 hexadecimal digits (256 bits)."),
        ("REDIS_URL", "http://:hush@host", "REDIS_URL must be a URL that starts with redis:// or rediss:// or unix://."),
        ("DATA_DIR", "", "DATA_DIR must not be empty (it is '')."),
    ],
)  # fmt: skip
def test_wrong_setting_is_refused_with_its_name_and_without_a_secret(tmp_path, name, value, sentence):
    assert refusal(tmp_path / "data", **{name: value}) == sentence


def test_home_of_an_unknown_user_as_data_folder_is_refused_with_the_name_of_the_setting(tmp_path):
    assert refusal(tmp_path / "data", DATA_DIR="~nobody-of-this-name/data").startswith("DATA_DIR ")


def test_unknown_host_is_refused_with_the_name_of_its_setting(tmp_path):
    assert re.search(r"\bHOST\b", refusal(tmp_path / "data", HOST="no.such.host.invalid"))


def test_ports_that_are_the_same_are_refused(tmp_path):
    port = str(free_port())
    sentence = f"DECISION_PORT must differ from PORT (both are {port})."
    assert refusal(tmp_path / "data", PORT=port, DECISION_PORT=port) == sentence


def test_data_folder_that_is_a_file_is_refused(tmp_path):
    file = tmp_path / "data"
    file.write_text("something of somebody")
    assert refusal(file) == f"DATA_DIR {file} cannot be written: File exists."
    assert refusal(file / "below") == f"DATA_DIR {file / 'below'} cannot be written: Not a directory."
    assert file.read_text() == "something of somebody"


def test_secrets_file_that_is_no_json_is_refused_and_kept(tmp_path):
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    (data_dir / "secrets.json").write_text('{"MASTER_KEY": "')
    assert refusal(data_dir).startswith(f"{data_dir / 'secrets.json'} cannot be read: ")
    assert (data_dir / "secrets.json").read_text() == '{"MASTER_KEY": "'


@contextmanager
def tiny_file_system(folder: Path, size: str) -> Iterator[Path]:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        not_tested(f"a full DATA_DIR, since a file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@as_root
def test_data_folder_with_too_little_room_is_refused(tmp_path):
    with tiny_file_system(tmp_path / "small", "8m") as folder:
        assert re.fullmatch(
            rf"DATA_DIR {folder} has [78] MiB of room, and 200 MiB are needed; "
            "make room or set DATA_DIR to another folder.",
            refusal(folder),
        )


@as_root
def test_data_folder_that_is_full_is_refused(tmp_path):
    with tiny_file_system(tmp_path / "full", "64k") as folder:
        with suppress(OSError), (folder / "ballast").open("wb", buffering=0) as ballast:
            while ballast.write(b"x" * 4096):
                pass
        assert refusal(folder) == f"DATA_DIR {folder} cannot be written: No space left on device."


# As an ordinary user


def _may_enter(folder: Path) -> bool:
    words = ["test", "-r", str(folder), "-a", "-x", str(folder)]
    return subprocess.run(words, user=NOBODY, group=NOBODY, extra_groups=[], check=False).returncode == 0


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def _within_reach(folder: Path, copy: Path, *ignored: str) -> Path:
    """`folder`, or where an ordinary user may not enter it, a copy of it that costs no room."""
    if _may_enter(folder):
        return folder
    ignore = shutil.ignore_patterns(*ignored)
    shutil.copytree(folder, copy, symlinks=True, ignore=ignore, copy_function=_link_or_copy)
    for parent, _, _ in os.walk(copy):
        os.chmod(parent, 0o755)  # noqa: PTH101
    return copy


@pytest.fixture(scope="module")
def ordinary() -> Iterator[Stage]:
    """An ordinary user with a home of mode 0700, and Python, packages and project where that user can read them."""
    with tempfile.TemporaryDirectory(prefix="haomaku-ordinary-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        home = folder / "home"
        home.mkdir(mode=0o700)
        os.chown(home, NOBODY, NOBODY)
        project = _within_reach(PROJECT, folder / "project", ".git", ".venv", "var")
        python, extra = Path(sys.executable), ()
        if not (_may_enter(Path(sys.prefix)) and _may_enter(Path(sys.base_prefix))):
            python, extra = _python_within_reach(folder)
        yield Stage(python, project, home, NOBODY, extra)


def _python_within_reach(folder: Path) -> tuple[Path, tuple[tuple[str, str], ...]]:
    """The same interpreter and packages as ours, such as one that pyenv keeps under /root."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    ignored = ("site-packages", "test", "share", "include", "*.a")
    base = _within_reach(Path(sys.base_prefix), folder / "python", *ignored)
    packages = _within_reach(Path(sysconfig.get_path("purelib")), folder / "packages")
    environment = folder / "venv"
    for part in ("bin", f"lib/{version}"):
        (environment / part).mkdir(parents=True)
    (environment / "pyvenv.cfg").write_text(f"home = {base / 'bin'}\n")
    (environment / "bin" / "python").symlink_to(base / "bin" / version)
    (environment / "lib" / version / "site-packages").symlink_to(packages)
    # A shared libpython is looked for where it was installed.
    return environment / "bin" / "python", (("LD_LIBRARY_PATH", str(base / "lib")),)


@as_root
def test_ordinary_user_runs_a_node_in_a_private_home(ordinary):
    data_dir = ordinary.home / "data"
    with supervisor(data_dir, ordinary) as run:
        run.wait_until_ready()
        assert run.decide("white_exact") == "allow"
        assert {psutil.Process(run.pid_of(child)).uids().real for child in CHILDREN} == {NOBODY}
        for name in ("secrets.json", "demo.json"):
            assert mode(data_dir / name) == 0o600
            assert (data_dir / name).stat().st_uid == NOBODY
        assert run.stop(signal.SIGINT) == 0
        assert_nothing_is_left(data_dir, run.socket_folder())


@as_root
def test_data_folder_that_an_ordinary_user_may_not_write_is_refused(ordinary):
    folder = ordinary.home.parent / "of-root"
    folder.mkdir(mode=0o755)
    assert refusal(folder, ordinary) == f"DATA_DIR {folder} cannot be written: Permission denied."
    assert refusal(folder / "below", ordinary) == f"DATA_DIR {folder / 'below'} cannot be written: Permission denied."


@pytest.mark.parametrize("lost", ["MASTER_KEY", "POSTGRES_PASSWORD"])
def test_database_whose_secret_is_lost_is_refused_and_no_new_one_is_made(tmp_path, lost):
    data_dir = tmp_path / "data"
    (data_dir / "postgres").mkdir(parents=True)
    (data_dir / "postgres" / "PG_VERSION").write_text("18\n")
    kept = {"SECRET_KEY": "s", "MASTER_KEY": "5a" * 32, "POSTGRES_PASSWORD": "p"}
    del kept[lost]
    (data_dir / "secrets.json").write_text(json.dumps(kept))
    assert refusal(data_dir) == (
        f"{data_dir} holds a database, and secrets.json there lacks its {lost}; "
        "restore that file, or set DATA_DIR to another folder."
    )
    assert json.loads((data_dir / "secrets.json").read_text()) == kept


def test_secrets_and_urls_of_the_environment_win_and_are_not_kept(tmp_path):
    data_dir = tmp_path / "data"
    given = {
        "MASTER_KEY": "6b" * 32,
        "SECRET_KEY": "given",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1",
    }
    # No database answers there: it ends after it settled its secrets.
    options = OURSELVES.options(data_dir, given)
    result = subprocess.run(OURSELVES.command(), capture_output=True, text=True, timeout=60, **options)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert set(json.loads((data_dir / "secrets.json").read_text())) == {"POSTGRES_PASSWORD"}
