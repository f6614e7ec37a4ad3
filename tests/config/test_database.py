"""PostgreSQL URLs as people write them."""

from contextlib import closing

import pytest
from django.conf import settings

from config.database import conninfo, django_database
from config.env import SettingError
from registry.index.follower import PostgresLedger
from registry.selectors.recipients import number_keys
from tests.conftest import live_conninfo


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:p%40ss@/name?host=%2Fa%20folder%2Fsockets",
        "postgres://user:p%40ss@//a%20folder/sockets/name",
    ],
)
def test_a_socket_is_found_however_it_is_written(url):
    assert conninfo(url) == {"user": "user", "password": "p@ss", "dbname": "name", "host": "/a folder/sockets"}


def test_what_is_no_url_is_refused_without_its_password():
    with pytest.raises(SettingError) as refused:
        conninfo("postgresql://user:secret@host/name?nonsense=1")
    assert "secret" not in str(refused.value)


def test_a_url_with_parameters_of_its_own_keeps_them(live):
    url = settings.ENV.database_url + "&connect_timeout=7&options=-c%20application_name%3Dours"
    assert django_database(url)["OPTIONS"]["connect_timeout"] == "7"
    with closing(PostgresLedger({**conninfo(url), "dbname": live_conninfo()["dbname"]}, number_keys())) as ledger:
        assert ledger.head(0).seq > 0
