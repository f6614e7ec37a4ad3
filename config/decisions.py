"""The decision process: `granian --interface rsgi config.decisions:application`. Imports no Django."""

from config.env import env
from registry.decisions.app import DecisionApp
from registry.decisions.counters import Counters
from registry.decisions.counting import Counting
from registry.decisions.engine import Engine
from registry.decisions.link import RedisLink
from registry.index.store import IndexReader
from registry.keys import KeyPurpose, derive


def make_engine(reader: IndexReader | None = None) -> Engine:
    """An engine over this node's index, or over a reader of it that is there already."""
    settings = env()
    return Engine(
        reader or IndexReader(settings.data_dir),
        number_key=derive(settings.master_key, KeyPurpose.NUMBER_TOKEN),
        max_age_s=settings.max_index_age,
        stale_mode=settings.stale_mode,
    )


def make_counting() -> Counting:
    """The counters of caps in this node's Redis."""
    settings = env()
    counters = Counters(RedisLink(settings.redis_url), derive(settings.master_key, KeyPurpose.COUNTERS))
    return Counting(counters, stale_mode=settings.stale_mode)


# A wrong setting should stop the process as it starts, not at the first question.
application = DecisionApp(make_engine, make_counting())


def engine_for_a_thread() -> Engine:
    """One for a thread beside the event loop: a process has an index open once, and an engine is for one thread."""
    return make_engine(application.engine().reader)
