"""Indexes of any size, with people whose numbers are known: filled as a rebuild fills them, or as a follower does."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from bench.ledgers import INSTITUTION, LEDGER, number
from registry.index import clock
from registry.index.people import Change, Collected, Followed, change
from registry.index.projection import People
from registry.index.records import InstitutionRecord, ListingRecord, encode, port_key, row_key
from registry.index.store import IndexFolder, IndexWriter, closing_generation
from registry.number_keys import FIRST, NumberKeys
from registry.scope import CHANNELS, REFUSABLE_PURPOSES, mask

NUMBER_KEYS = NumberKeys(bytes(32), "aes256")
LISTINGS = 1_000_000
# Refusals in one transaction of the follower, as at 2,000 a second.
AT_ONCE = 2_000


def refusal() -> Change:
    return change("principal", INSTITUTION, "", mask(REFUSABLE_PURPOSES, CHANNELS), replaces=False)


def listed(n: int) -> str:
    """The digits of the nth listing."""
    return f"10690{n:07d}"


def rebuilt(data_dir: Path, people: int) -> float:
    """An index of as many people and a million listings, packed as a rebuild leaves it; return seconds of processor time."""
    folder = IndexFolder(data_dir)
    generation = folder.new_generation()
    with closing(IndexWriter(generation, durable=False)) as writer:
        start = time.process_time()
        collected = Collected(generation)
        _refuse(collected, range(people))
        collected.write_to(writer)
        took = time.process_time() - start
        _add_library(writer)
        _reach(writer, people)
    folder.switch_to(generation)
    return took


def follow(data_dir: Path, people: Iterable[int]) -> float:
    """Refuse for more people, as a follower does it; return seconds of processor time."""
    folder = IndexFolder(data_dir)
    generation = folder.current() or folder.new_generation()
    numbers, start = list(people), time.process_time()
    # Not durable: the pages are the same, and it is not the disk that is measured.
    with closing(IndexWriter(generation, durable=False)) as writer:
        for at in range(0, len(numbers), AT_ONCE):
            with writer.write() as txn:
                _refuse(Followed(txn, writer.tables), numbers[at : at + AT_ONCE])
    folder.switch_to(generation)
    return time.process_time() - start


def _refuse(people: People, numbers: Iterable[int]) -> None:
    tokenizer, what = NUMBER_KEYS.tokenizer(FIRST), refusal()
    for n in numbers:
        people.apply(tokenizer.token(number(n)), what)


def _add_library(writer: IndexWriter) -> None:
    listing = ListingRecord(1, "white", "", INSTITUTION, None, CHANNELS, REFUSABLE_PURPOSES, 0, None)
    record = encode((listing,))
    writer.append("listings", ((port_key(listed(n), "exact"), record) for n in range(LISTINGS)))
    writer.append("institutions", [(row_key(INSTITUTION), encode(InstitutionRecord("BANK", 0, None)))])


def _reach(writer: IndexWriter, people: int) -> None:
    now = clock.now()
    writer.adopt(LEDGER.bytes, NUMBER_KEYS.mark(FIRST))
    with writer.write() as txn:
        as_of = writer.as_of_in(txn)
        writer.put_as_of(txn, as_of._replace(seq=people, boot=now.boot, boot_ns=now.boot_ns, wall_ns=now.wall_ns))


def bytes_a_suppression(data_dir: Path) -> float:
    """Bytes of the pages that hold people's rows, for each person."""
    generation = IndexFolder(data_dir).current()
    assert generation is not None
    with closing_generation(generation) as opened, opened.env.begin() as txn:
        stat = txn.stat(opened.tables.suppressions)
    pages = stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"]
    return float(pages * stat["psize"] / stat["entries"])


def file_bytes(data_dir: Path) -> int:
    """What the index takes on the disk."""
    generation = IndexFolder(data_dir).current()
    assert generation is not None
    return (generation / "data.mdb").stat().st_blocks * 512
