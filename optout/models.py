"""Replies as they arrived, what became of them, and what their writers are told."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Self

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from registry import numbers
from registry.models import (
    Anchor,
    ApiKey,
    Institution,
    Member,
    Recipient,
    SignedCheckpoint,
    Statement,
    Suppression,
)
from registry.terms import Origin


class State(models.TextChoices):
    """How far a message has come."""

    RECEIVED = "received", _("Received")
    DONE = "done", _("Done")
    REVIEW = "review", _("Waits for a person")


class Intent(models.TextChoices):
    """What a reply means (design, "Words")."""

    OPT_OUT = "opt_out", _("Refusal")
    REVIEW = "review", _("A person must look")
    NONE = "none", _("No refusal")
    HELP = "help", _("Asks for help")
    OPT_IN = "opt_in", _("Wants messages again")
    # Said by people alone: whatever it means, there is nobody to protect.
    UNREADABLE = "unreadable", _("Unreadable sender")


class InboundEndpoint(models.Model):
    """A provider that delivers replies, with the sealed secret that its requests are authenticated by."""

    provider = models.SlugField(unique=True)
    sealed_secret = models.BinaryField()

    def __str__(self) -> str:
        return self.provider


class InboundMessage(models.Model):
    """One reply. `sealed_from` and `sealed_raw` are encrypted from the start; `digest` recognises a repeat.

    `purged_at`: the retention's end, at which text, sender and `writer` were deleted; all else stays.
    `writer`: a keyed digest that all replies of one number share, None where nobody's number was read.
    A row in state `received` is the queue: a worker or the sweep applies it, once.
    """

    # Found by `inbound_message_once`, as a refusal's message is by `refusal_once`: each index costs each reply.
    endpoint = models.ForeignKey(InboundEndpoint, on_delete=models.PROTECT, db_index=False)
    digest = models.BinaryField(max_length=32)
    received_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    # The port replied to, canonical; '' where what stood there is no number.
    port = models.CharField(max_length=numbers.MAX_DIGITS, blank=True)
    sealed_from = models.BinaryField()
    sealed_raw = models.BinaryField()
    writer = models.BinaryField(max_length=16, null=True, blank=True)
    purged_at = models.DateTimeField(null=True, blank=True)
    flags = ArrayField(models.CharField(max_length=24), default=list)
    state = models.CharField(max_length=12, choices=State.choices, default=State.RECEIVED)
    intent = models.CharField(max_length=12, choices=Intent.choices, blank=True)
    rule = models.CharField(max_length=64, blank=True)
    processed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("reply")
        verbose_name_plural = _("replies")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "digest"], name="inbound_message_once"),
            models.CheckConstraint(
                name="inbound_purged_is_empty",
                condition=Q(purged_at=None) | Q(state="done", sealed_from=b"", sealed_raw=b"", writer=None),
            ),
            models.CheckConstraint(
                name="inbound_processed_has_intent",
                condition=Q(state="received", intent="", processed_at=None)
                | (~Q(state="received") & ~Q(intent="") & Q(processed_at__isnull=False)),
            ),
        ]
        indexes = [
            # The queue: what workers and the sweep claim, oldest first.
            models.Index(fields=["id"], condition=Q(state="received"), name="inbound_unprocessed"),
            # What waits for people, oldest first.
            models.Index(fields=["received_at", "id"], condition=Q(state="review"), name="inbound_in_review"),
            # What else came to the port of a message that somebody looks at.
            models.Index(fields=["port", "id"], condition=~Q(port=""), name="inbound_by_port"),
            # What a purge looks through, oldest first.
            models.Index(fields=["received_at"], condition=Q(purged_at=None), name="inbound_with_text"),
            # All that one person wrote.
            models.Index(fields=["writer"], condition=Q(writer__isnull=False), name="inbound_by_writer"),
        ]
        triggers = [
            pgtrigger.FSM(
                name="inbound_state_moves",
                field="state",
                transitions=[
                    ("received", "done"),
                    ("received", "review"),
                    ("review", "done"),
                    # Read again, where it could not be processed.
                    ("review", "received"),
                ],
            )
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"


class Protocol(models.TextChoices):
    """What a gateway speaks."""

    SMPP = "smpp", "SMPP"
    CMPP = "cmpp", "CMPP"


class BindType(models.TextChoices):
    """How SMPP logs in."""

    RECEIVER = "receiver", _("Receiver")
    TRANSCEIVER = "transceiver", _("Transceiver")


class Line(models.TextChoices):
    """How far a receiver's process has come with its gateway."""

    STOPPED = "stopped", _("Stopped")
    CONNECTING = "connecting", _("Connecting")
    BOUND = "bound", _("Bound")
    BACKING_OFF = "backing_off", _("Reconnecting")


class Receiver(models.Model):
    """A gateway that we call, and that then delivers replies. Its name and its sealed secret are its endpoint's.

    Below `enabled` stands what its process last said of itself; `seen_at`: when. Both parts are written only by
    `optout.services.receivers`.
    """

    endpoint = models.OneToOneField(InboundEndpoint, on_delete=models.PROTECT, related_name="receiver")
    protocol = models.CharField(max_length=4, choices=Protocol.choices)
    version = models.CharField(max_length=3)
    host = models.CharField(max_length=253)
    tcp_port = models.PositiveIntegerField()
    tls = models.BooleanField(default=False)
    account = models.CharField(max_length=15)
    # '' for CMPP, which knows one way alone.
    bind = models.CharField(max_length=12, choices=BindType.choices, blank=True)
    connections = models.PositiveSmallIntegerField(default=1)
    window = models.PositiveSmallIntegerField(default=16)
    enabled = models.BooleanField(default=True)
    line = models.CharField(max_length=12, choices=Line.choices, default=Line.STOPPED)
    bound_since = models.DateTimeField(null=True, blank=True)
    last_message_at = models.DateTimeField(null=True, blank=True)
    messages = models.PositiveBigIntegerField(default=0)
    errors = models.PositiveBigIntegerField(default=0)
    last_error = models.CharField(max_length=200, blank=True)
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("receiver")
        verbose_name_plural = _("receivers")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                name="receiver_speaks_a_version_of_its_protocol",
                condition=(Q(protocol="smpp", version="3.4") & ~Q(bind=""))
                | Q(protocol="cmpp", version__in=["2.0", "3.0"], bind="", tls=False),
            ),
        ]

    def __str__(self) -> str:
        return self.endpoint.provider


class LongMessage(models.Model):
    """A reply that comes in parts. `key`: what the parts have in common, as a keyed digest.

    `message` is the reply as it was read, which may be before the last part; `closed_at`: nothing more is awaited.
    """

    endpoint = models.ForeignKey(InboundEndpoint, on_delete=models.PROTECT)
    key = models.BinaryField(max_length=32)
    total = models.PositiveSmallIntegerField()
    begun_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    message = models.OneToOneField(
        InboundMessage, null=True, blank=True, on_delete=models.PROTECT, related_name="long_message"
    )

    class Meta:
        constraints = [
            # A reference is used again some day; one message at a time has it.
            models.UniqueConstraint(
                fields=["endpoint", "key"], condition=Q(closed_at=None), name="long_message_open_once"
            ),
            models.CheckConstraint(
                name="long_message_is_read_when_closed", condition=Q(closed_at=None) | Q(message__isnull=False)
            ),
        ]
        indexes = [
            # Where a repeat of a part is looked for.
            models.Index(fields=["endpoint", "key", "begun_at"], name="long_message_by_key"),
            # What the sweep closes.
            models.Index(fields=["begun_at"], condition=Q(closed_at=None), name="long_message_open"),
        ]

    def __str__(self) -> str:
        return f"Long message {self.pk}"


class MessagePart(models.Model):
    """One part of a long message, as it arrived. `digest`: of its content, keyed; `sealed` is encrypted from the start."""

    long_message = models.ForeignKey(LongMessage, on_delete=models.PROTECT, related_name="parts")
    number = models.PositiveSmallIntegerField()
    digest = models.BinaryField(max_length=32)
    sealed = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["long_message", "number"], name="message_part_once")]

    def __str__(self) -> str:
        return f"Part {self.pk}"


class Refusal(models.Model):
    """A reply that refused, and the suppression that answers it; `first`: it is the one that made it."""

    message = models.ForeignKey(InboundMessage, on_delete=models.PROTECT, related_name="refusals", db_index=False)
    suppression = models.ForeignKey(Suppression, on_delete=models.PROTECT, related_name="refusals")
    first = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "suppression"], name="refusal_once")]

    def __str__(self) -> str:
        return f"Refusal {self.pk}"


class Judgement(models.TextChoices):
    """What a person makes of a message that waits for one."""

    REFUSAL = "refusal", _("Refuses the sender")
    EVERYONE = "everyone", _("Refuses everyone")
    NONE = "none", _("No refusal")
    HELP = "help", _("Asks for help")
    OPT_IN = "opt_in", _("Wants messages again")
    UNREADABLE = "unreadable", _("Unreadable sender")
    AGAIN = "again", _("Read it again")


# One person suffices for these; the others that close a message take two.
HONOURING = frozenset({Judgement.REFUSAL, Judgement.EVERYONE})
DISMISSING = frozenset({Judgement.NONE, Judgement.HELP, Judgement.OPT_IN, Judgement.UNREADABLE})


class VerdictQuerySet(models.QuerySet["Verdict"]):
    """Adjectives of verdicts."""

    def dismissing(self) -> Self:
        """Those that saw no refusal in their message as it was last put before people."""
        return self.filter(judgement__in=DISMISSING, reading=F("message__processed_at"))


class Verdict(models.Model):
    """What one person made of a message. Never changed.

    `reading`: when the message was put before people, its `processed_at` of then; one that was read again is judged
    anew. `institution`: whom it refuses, where the person named it because the port cannot be read.
    """

    message = models.ForeignKey(InboundMessage, on_delete=models.PROTECT, related_name="verdicts")
    reading = models.DateTimeField()
    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="verdicts")
    judgement = models.CharField(max_length=12, choices=Judgement.choices)
    institution = models.ForeignKey(Institution, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    note = models.ForeignKey(Statement, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    objects = VerdictQuerySet.as_manager()

    class Meta:
        verbose_name = _("verdict")
        verbose_name_plural = _("verdicts")
        ordering = ["id"]
        constraints = [
            # Two dismissals are those of two people; the database's trigger `judged_by_people` counts them.
            models.UniqueConstraint(
                fields=["message", "reading", "member"],
                condition=Q(judgement__in=sorted(DISMISSING)),
                name="verdict_dismisses_once",
            ),
        ]

    def __str__(self) -> str:
        return f"Verdict {self.pk}"


class Elsewhere(models.TextChoices):
    """Where else than by a reply a person refuses; each is an `Origin` of suppressions."""

    CALL_CENTRE = Origin.CALL_CENTRE.value, Origin.CALL_CENTRE.label
    KEY_PRESS = Origin.KEY_PRESS.value, Origin.KEY_PRESS.label
    COUNTER = Origin.COUNTER.value, Origin.COUNTER.label
    LETTER = Origin.LETTER.value, Origin.LETTER.label


class ReportedRefusal(models.Model):
    """A refusal made elsewhere, as a client reported it. Never changed.

    `request` and `content` are keyed digests of the client's id and of all that it said: a repeat is known by them. Of
    the person it holds the subject alone. `first`: it made a suppression.
    """

    api_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, related_name="reported_refusals")
    request = models.BinaryField(max_length=32)
    content = models.BinaryField(max_length=32)
    recorded_at = models.DateTimeField()
    refused_at = models.DateTimeField(null=True, blank=True)
    origin = models.CharField(max_length=12, choices=Elsewhere.choices)
    subject = models.UUIDField()
    # The port that the person spoke of; '' where the institution was named.
    port = models.CharField(max_length=numbers.MAX_DIGITS, blank=True)
    evidence = models.ForeignKey(Statement, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    suppressions = models.ManyToManyField(Suppression, related_name="reports")
    receipt = models.ForeignKey("Receipt", on_delete=models.PROTECT, related_name="reports")
    first = models.BooleanField()

    class Meta:
        verbose_name = _("reported refusal")
        verbose_name_plural = _("reported refusals")
        constraints = [models.UniqueConstraint(fields=["api_key", "request"], name="reported_refusal_once")]

    def __str__(self) -> str:
        return f"Reported refusal {self.pk}"


class Receipt(models.Model):
    """The unguessable code under which a person finds the proof of a suppression."""

    code = models.CharField(max_length=32)
    suppression = models.OneToOneField(Suppression, on_delete=models.PROTECT, related_name="receipt")

    class Meta:
        # In place of the field's `unique`, which adds an index for beginnings of codes.
        constraints = [models.UniqueConstraint(fields=["code"], name="receipt_code_once")]

    def __str__(self) -> str:
        return f"Receipt {self.pk}"


class OutgoingKind(models.TextChoices):
    """What a person is told."""

    CONFIRMATION = "confirmation", _("Confirmation of a refusal")
    HOW_TO_CORRECT = "how_to_correct", _("How a correction works")
    HELP = "help", _("Who it is and how to refuse")
    CODE = "code", _("Code for the page of the own number")


class PossessionQuerySet(models.QuerySet["Possession"]):
    """Adjectives of possessions."""

    def awaiting(self, now: datetime) -> Self:
        """Those whose code may still be typed in."""
        return self.filter(session=None, until__gt=now).exclude(sealed=b"")

    def proven(self, now: datetime) -> Self:
        """Those whose session goes on."""
        return self.filter(session__isnull=False, until__gt=now).exclude(sealed=b"")


class Possession(models.Model):
    """Somebody asked for a code to show that a number is in their hand; once it is shown, the session that follows.

    The code is nowhere: it is made of the random id under a key, when it is sent and when it is compared. `number` and
    `client` are keyed digests, by which codes are limited; `sealed` is the number, emptied when code or session ends.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.BinaryField(max_length=16)
    client = models.BinaryField(max_length=16)
    abroad = models.BooleanField()
    sealed = models.BinaryField()
    asked_at = models.DateTimeField()
    until = models.DateTimeField()
    tries = models.SmallIntegerField(default=0)
    # What the browser holds from the proof on: nobody who saw the id has it.
    session = models.UUIDField(null=True, blank=True, unique=True)

    objects = PossessionQuerySet.as_manager()

    class Meta:
        verbose_name = _("proof of a number")
        verbose_name_plural = _("proofs of numbers")
        # The limits of the last day, and what is old.
        indexes = [models.Index(fields=["asked_at"], name="possession_by_time")]

    def __str__(self) -> str:
        return f"Possession {self.pk}"


class DeletionRequestQuerySet(models.QuerySet["DeletionRequest"]):
    """Adjectives of requests for deletion."""

    def open(self) -> Self:
        """Those that nobody answered and whose person is still known."""
        return self.filter(answered_at=None).filter(Exists(Recipient.objects.filter(subject=OuterRef("subject"))))

    def with_token(self) -> Self:
        """Each with the person's `token`, None where the person was erased."""
        return self.annotate(token=Subquery(Recipient.objects.filter(subject=OuterRef("subject")).values("token")))


class DeletionRequest(models.Model):
    """A person asks to be erased, having shown the number and having read that the protection ends with it.

    The erasure itself is its answer; where there is none, a regulator's `answer` says why. An erased subject names nobody,
    so the row remains.
    """

    subject = models.UUIDField()
    asked_at = models.DateTimeField()
    answer = models.CharField(max_length=500, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.CharField(max_length=64, blank=True)

    objects = DeletionRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("request for deletion")
        verbose_name_plural = _("requests for deletion")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["subject"], condition=Q(answered_at=None), name="deletion_request_one_open_a_person"
            ),
            models.CheckConstraint(
                name="deletion_request_answered_as_a_whole",
                condition=Q(answered_at=None, answer="", answered_by="")
                | (Q(answered_at__isnull=False) & ~Q(answer="") & ~Q(answered_by="")),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="deletion_request_never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="deletion_request_stays_answered",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__answered_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"


class OutgoingState(models.TextChoices):
    """What became of a message to a person."""

    WAITING = "waiting", _("Waiting")
    SENT = "sent", _("Handed over")
    EXPIRED = "expired", _("Not sent in time")


class OutgoingQuerySet(models.QuerySet["OutgoingMessage"]):
    """Adjectives of outgoing messages."""

    def due(self, now: datetime) -> Self:
        """Those whose next attempt may begin."""
        return self.filter(state=OutgoingState.WAITING, next_at__lte=now, until__gt=now)

    def late(self, now: datetime) -> Self:
        """Those whose time has passed while no attempt was under way."""
        return self.filter(state=OutgoingState.WAITING, next_at__lte=now, until__lte=now)

    def with_token(self) -> Self:
        """Each with the `token` of the person who refused, None for an answer and where the person was erased."""
        recipient = Recipient.objects.filter(subject=OuterRef("suppression__subject"))
        return self.annotate(token=Subquery(recipient.values("token")))


class OutgoingMessage(models.Model):
    """One message to a person: the confirmation of a new suppression, the answer to a reply, or a code.

    It holds neither number nor text: who gets it is known by the suppression, the reply or the possession, and both are
    made up as it is sent. A row in state `waiting` is the queue. `next_at`: when the next attempt may begin; an attempt under way has put it
    ahead, so that a sender that dies leaves the row to the next one. Past `until` nothing is sent. The receiver knows a
    repeat by the id, which is random so that no restored database gives one out again.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=16, choices=OutgoingKind.choices)
    suppression = models.OneToOneField(
        Suppression, null=True, blank=True, on_delete=models.PROTECT, related_name="confirmation"
    )
    reply = models.ForeignKey(
        InboundMessage, null=True, blank=True, on_delete=models.PROTECT, related_name="answers", db_index=False
    )
    # A keyed digest of person, port, kind and day: such an answer is given once.
    once = models.BinaryField(max_length=32, null=True, blank=True)
    # A day after a code nothing tells any more whom it went to.
    possession = models.OneToOneField(
        Possession, null=True, blank=True, on_delete=models.SET_NULL, related_name="message"
    )
    # The number that it comes from: the one that the person replied to; '' for a code, which the receiver sends from its own.
    port = models.CharField(max_length=numbers.MAX_DIGITS, blank=True)
    owed_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=OutgoingState.choices, default=OutgoingState.WAITING)
    attempts = models.SmallIntegerField(default=0)
    next_at = models.DateTimeField()
    until = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    objects = OutgoingQuerySet.as_manager()

    class Meta:
        verbose_name = _("message to a person")
        verbose_name_plural = _("messages to people")
        ordering = ["-owed_at"]
        constraints = [
            models.CheckConstraint(
                name="outgoing_has_its_reason",
                condition=Q(kind="confirmation", suppression__isnull=False, reply=None, once=None, possession=None)
                | Q(kind="code", suppression=None, reply=None, once=None, port="")
                | (
                    ~Q(kind__in=["confirmation", "code"])
                    & Q(suppression=None, reply__isnull=False, once__isnull=False, possession=None)
                ),
            ),
            models.CheckConstraint(
                name="outgoing_settled_has_a_time",
                condition=Q(state="waiting", settled_at=None) | (~Q(state="waiting") & Q(settled_at__isnull=False)),
            ),
            models.UniqueConstraint(fields=["once"], condition=Q(once__isnull=False), name="outgoing_answer_once"),
        ]
        indexes = [
            # Answers alone: most messages confirm refusals, and are written three times.
            models.Index(fields=["reply"], condition=Q(reply__isnull=False), name="outgoing_by_reply"),
            # The queue: what a sender claims, the longest due first.
            models.Index(fields=["next_at"], condition=Q(state="waiting"), name="outgoing_waiting"),
            # The list in the site, newest first.
            models.Index(fields=["owed_at"], name="outgoing_by_time"),
        ]
        triggers = [
            pgtrigger.FSM(
                name="outgoing_state_moves",
                field="state",
                transitions=[("waiting", "sent"), ("waiting", "expired")],
            )
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"


class EvidenceCaseQuerySet(models.QuerySet["EvidenceCase"]):
    """Adjectives of cases."""

    def open(self) -> Self:
        """Those that still hold what they rest on."""
        return self.filter(closed_at=None)

    def with_token(self) -> Self:
        """Each with the `token` of whom it is about, None where that is nobody or the person was erased."""
        return self.annotate(token=Subquery(Recipient.objects.filter(subject=OuterRef("subject")).values("token")))


class EvidenceCase(models.Model):
    """What an evidence package rests on, so that the same package can be made again, byte for byte.

    While it is open, nothing of it may be deleted: `optout.services.cases.held_messages`. `manifest`: SHA-256 of the
    package's, in hexadecimal; `timestamp`: what an authority said of it, if one was configured.
    """

    opened_at = models.DateTimeField()
    by = models.CharField(max_length=64)
    sender = models.CharField(max_length=numbers.MAX_DIGITS, blank=True)
    # No foreign key: a lawful deletion destroys the recipient, the case remains.
    subject = models.UUIDField(null=True, blank=True)
    since = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField(null=True, blank=True)
    seqs = ArrayField(models.BigIntegerField())
    messages = models.ManyToManyField(InboundMessage, related_name="evidence_cases")
    anchors = models.ManyToManyField(Anchor, related_name="+")
    checkpoint = models.ForeignKey(SignedCheckpoint, on_delete=models.PROTECT, related_name="+")
    manifest = models.TextField()
    timestamp = models.BinaryField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.CharField(max_length=64, blank=True)

    objects = EvidenceCaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("evidence case")
        verbose_name_plural = _("evidence cases")
        ordering = ["-id"]
        triggers = [
            pgtrigger.Protect(name="evidence_case_never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="evidence_case_stays_closed",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__closed_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"
