"""Real PostgreSQL and real Valkey out of wheels, each behind the launcher."""

import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import redis

from config.embedded import EmbeddedError, Postgres, Valkey, launched, running, running_both, socket_folder
from config.env import PROJECT
from tests.untested import not_tested

UP_SECONDS = 30.0
GONE_SECONDS = 15.0
POLL_SECONDS = 0.02

as_root = pytest.mark.skipif(os.getuid() != 0, reason="NOT TESTED: only root can own another user's folder or mount")


def wait_for(condition: Callable[[], Any], what: str, *, within: float) -> Any:
    """The first true value of `condition`."""
    deadline = time.monotonic() + within
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {within:g} s: {what}"
        time.sleep(POLL_SECONDS)
    return value


def ask(postgres: Postgres, query: str) -> Any:
    with psycopg.connect(postgres.url("postgres"), connect_timeout=5) as connection:
        return connection.execute(query).fetchone()[0]


def processes_in(folder: Path) -> list[psutil.Process]:
    """Every process that stands in `folder` or names it."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if any(str(folder) in trace for trace in (*process.cmdline(), process.cwd())):
                found.append(process)
    return found


def script(body: str, *words: object) -> list[str]:
    """A command that runs `body` in a Python of its own, with `words` as `sys.argv[1:]`."""
    return [sys.executable, "-c", textwrap.dedent(body), *map(str, words)]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Postgres, Valkey]]:
    """Both, in a folder with spaces and all that its owner's taste may add, and with a path too long for a socket."""
    folder = tmp_path_factory.mktemp("parts") / "a folder; 100% (its own) & 号码's #1 \\ $HOME" / ("long" * 20)
    folder.mkdir(parents=True)
    with running_both(folder, options={"fsync": "off"}) as both:
        yield both
    socket_folder(folder).rmdir()


# Working


def test_postgresql_works_in_a_path_with_odd_characters_and_longer_than_a_socket_allows(parts):
    postgres, _ = parts
    assert ask(postgres, "SHOW data_directory") == str(postgres.folder)
    assert ask(postgres, "SHOW server_encoding") == "UTF8"


def test_valkey_works_in_a_path_with_odd_characters_and_longer_than_a_socket_allows(parts):
    _, valkey = parts
    with redis.Redis.from_url(valkey.url()) as client:
        assert client.set("word", "回T退订")
        assert client.get("word") == "回T退订".encode()
        assert client.config_get("dir") == {"dir": str(valkey.folder)}
    assert list((valkey.folder / "appendonlydir").iterdir())


@pytest.mark.parametrize("odd", [",", '"', "@"])
def test_characters_that_mean_something_to_a_list_of_hosts_do_not_hinder(tmp_path, odd):
    folder = tmp_path / f"a{odd}b"
    folder.mkdir()
    sockets = socket_folder(folder)
    postgres = Postgres(folder / "postgres", sockets, "secret")
    with running(postgres, stop_with=signal.SIGINT):
        assert ask(postgres, "SELECT 1") == 1
    assert list(sockets.iterdir()) == []
    sockets.rmdir()


def test_postgresql_is_durable_and_asks_for_the_password(parts):
    postgres, _ = parts
    assert ask(postgres, "SHOW synchronous_commit") == "on"
    assert ask(postgres, "SHOW data_checksums") == "on"
    stranger = Postgres(postgres.folder, postgres.sockets, "not the password")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        ask(stranger, "SELECT 1")
    assert not stranger.is_ready()


def test_neither_part_listens_on_the_network(parts):
    postgres, valkey = parts
    found = processes_in(postgres.folder) + processes_in(valkey.folder)
    assert len(found) >= 3
    assert [connection for process in found for connection in process.net_connections("inet")] == []


def test_both_sockets_are_their_owners_alone(parts):
    postgres, valkey = parts
    for path in (postgres.sockets, postgres.sockets / ".s.PGSQL.5432", valkey.socket_path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_part_that_does_not_run_is_not_ready(tmp_path):
    assert not Postgres(tmp_path / "postgres", tmp_path, "secret").is_ready()
    assert not Valkey(tmp_path / "valkey", tmp_path).is_ready()


# The folder of the sockets


def test_sockets_lie_in_the_data_folder_where_its_path_is_short_enough():
    # Nothing is made below it: `run` alone.
    folder = Path(f"/tmp/hm-{os.getpid()}")
    folder.mkdir()
    try:
        assert socket_folder(folder) == folder / "run"
        assert stat.S_IMODE((folder / "run").stat().st_mode) == 0o700
    finally:
        (folder / "run").rmdir()
        folder.rmdir()


@pytest.fixture
def long_folder(tmp_path) -> Iterator[Path]:
    """A data folder whose sockets lie elsewhere."""
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    yield folder
    with suppress(EmbeddedError):
        socket_folder(folder).rmdir()


def test_short_folder_for_sockets_is_private_and_the_same_every_time(long_folder):
    first = socket_folder(long_folder)
    first.chmod(0o755)
    assert socket_folder(long_folder) == first
    assert stat.S_IMODE(first.stat().st_mode) == 0o700
    assert len(os.fsencode(first)) < 80


def test_short_folder_for_sockets_that_is_a_link_is_refused(long_folder, tmp_path):
    folder = socket_folder(long_folder)
    folder.rmdir()
    folder.symlink_to(tmp_path)
    try:
        with pytest.raises(EmbeddedError) as refused:
            socket_folder(long_folder)
    finally:
        folder.unlink()
    assert str(refused.value) == f"{folder} should be a folder of this user's own and is not."


@as_root
def test_short_folder_for_sockets_that_is_someone_elses_is_refused(long_folder):
    folder = socket_folder(long_folder)
    os.chown(folder, 12345, 12345)
    try:
        with pytest.raises(EmbeddedError, match="should be a folder of this user's own and is not"):
            socket_folder(long_folder)
    finally:
        os.chown(folder, 0, 0)


# Initialisation


def test_what_an_interrupted_initialisation_left_does_not_poison_the_next(tmp_path):
    left = tmp_path / "postgres.unfinished"
    (left / "base").mkdir(parents=True)
    (left / "PG_VERSION").write_text("18\n")
    postgres = Postgres(tmp_path / "postgres", socket_folder(tmp_path), "secret")
    postgres.initialise()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["postgres", "run"]
    assert (postgres.folder / "PG_VERSION").exists()


def test_initialisation_killed_in_the_middle_does_not_poison_the_next(tmp_path):
    body = """
        import sys
        from pathlib import Path
        from config.embedded import Postgres
        Postgres(Path(sys.argv[1]), Path(sys.argv[1]).parent, "secret").initialise()
    """
    folder = tmp_path / "postgres"
    with subprocess.Popen(script(body, folder), cwd=PROJECT, start_new_session=True) as process:
        wait_for((tmp_path / "postgres.unfinished" / "base").exists, "initdb at work", within=UP_SECONDS)
        process.kill()
    assert not folder.exists()
    wait_for(lambda: not processes_in(tmp_path), "initdb dies with its parent", within=GONE_SECONDS)
    postgres = Postgres(folder, socket_folder(tmp_path), "secret")
    postgres.initialise()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["postgres", "run"]
    assert (folder / "PG_VERSION").exists()


def test_second_initialisation_changes_nothing(tmp_path):
    postgres = Postgres(tmp_path / "postgres", tmp_path, "secret")
    postgres.folder.mkdir()
    (postgres.folder / "PG_VERSION").write_text("18\n")
    postgres.initialise()
    assert [path.name for path in postgres.folder.iterdir()] == ["PG_VERSION"]


def test_initialisation_that_fails_says_why_in_one_sentence_and_keeps_no_password(tmp_path):
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "something of somebody").touch()
    with pytest.raises((EmbeddedError, OSError)) as refused:
        Postgres(tmp_path / "postgres", tmp_path, "secret").initialise()
    assert "\n" not in str(refused.value)
    assert not list(tmp_path.glob("*.password"))
    assert (tmp_path / "postgres" / "something of somebody").exists()


@as_root
def test_root_initialises_postgresql_where_no_ordinary_user_has_an_account(tmp_path):
    """As in a fresh container: `/etc/passwd` knows root and nobody."""
    passwd = tmp_path / "passwd"
    passwd.write_text("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n")
    body = """
        import subprocess, sys
        from pathlib import Path
        if subprocess.run(["mount", "--bind", sys.argv[2], "/etc/passwd"]).returncode:
            sys.exit("cannot mount")
        from config.embedded import Postgres
        Postgres(Path(sys.argv[1]), Path(sys.argv[1]).parent, "secret").initialise()
    """
    command = ["unshare", "--mount", "--propagation", "private", *script(body, tmp_path / "postgres", passwd)]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if "cannot mount" in result.stderr or "unshare failed" in result.stderr:
        not_tested(f"root without ordinary accounts, since nothing can be mounted here: {result.stderr}")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "postgres" / "PG_VERSION").exists()


# Dying with the parent


def test_both_parts_die_with_a_killed_parent_and_their_data_stays(tmp_path):
    body = """
        import signal, sys
        from pathlib import Path
        import psycopg
        from config.embedded import running_both
        with running_both(Path(sys.argv[1])) as (postgres, valkey):
            with psycopg.connect(postgres.url(), autocommit=True) as connection:
                connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
            print(postgres.password, flush=True)
            signal.pause()
    """
    with subprocess.Popen(script(body, tmp_path), cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        try:
            password = process.stdout.readline().strip()
            assert password
            assert len(processes_in(tmp_path)) >= 3
        finally:
            process.kill()
    wait_for(lambda: not processes_in(tmp_path), "both end with their parent", within=GONE_SECONDS)
    postgres = Postgres(tmp_path / "postgres", socket_folder(tmp_path), password)
    with running(postgres, stop_with=signal.SIGINT), psycopg.connect(postgres.url()) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_launched_child_hears_signals_that_its_parent_has_blocked():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        child = subprocess.Popen(launched(["sleep", "600"], on_parent_death=signal.SIGKILL))
        wait_for(lambda: psutil.Process(child.pid).name() == "sleep", "the command runs", within=UP_SECONDS)
        child.terminate()
        assert child.wait(GONE_SECONDS) == -signal.SIGTERM
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def places(*before: str, nice: int) -> tuple[int, str]:
    """How nice a launched child is, and its session; `before`: what the launcher is started by."""
    say = "import os; print(os.nice(0)); print(open(p).read() if os.path.exists(p := '/proc/self/autogroup') else '')"
    command = launched([sys.executable, "-c", say], on_parent_death=signal.SIGKILL, nice=nice)
    ended = subprocess.run([*before, *command], capture_output=True, text=True, check=True, start_new_session=True)
    own, session = ended.stdout.split("\n", 1)
    return int(own), session.strip()


@pytest.mark.parametrize("nice", [5, pytest.param(-10, marks=as_root)])
def test_launched_child_takes_its_place_as_a_process_and_as_a_session(nice):
    own, session = places(nice=nice)
    assert own == min(os.nice(0) + nice, 19)
    assert not session or session.endswith(f"nice {nice}")


def test_launched_child_that_may_not_step_ahead_runs_where_it_is():
    # Root of a user namespace is nobody to the kernel in this.
    own, session = places(*(["unshare", "--user"] if os.getuid() == 0 else []), nice=-10)
    assert own == os.nice(0)
    assert not session or session.endswith("nice 0")


def test_launched_child_of_a_parent_that_is_already_gone_never_starts(tmp_path):
    command = launched(["touch", str(tmp_path / "started")], on_parent_death=signal.SIGTERM)
    ours = str(os.getpid())
    gone = [str(os.getpid() + 1) if word == ours else word for word in command]
    assert subprocess.run(gone, check=False).returncode == 1
    assert not (tmp_path / "started").exists()


# As whom PostgreSQL runs

# What `make run` does first, in one process.
START = """
    import signal, sys
    from pathlib import Path
    import psycopg
    from config.embedded import EmbeddedError, Postgres, running, server_account, socket_folder
    folder = Path(sys.argv[1])
    try:
        postgres = Postgres(folder / "postgres", socket_folder(folder), "secret", {"fsync": "off"})
        with running(postgres, stop_with=signal.SIGINT), psycopg.connect(postgres.url()) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS starts (value int)")
            connection.execute("INSERT INTO starts VALUES (1)")
            print(server_account().partition(":")[0], connection.execute("SELECT count(*) FROM starts").fetchone()[0])
    except EmbeddedError as reason:
        sys.exit(str(reason))
"""
# Root in a user namespace in which no further one may be made, as in many containers.
CONTAINER = script("""
    import ctypes, os, sys
    from pathlib import Path
    inside, mapped = os.pipe(), os.pipe()
    child = os.fork()
    if child:
        os.read(inside[0], 1)
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{child}/{name}").write_text("0 0 65536")
        os.write(mapped[1], b"x")
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    if ctypes.CDLL(None).unshare(0x10000000):
        sys.exit("no container: user namespaces are forbidden here")
    os.write(inside[1], b"x")
    os.read(mapped[0], 1)
    Path("/proc/sys/user/max_user_namespaces").write_text("0")
    os.execvp(sys.argv[1], sys.argv[1:])
""")


def start(folder: Path, *wrapper: str) -> subprocess.CompletedProcess[str]:
    command = [*wrapper, *script(START, folder)]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if "no container" in result.stderr:
        not_tested(f"{result.stderr}")
    return result


@pytest.fixture
def private(tmp_path) -> Path:
    """A home that its owner alone may enter."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return home


@as_root
def test_root_runs_postgresql_as_another_user_where_namespaces_are_forbidden(private):
    assert start(private, *CONTAINER).stdout == "user 1\n"
    assert (private / "postgres").stat().st_uid != os.getuid()
    assert stat.S_IMODE(private.stat().st_mode) == 0o700


@as_root
def test_cluster_changes_hands_when_namespaces_come_and_go(private):
    seen = [start(private, *wrapper).stdout for wrapper in ([], CONTAINER, [])]
    assert seen == ["namespace 1\n", "user 2\n", "namespace 3\n"]


@as_root
def test_root_without_any_way_is_told_what_to_do_in_one_sentence(private):
    result = start(private, *CONTAINER, "setpriv", "--bounding-set", "-dac_override")
    assert result.returncode == 1
    assert result.stderr == (
        "PostgreSQL does not run as root, and user namespaces are forbidden here: "
        "run as an ordinary user, or set DATABASE_URL.\n"
    )


# After a crash of the machine


def test_mark_of_a_dead_server_whose_number_is_another_process_now_does_not_hold_up_a_start(tmp_path):
    postgres = Postgres(tmp_path / "postgres", socket_folder(tmp_path), "secret", {"fsync": "off"})
    postgres.initialise()
    # Not this process nor its parent: PostgreSQL forgives those by itself.
    with subprocess.Popen(["sleep", "600"]) as bystander:
        try:
            mark = postgres.folder / "postmaster.pid"
            mark.write_text(f"{bystander.pid}\n{postgres.folder}\n0\n5432\n{postgres.sockets}\n\n")
            mark.chmod(0o600)
            with running(postgres, stop_with=signal.SIGINT):
                assert ask(postgres, "SELECT 1") == 1
        finally:
            bystander.kill()


def test_second_server_in_the_same_folder_is_refused_and_harms_nothing(tmp_path):
    postgres = Postgres(tmp_path / "postgres", socket_folder(tmp_path), "secret", {"fsync": "off"})
    with running(postgres, stop_with=signal.SIGINT):
        postgres.initialise()
        second = subprocess.run(postgres.command(), capture_output=True, text=True, check=False)
        assert second.returncode == 1
        assert "postmaster.pid" in second.stderr
        assert ask(postgres, "SELECT 1") == 1


def test_password_of_any_characters_is_taken(tmp_path):
    postgres = Postgres(tmp_path / "postgres", socket_folder(tmp_path), "a b/c:?#[]@!%&", {"fsync": "off"})
    with running(postgres, stop_with=signal.SIGINT):
        assert ask(postgres, "SELECT 1") == 1
