"""The decision process: `granian --interface rsgi config.decisions:application`. Imports no Django."""

from config.env import env
from registry.decisions.app import DecisionApp
from registry.decisions.engine import Engine
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


# A wrong setting should stop the process as it starts, not at the first question.
env()
application = DecisionApp(make_engine)


def engine_for_a_thread() -> Engine:
    """One for a thread beside the event loop: a process has an index open once, and an engine is for one thread."""
    return make_engine(application.engine().reader)
