"""Files of recipients that a client has scrubbed: who asked what of whom, and how far it is."""

from __future__ import annotations

import secrets
import uuid
from typing import Self

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from registry.errors import StaleState
from registry.models.institutions import Carrier, Institution
from registry.models.keys import ApiKey
from registry.models.members import Member
from registry.scrubs.files import Form, Output
from registry.terms import Channel, Purpose


class ScrubState(models.TextChoices):
    """How far a scrub is."""

    RECEIVING = "receiving", _("Being received")
    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Completed")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    EXPIRED = "expired", _("Deleted")


# state → where it may go from there. A worker that takes over from a dead one leaves it running.
MOVES: dict[str, tuple[str, ...]] = {
    ScrubState.RECEIVING: (ScrubState.QUEUED,),
    ScrubState.QUEUED: (ScrubState.RUNNING, ScrubState.CANCELLED, ScrubState.EXPIRED),
    ScrubState.RUNNING: (ScrubState.DONE, ScrubState.FAILED, ScrubState.CANCELLED, ScrubState.EXPIRED),
    ScrubState.DONE: (ScrubState.EXPIRED,),
}
# Those that a worker has to do with, those that count against a client's limit, and those that have files.
WORKABLE = (ScrubState.QUEUED, ScrubState.RUNNING)
OPEN = (ScrubState.RECEIVING, *WORKABLE)
WITH_FILES = (*OPEN, ScrubState.DONE)


def _nonce() -> bytes:
    return secrets.token_bytes(32)


class ScrubQuerySet(models.QuerySet["Scrub"]):
    """Adjectives of scrubs."""

    def of_client(self, *, institution_id: int | None, carrier_id: int | None) -> Self:
        """Those of one institution or carrier, exactly one of which is named."""
        return self.filter(institution_id=institution_id, carrier_id=carrier_id)

    def workable(self) -> Self:
        """Those that wait for a worker or have one, the oldest first."""
        return self.filter(state__in=WORKABLE).order_by("pk")


class Scrub(models.Model):
    """One file and the question that is asked of each of its rows. Written only by `registry.services.scrubs`.

    Its files lie, encrypted, in `folder` under this node's DATA_DIR; whoever receives or works on them holds the folder's
    lock. `attempt` counts the workers that took it up: what an earlier one reports is not heard any more.
    """

    folder = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    state = models.CharField(max_length=12, choices=ScrubState.choices, default=ScrubState.RECEIVING)
    # Whose it is, and who of them asked.
    institution = models.ForeignKey(Institution, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    carrier = models.ForeignKey(Carrier, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    api_key = models.ForeignKey(ApiKey, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    member = models.ForeignKey(Member, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # A keyed digest of the client's own name for its request; '' where it gave none.
    request = models.CharField(max_length=255, blank=True)
    # The question, as it was asked.
    sender = models.CharField(max_length=64, blank=True)
    channel = models.CharField(max_length=8, choices=Channel.choices, default=Channel.SMS)
    purpose = models.CharField(max_length=16, choices=Purpose.choices, blank=True)
    signature = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(null=True, blank=True)
    # Where the recipients stand, by header or position, '' where that can be seen; what the outputs are written as.
    column = models.CharField(max_length=64, blank=True)
    form = models.CharField(max_length=8, choices=[(form.value, form.value) for form in Form], default=Form.CSV)
    # The file: its name on the client's machine, '' at the API; a keyed digest of its content.
    name = models.CharField(max_length=120, blank=True)
    size = models.BigIntegerField(default=0)
    digest = models.BinaryField(max_length=32, default=bytes)
    # The ledger's entry holds SHA-256(nonce ‖ digest).
    nonce = models.BinaryField(max_length=32, default=_nonce)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    # When its files are deleted at the latest.
    expires_at = models.DateTimeField()
    attempt = models.PositiveIntegerField(default=0)
    rows = models.BigIntegerField(default=0)
    share = models.FloatField(default=0.0)
    rows_per_second = models.FloatField(default=0.0)
    seconds_left = models.FloatField(null=True, blank=True)
    # What came of it; why it failed: `{"code", "sentence"}`, the sentence with its template and values.
    summary = models.JSONField(null=True, blank=True)
    problem = models.JSONField(null=True, blank=True)

    objects = ScrubQuerySet.as_manager()

    class Meta:
        verbose_name = _("scrub")
        verbose_name_plural = _("scrubs")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="scrub_has_one_client",
                condition=Q(institution=None, carrier__isnull=False) | Q(institution__isnull=False, carrier=None),
            ),
            models.CheckConstraint(
                name="scrub_has_one_asker",
                condition=Q(api_key=None, member__isnull=False) | Q(api_key__isnull=False, member=None),
            ),
            models.CheckConstraint(
                name="scrub_done_has_a_summary", condition=~Q(state=ScrubState.DONE) | Q(summary__isnull=False)
            ),
            # A retry of a request finds what it made.
            models.UniqueConstraint(fields=["api_key", "request"], condition=~Q(request=""), name="scrub_asked_once"),
        ]
        indexes = [
            # What workers look for, what is expired, and what a client has open.
            models.Index(fields=["expires_at"], condition=Q(state__in=sorted(WITH_FILES)), name="scrub_with_files"),
        ]
        triggers = [
            pgtrigger.FSM(
                name="scrub_state_moves",
                field="state",
                transitions=[(source, target) for source, targets in MOVES.items() for target in targets],
            ),
            # A file that did not come whole leaves nothing behind.
            pgtrigger.Protect(
                name="scrub_never_deleted",
                operation=pgtrigger.Delete,
                condition=pgtrigger.Q(old__state__in=sorted(set(ScrubState.values) - {ScrubState.RECEIVING})),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def asker(self) -> str:
        """Who asked, as entries name it."""
        return self.member.actor if self.member else f"key:{self.api_key_id}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    def move_to(self, state: str, **changes: object) -> None:
        """The only setter of the state: a guarded update. Raises StaleState where the row has left its state."""
        source = self.state
        moved = state in MOVES.get(source, ()) and Scrub.objects.filter(pk=self.pk, state=source).update(
            state=state, **changes
        )
        if not moved:
            raise StaleState("This scrub has moved on.")
        self.refresh_from_db()

    def take_up(self, **changes: object) -> bool:
        """Let a new worker have it; what the worker before reports is not heard any more. False where it is over."""
        taken = Scrub.objects.filter(pk=self.pk, state__in=WORKABLE, attempt=self.attempt).update(
            state=ScrubState.RUNNING, attempt=F("attempt") + 1, **changes
        )
        self.refresh_from_db()
        return bool(taken)

    def report(self, **progress: object) -> bool:
        """What the worker of this attempt has done. False where it is not its work any more: cancelled, taken over."""
        heard = Scrub.objects.filter(pk=self.pk, state=ScrubState.RUNNING, attempt=self.attempt).update(**progress)
        return bool(heard)


class ScrubDownload(models.Model):
    """One output of a scrub handed out: who got these people's numbers, and when. Never changed, never deleted."""

    scrub = models.ForeignKey(Scrub, on_delete=models.PROTECT, related_name="downloads")
    output = models.CharField(max_length=8, choices=[(output.value, output.value) for output in Output])
    by = models.CharField(max_length=32)
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        triggers = [
            pgtrigger.Protect(name="scrub_download_never_changed", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.scrub_id} {self.output}"
