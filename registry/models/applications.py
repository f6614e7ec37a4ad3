"""Proposed changes to the library, on their way."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from registry.labels import KINDS, STATES
from registry.models.institutions import Carrier, Institution
from registry.models.keys import ApiKey
from registry.models.members import Member
from registry.review import FINAL, UNAPPROVED, Kind, State, all_moves_of_state

KIND_CHOICES = [(str(kind), label) for kind, label in KINDS.items()]
STATE_CHOICES = [(str(state), label) for state, label in STATES.items()]


class EvidenceKind(models.TextChoices):
    """What a file of evidence is."""

    LICENCE = "licence", _("Licence")
    MANDATE = "mandate", _("Mandate")
    LETTER = "letter", _("Letter")


class Application(models.Model):
    """A proposed change. Written only by `registry.services.applications`; each step is an entry.

    `digest` is SHA-256 over the nonce, the present revision's items and the evidence: what a review has seen.
    Neither applicant nor key: the operator's console filed it.
    """

    kind = models.CharField(_("kind"), max_length=16, choices=KIND_CHOICES)
    state = models.CharField(_("state"), max_length=12, choices=STATE_CHOICES, default=State.DRAFT)
    revision = models.IntegerField(_("revision"), default=1)
    applicant = models.ForeignKey(
        Member, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("applicant")
    )
    applicant_key = models.ForeignKey(
        ApiKey, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("applicant's key")
    )
    # Whom it is about: who may follow it, and for a blacklisting who is heard.
    institution = models.ForeignKey(
        Institution, null=True, blank=True, on_delete=models.PROTECT, verbose_name=_("institution")
    )
    carrier = models.ForeignKey(Carrier, null=True, blank=True, on_delete=models.PROTECT, verbose_name=_("carrier"))
    checked_by = models.ForeignKey(
        Member, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("checked by")
    )
    approved_by = models.ForeignKey(
        Member, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("approved by")
    )
    nonce = models.BinaryField(max_length=32)
    digest = models.CharField(max_length=64)
    # When it came into its state; what waits is ordered and aged by it.
    since = models.DateTimeField(_("since"))
    # A blacklisting may be decided without an answer, and a suspension escalates, after this.
    due_at = models.DateTimeField(_("due"), null=True, blank=True)

    class Meta:
        verbose_name = _("application")
        verbose_name_plural = _("applications")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="application_two_people",
                condition=Q(approved_by=None)
                | (
                    (Q(applicant=None) | ~Q(approved_by=F("applicant")))
                    & (Q(checked_by=None) | ~Q(approved_by=F("checked_by")))
                ),
            ),
            models.CheckConstraint(
                name="application_checked_by_another",
                condition=Q(checked_by=None) | Q(applicant=None) | ~Q(checked_by=F("applicant")),
            ),
            models.CheckConstraint(
                name="application_published_was_approved",
                condition=~Q(state=State.PUBLISHED)
                | Q(approved_by__isnull=False)
                | Q(kind__in=sorted(UNAPPROVED - {Kind.SUSPEND})),
            ),
            models.CheckConstraint(
                name="application_has_one_applicant", condition=Q(applicant=None) | Q(applicant_key=None)
            ),
        ]
        indexes = [
            # What waits, oldest first.
            models.Index(fields=["since"], condition=~Q(state__in=sorted(FINAL)), name="application_waiting"),
        ]
        triggers = [
            pgtrigger.FSM(name="application_state_moves", field="state", transitions=all_moves_of_state()),
            pgtrigger.Protect(name="application_never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} #{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state not in FINAL


class FiledRequest(models.Model):
    """A client's own name for the request that made an application: the same request again answers the same one."""

    api_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, related_name="+")
    idempotency_key = models.CharField(max_length=255)
    # Of the body, in hex: another one under the same name is another request.
    body_sha256 = models.CharField(max_length=64)
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["api_key", "idempotency_key"], name="request_filed_once")]

    def __str__(self) -> str:
        return self.idempotency_key


class ApplicationItem(models.Model):
    """One change that an application proposes, as one revision says it; earlier revisions stay.

    `target` names what it would change, alike for every kind; `lane` is who has it in hand, so that a holder's open
    application keeps no regulator from acting. `before`: the row when it was published.
    """

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="items")
    revision = models.IntegerField()
    number = models.IntegerField()
    target = models.CharField(max_length=120)
    lane = models.CharField(max_length=12)
    open = models.BooleanField()
    proposed = models.JSONField()
    before = models.JSONField(null=True, blank=True)
    row_id = models.BigIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["application_id", "revision", "number"]
        constraints = [
            models.UniqueConstraint(fields=["application", "revision", "number"], name="item_once"),
            # One open application a number, or other thing.
            models.UniqueConstraint(fields=["target", "lane"], condition=Q(open=True), name="item_one_open"),
        ]
        indexes = [
            # A number's history.
            models.Index(fields=["target"], name="item_by_target"),
        ]

    def __str__(self) -> str:
        return self.target


class Evidence(models.Model):
    """A file that an application rests on: sealed, with its size and SHA-256. Never changed, never deleted; an erasure empties it."""

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="evidence")
    kind = models.CharField(_("kind"), max_length=12, choices=EvidenceKind.choices)
    name = models.CharField(_("file name"), max_length=120)
    content_type = models.CharField(_("type"), max_length=40)
    size = models.IntegerField(_("size"))
    sha256 = models.CharField("SHA-256", max_length=64)
    sealed = models.BinaryField()

    class Meta:
        verbose_name = _("evidence")
        verbose_name_plural = _("evidence")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["application", "sha256"], name="evidence_once")]
        triggers = [
            pgtrigger.Protect(name="evidence_never_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="evidence_is_only_emptied",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "octet_length(NEW.sealed) > 0 OR NEW.name <> '' OR (NEW.id, NEW.application_id, NEW.kind,"
                    " NEW.content_type, NEW.size, NEW.sha256) IS DISTINCT FROM (OLD.id, OLD.application_id, OLD.kind,"
                    " OLD.content_type, OLD.size, OLD.sha256)"
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name
