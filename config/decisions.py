"""The decision process: `granian --interface rsgi config.decisions:application`. Imports no Django."""

from config.env import env
from registry.decisions.app import DecisionApp
from registry.decisions.engine import Engine
from registry.index.store import IndexReader
from registry.keys import KeyPurpose, derive


def make_engine() -> Engine:
    """The engine over this node's index."""
    settings = env()
    return Engine(
        IndexReader(settings.data_dir),
        number_key=derive(settings.master_key, KeyPurpose.NUMBER_TOKEN),
        max_age_s=settings.max_index_age,
        stale_mode=settings.stale_mode,
    )


# A wrong setting should stop the process as it starts, not at the first question.
env()
application = DecisionApp(make_engine)
