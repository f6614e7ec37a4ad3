"""What is measured, read at each scrape from the database and this node's index: any web process answers alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.conf import settings
from django.db import Error
from django.http import HttpResponse
from django.utils import timezone
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector
from rest_framework.request import Request

from config.decisions import application
from optout.models import Receiver, State
from optout.queue import depth
from optout.selectors import receiver_numbers
from registry.api.views import ApiView
from registry.decisions.spool import waiting
from registry.index.clock import age_ms
from registry.index.store import IndexNotReady
from registry.ledger.proofs import coverage, newest_anchors
from registry.models import AskedDay, CanaryAlarm, LedgerHead


class Gauges(Collector):
    """Counts and ages alone, of nobody in particular. `docs/operations.md` says what each is."""

    def collect(self) -> Iterator[Metric]:
        yield from self._index()
        yield from self._spool()
        try:
            found = list(self._database())
        except Error:
            found = []
        yield _gauge("database_up", "Whether the database answers.", bool(found))
        yield from found

    def _index(self) -> Iterator[Metric]:
        reader = application.engine().reader
        try:
            with reader.reading() as txn:
                as_of = reader.as_of(txn)
        except IndexNotReady:
            yield _gauge("index_ready", "Whether this node has a usable index.", False)
            return
        yield _gauge("index_ready", "Whether this node has a usable index.", True)
        yield _gauge("index_seq", "The last ledger entry in this node's index.", as_of.seq)
        age = "How long ago the follower read a head that the index has since reached."
        yield _gauge("index_age_seconds", age, age_ms(as_of) / 1000)

    def _spool(self) -> Iterator[Metric]:
        spool = waiting(settings.ENV.data_dir)
        yield _gauge("records_waiting_files", "Files of this node's decision records that wait.", spool.files)
        oldest = "How long ago the oldest of them was begun."
        yield _gauge("records_oldest_waiting_seconds", oldest, spool.oldest_seconds)

    def _database(self) -> Iterator[Metric]:
        received, review = depth(State.RECEIVED), depth(State.REVIEW)
        unprocessed = "How long the oldest reply that nothing was done with has been here."
        yield _gauge("inbox_oldest_unprocessed_seconds", unprocessed, received.oldest_seconds)
        waiting = GaugeMetricFamily("haomaku_inbox_waiting", "Replies that wait, by their state.", labels=["state"])
        waiting.add_metric([State.RECEIVED], received.count)
        waiting.add_metric([State.REVIEW], review.count)
        yield waiting
        oldest = "How long the oldest reply that waits for a person has been here."
        yield _gauge("review_oldest_seconds", oldest, review.oldest_seconds)
        yield _gauge("ledger_head_seq", "The last entry of the ledger.", LedgerHead.objects.get().seq)
        yield from self._checkpoints()
        yield from self._anchors()
        yield from self._receivers()
        yield from self._budgets()
        yield from self._canaries()

    def _checkpoints(self) -> Iterator[Metric]:
        now = coverage()
        if now.newest is not None:
            yield _gauge("checkpoint_size", "How many entries the newest checkpoint covers.", now.newest.size)
            yield _gauge("checkpoint_age_seconds", "How long ago it was signed.", now.age.total_seconds())
        yield _gauge("checkpoint_lag_entries", "How many entries no checkpoint covers yet.", now.uncovered)
        waits = "How long the oldest entry that no checkpoint covers has waited."
        yield _gauge("checkpoint_oldest_uncovered_seconds", waits, now.oldest_uncovered.total_seconds())

    def _anchors(self) -> Iterator[Metric]:
        age = "How long ago the newest checkpoint that was seen outside was signed."
        ages = GaugeMetricFamily("haomaku_anchor_age_seconds", age, labels=["adapter"])
        failed = "How often the anchor that waits was tried."
        attempts = GaugeMetricFamily("haomaku_anchor_attempts", failed, labels=["adapter"])
        for anchor in newest_anchors():
            if anchor.witnessed_at is None:
                attempts.add_metric([anchor.adapter], anchor.attempts)
            else:
                ages.add_metric([anchor.adapter], (timezone.now() - anchor.checkpoint.at).total_seconds())
        yield ages
        yield attempts

    def _receivers(self) -> Iterator[Metric]:
        rows = receiver_numbers(Receiver.objects.select_related("endpoint"), now=timezone.now())
        yield _by_receiver("bound", "Whether it is logged in at its gateway.", [(row.name, row.bound) for row in rows])
        ages = [(row.name, row.last_message_age) for row in rows if row.last_message_age is not None]
        yield _by_receiver("last_message_age_seconds", "How long ago its last message came.", ages)
        yield _by_receiver("messages", "How many messages it has stored.", [(row.name, row.messages) for row in rows])
        yield _by_receiver("errors", "How often something failed.", [(row.name, row.errors) for row in rows])

    def _budgets(self) -> Iterator[Metric]:
        rows = AskedDay.objects.filter(day__gte=timezone.localdate())
        today = list(rows.select_related("api_key__carrier", "api_key__institution", "member"))
        asked = GaugeMetricFamily("haomaku_asked_people", "About how many people each asked today.", labels=["asker"])
        budget = GaugeMetricFamily("haomaku_asked_budget", "How many each may ask about.", labels=["asker"])
        for row in today:
            asked.add_metric([row.name], row.people)
            if row.most is not None:
                budget.add_metric([row.name], row.most)
        yield asked
        yield budget
        alarms = "How many asked today about as many people as sound the alarm of their budget."
        yield _gauge("budget_alarms", alarms, sum(row.alarmed_at is not None for row in today))

    def _canaries(self) -> Iterator[Metric]:
        alarms = "How many alarms of canaries nobody has acknowledged."
        yield _gauge("canary_alarms", alarms, CanaryAlarm.objects.filter(acknowledged_at=None).count())


def _gauge(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"haomaku_{name}", documentation, value=value)


def _by_receiver(name: str, documentation: str, values: Iterable[tuple[str, float]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"haomaku_receiver_{name}", documentation, labels=["receiver"])
    for receiver, value in values:
        family.add_metric([receiver], value)
    return family


GAUGES = CollectorRegistry()
GAUGES.register(Gauges())


class MetricsView(ApiView):
    """`GET /metrics`: the gauges in the text format of Prometheus."""

    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(generate_latest(GAUGES), content_type=CONTENT_TYPE_PLAIN_0_0_4)
