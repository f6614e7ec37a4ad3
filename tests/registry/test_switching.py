"""Threads that share a reader while generations of the index are switched, as explanations and decisions do."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Event

from registry.decisions.engine import Engine
from registry.decisions.wire import Question
from registry.index import store
from registry.index.store import IndexFolder, IndexReader, IndexWriter
from tests.registry.libraries import KEYS, PORT, fill, library_with

GENERATIONS = 30
QUESTION = Question(sender=PORT, recipient="15400000001")


def test_no_thread_reads_one_generation_by_the_tables_of_another(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "POINTER_CHECK_SECONDS", 0)
    folder, ended = IndexFolder(tmp_path), Event()
    generations = [folder.new_generation() for _ in range(GENERATIONS)]
    for generation in generations:
        with closing(IndexWriter(generation, durable=False)) as writer:
            fill(writer, library_with())
    folder.switch_to(generations[0])

    def ask(answers: list[str]) -> None:
        engine = Engine(reader, number_keys=KEYS, max_age_s=300, stale_mode="closed")
        while not ended.is_set():
            look = engine.look()
            answers.append(look.reason(look.plan(QUESTION), QUESTION))
            engine.end_look()

    with closing(IndexReader(tmp_path)) as reader, ThreadPoolExecutor(2) as threads:
        given: tuple[list[str], list[str]] = ([], [])
        asking = [threads.submit(ask, answers) for answers in given]
        for generation in generations[1:]:
            # A generation stays open until the next switch but one; each has looked at this one by then.
            before = [len(answers) + 1 for answers in given]
            while any(len(answers) <= known for answers, known in zip(given, before, strict=True)):
                if any(one.done() for one in asking):
                    break
            folder.switch_to(generation)
        ended.set()
        for one in asking:
            one.result()
    assert {answer for answers in given for answer in answers} == {"ok"}
