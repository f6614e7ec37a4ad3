"""`make bench` makes ledgers without the product's migrations: they have to keep up with them."""

from contextlib import closing

from django.conf import settings

from bench.growth import NUMBER_KEYS
from bench.ledgers import ledger_of
from registry.index.follower import PostgresLedger
from registry.index.rebuild import build
from registry.index.store import IndexFolder


def test_an_index_is_rebuilt_from_the_ledger_of_the_benchmarks(tmp_path):
    with (
        ledger_of(30, settings.ENV.database_url, number_keys=NUMBER_KEYS) as place,
        closing(PostgresLedger(place, NUMBER_KEYS)) as ledger,
        closing(build(ledger, IndexFolder(tmp_path).new_generation())) as writer,
    ):
        assert writer.as_of().seq >= 30
