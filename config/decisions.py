"""The decision process: `granian --interface rsgi config.decisions:application`. Imports no Django."""

from pathlib import Path

from config.env import env
from config.memory import keep_what_is_loaded
from registry.decisions.alarms import Alarms
from registry.decisions.app import DecisionApp
from registry.decisions.budgets import Budgets
from registry.decisions.counters import Counters
from registry.decisions.counting import Counting
from registry.decisions.engine import Engine
from registry.decisions.link import RedisLink
from registry.decisions.recording import Recorder
from registry.decisions.sharing import Sharing
from registry.decisions.spool import Spool
from registry.index.store import IndexReader
from registry.keys import KeyPurpose, derive
from registry.number_keys import NumberKeys
from registry.sightings import Sightings


def make_engine(reader: IndexReader | None = None) -> Engine:
    """An engine over this node's index, for one thread; `reader`: the one that this process has already."""
    settings = env()
    return Engine(
        reader or IndexReader(settings.data_dir),
        number_keys=NumberKeys(settings.master_key, settings.number_cipher),
        max_age_s=settings.max_index_age,
        stale_mode=settings.stale_mode,
    )


def make_sharing(*, redis_url: str = "") -> Sharing:
    """How many people are asked about, shared with the other processes of this node's Redis, or of `redis_url`."""
    settings = env()
    hash_key = derive(settings.master_key, KeyPurpose.ASKED_PEOPLE)
    return Sharing(Budgets(hash_key=hash_key, zone=settings.time_zone), redis_url or settings.redis_url)


def make_counting() -> Counting:
    """The counters of caps in this node's Redis."""
    settings = env()
    counters = Counters(RedisLink(settings.redis_url), derive(settings.master_key, KeyPurpose.COUNTERS))
    return Counting(counters, stale_mode=settings.stale_mode)


def make_alarms(data_dir: Path | None = None) -> Alarms:
    """Where it is written down who asked about a canary: this node's folder, or `data_dir`."""
    return Alarms(Sightings(data_dir or env().data_dir))


def make_recorder() -> Recorder:
    """What puts decision records into this node's spool."""
    settings = env()
    key = derive(settings.master_key, KeyPurpose.RECORD_SPOOL)
    return Recorder(Spool(settings.data_dir, key=key, most_bytes=settings.record_spool_mib * 2**20))


# A wrong setting should stop the process as it starts, not at the first question.
application = DecisionApp(make_engine, make_counting(), make_sharing(), make_alarms(), make_recorder())
keep_what_is_loaded()


def engine_for_a_thread() -> Engine:
    """One for a thread beside the event loop: a process has an index open once, and an engine is for one thread."""
    return make_engine(application.engine().reader)
