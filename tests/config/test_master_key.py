"""The master key comes from exactly one place, and whatever is refused is refused by a code, without the key."""

import sys

import pytest

from config import master_key as sources
from config.env import SettingError, read_env
from config.master_key import KeyRefused, handed_on, master_key

KEY = "5a" * 32
RUN = f"{sys.executable} -c"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "key"
    path.write_text(f"{KEY}\n")
    path.chmod(0o600)
    return path


def code_of(environ, stored=None):
    with pytest.raises(KeyRefused) as refused:
        master_key(environ, stored or {})
    assert str(refused.value).startswith(f"{refused.value.code}: ")
    assert KEY not in str(refused.value)
    return refused.value.code


def test_the_key_is_read_from_the_environment_a_file_or_a_program(file):
    for environ in (
        {"MASTER_KEY": KEY},
        {"MASTER_KEY_FILE": str(file)},
        {"MASTER_KEY_COMMAND": f"{RUN} \"print('5a' * 32)\""},
    ):
        assert master_key(environ, {}).hex() == KEY


def test_the_key_of_the_data_folder_serves_where_nothing_else_is_given():
    assert master_key({}, {"MASTER_KEY": KEY}).hex() == KEY
    assert master_key({"MASTER_KEY": "6b" * 32}, {"MASTER_KEY": KEY}).hex() == "6b" * 32


def test_no_key_and_two_keys_are_refused(file):
    assert code_of({}) == "key_missing"
    assert code_of({"MASTER_KEY": KEY, "MASTER_KEY_FILE": str(file)}) == "key_ambiguous"
    assert code_of({"MASTER_KEY_FILE": str(file)}, {"MASTER_KEY": KEY}) == "key_ambiguous"


def test_a_file_that_cannot_be_read_is_open_to_all_or_holds_no_key_is_refused(file):
    assert code_of({"MASTER_KEY_FILE": "key"}) == "key_file_unreadable"
    assert code_of({"MASTER_KEY_FILE": str(file.parent / "none")}) == "key_file_unreadable"
    file.write_text(KEY[:-1])
    assert code_of({"MASTER_KEY_FILE": str(file)}) == "key_malformed"
    file.chmod(0o604)
    assert code_of({"MASTER_KEY_FILE": str(file)}) == "key_file_exposed"


def test_a_program_that_fails_prints_no_key_or_is_late_is_refused(monkeypatch):
    monkeypatch.setattr(sources, "COMMAND_SECONDS", 0.5)
    for command in ("kms", "/no/such/program", "/bin/sh -c 'unclosed", f'{RUN} "raise SystemExit(3)"'):
        assert code_of({"MASTER_KEY_COMMAND": command}) == "key_command_failed"
    assert code_of({"MASTER_KEY_COMMAND": f"{RUN} \"print('5a' * 31)\""}) == "key_malformed"
    assert code_of({"MASTER_KEY_COMMAND": f'{RUN} "import time; time.sleep(60)"'}) == "key_command_late"


def test_no_shell_reads_the_command():
    assert code_of({"MASTER_KEY_COMMAND": f"/bin/echo {'5a' * 31}; echo"}) == "key_malformed"


def test_only_the_first_process_asks_the_key_service():
    environ = {"MASTER_KEY_COMMAND": "/bin/kms", "PORT": "1"}
    assert handed_on(environ, bytes.fromhex(KEY)) == {"MASTER_KEY": KEY, "PORT": "1"}
    assert handed_on({"MASTER_KEY_FILE": "/key"}, bytes.fromhex(KEY)) == {"MASTER_KEY_FILE": "/key"}


def test_a_node_does_not_start_without_its_key(tmp_path):
    environ = {
        "DATA_DIR": str(tmp_path), "DATABASE_URL": "postgres:///a", "REDIS_URL": "redis://a", "SECRET_KEY": "s" * 32,
    }  # fmt: skip
    with pytest.raises(SettingError, match=r"^key_missing: "):
        read_env(environ)
    assert read_env({**environ, "MASTER_KEY": KEY}).master_key.hex() == KEY
