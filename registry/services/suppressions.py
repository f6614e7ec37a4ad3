"""Permanent suppressions: who may never reach whom again."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

import msgspec
from django.conf import settings
from django.db import connection

from registry.arrays import bytes_array, plain_array
from registry.errors import DomainError
from registry.keys import KeyPurpose, derive, seal, unseal
from registry.ledger.append import Draft
from registry.ledger.facts import facts
from registry.ledger.format import Kind
from registry.models import Correction, Listing, Recipient, Suppression
from registry.models.listings import ListingQuerySet
from registry.selectors.recipients import live_keys, number_keys
from registry.services.locks import share_number_keys
from registry.terms import Match, Origin, Reach
from registry.tokens import COMMITMENT_NONCE_BYTES, commitment

# Ports in one query while looking for earlier refusals; bounds the length of the statement.
PORTS_A_QUERY = 200


@dataclass(frozen=True, slots=True)
class Person:
    """A recipient as services handle it: subject for the ledger, commitment for the proof."""

    subject: uuid.UUID
    commitment: bytes


@dataclass(frozen=True, slots=True)
class Wish:
    """A suppression that should stand: the columns of `Suppression` that a writer chooses."""

    subject: str
    reach: str
    institution_id: int | None
    digits: str
    purposes: list[str]
    channels: list[str]
    origin: str
    rule: str
    unlisted: bool


def lock_people(numbers: Iterable[str]) -> dict[str, Person]:
    """The people behind these E.164 digits, made known where they are not, and locked in one order for all writers.

    Whoever suppresses a person holds this lock, so two refusals at once become one suppression and one entry.
    """
    share_number_keys()
    current, *leaving = live_keys()
    wanted = set(numbers)
    people: dict[str, Person] = {}
    for key_id in leaving:
        people |= _lock_known(_tokens(wanted - people.keys(), key_id))
    # Once, but for somebody who is erased between the two statements: they become known anew.
    while missing := wanted - people.keys():
        tokens = _tokens(missing, current)
        people |= _make_known(tokens, current)
        # Those that were known before; whoever inserted a row holds it already.
        people |= _lock_known({token: digits for token, digits in tokens.items() if digits not in people})
    return people


def _tokens(numbers: Iterable[str], key_id: int) -> dict[uuid.UUID, str]:
    tokenizer = number_keys().tokenizer(key_id)
    return {uuid.UUID(bytes=tokenizer.token(digits)): digits for digits in numbers}


def _lock_known(tokens: Mapping[uuid.UUID, str]) -> dict[str, Person]:
    """Those of these people who are known under these tokens, locked in order."""
    if not tokens:
        return {}
    known = Recipient.objects.filter(token__in=list(tokens)).order_by("token").select_for_update()
    found = ((row, tokens[row.token]) for row in known)
    return {digits: Person(row.subject, commitment(open_nonce(row), digits)) for row, digits in found}


def _make_known(tokens: Mapping[uuid.UUID, str], key_id: int) -> dict[str, Person]:
    """Insert, in order, the people of these tokens who are not known yet; who they are, by their digits."""
    key = derive(settings.ENV.master_key, KeyPurpose.COMMITMENT_NONCE)
    nonces = {token: secrets.token_bytes(COMMITMENT_NONCE_BYTES) for token in sorted(tokens)}
    subjects = [uuid.UUID(bytes=secrets.token_bytes(16)) for _ in nonces]
    sealed = [
        seal(key, nonce, place=_place(subject.bytes)) for subject, nonce in zip(subjects, nonces.values(), strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO registry_recipient (subject, token, key_id, sealed_nonce)"
            " SELECT subject, token, %s, sealed FROM unnest(%s::uuid[], %s::uuid[], %s::bytea[])"
            " AS fresh (subject, token, sealed) ON CONFLICT DO NOTHING RETURNING subject, token",
            [key_id, plain_array(subjects), plain_array(nonces), bytes_array(sealed)],
        )
        inserted = cursor.fetchall()
    return {tokens[token]: Person(subject, commitment(nonces[token], tokens[token])) for subject, token in inserted}


def stand(wishes: Sequence[Wish]) -> list[Suppression]:
    """Insert those of `wishes` that do not stand yet and return them; the caller appends their entries."""
    inserted = Suppression.objects.raw(
        "INSERT INTO registry_suppression"
        " (subject, reach, institution_id, digits, purposes, channels, corrections, origin, rule, unlisted)"
        " SELECT subject, reach, institution_id, digits, purposes, channels, ("
        # A refusal after a correction counts anew.
        "  SELECT count(*) FROM registry_correction c JOIN registry_suppression s ON s.id = c.suppression_id"
        "  WHERE s.subject = wish.subject AND s.reach = wish.reach AND s.digits = wish.digits"
        "  AND s.institution_id IS NOT DISTINCT FROM wish.institution_id"
        "  AND s.purposes = wish.purposes AND s.channels = wish.channels"
        " ), origin, rule, unlisted FROM jsonb_to_recordset(%s::jsonb) AS wish (subject uuid, reach text, institution_id bigint, digits text,"
        " purposes varchar[], channels varchar[], origin text, rule text, unlisted boolean)"
        " ON CONFLICT DO NOTHING RETURNING *",
        [msgspec.json.encode(wishes).decode()],
    )
    return sorted(inserted, key=attrgetter("pk"))


def suppression_draft(suppression: Suppression, *, commitment: bytes) -> Draft:
    """The entry of a suppression: subject and commitment, neither number nor token."""
    data = {"row": facts(suppression), "commitment": commitment.hex()}
    return Draft(Kind.RECIPIENT_SUPPRESSED, data)


def widen(listings: Sequence[Listing]) -> list[Draft]:
    """Earlier refusals on the digits of newly published listings now reach their principals too; returns the entries.

    The caller holds the library exclusively.
    """
    new = {listing.pk for listing in listings}
    wishes = []
    for digits in sorted(_refused_ports(listings)):
        owners = {x.principal.pk for x in _deciding(digits) if x.pk in new and x.principal}
        for refusal in Suppression.objects.standing().filter(reach=Reach.NUMBER, digits=digits):
            wishes += [_widened(refusal, principal_id) for principal_id in sorted(owners)]
    if not wishes:
        return []
    # Who was erased is nobody's to reach any more, and has no nonce for a commitment.
    commitments = _commitments({uuid.UUID(wish.subject) for wish in wishes})
    known = [wish for wish in wishes if uuid.UUID(wish.subject) in commitments]
    return [suppression_draft(row, commitment=commitments[row.subject]) for row in stand(known)]


def correct(suppression_id: int, *, application_id: int) -> list[Draft]:
    """End one suppression, within the caller's transaction; return the entry. A repeat returns none.

    The entry says what of the same reach still stands, so that an index that merges them need not look back.
    Raises `not_found`.
    """
    row = Suppression.objects.filter(pk=suppression_id).first()
    if row is None:
        raise DomainError("not_found", "There is no such refusal.")
    # The lock that whoever suppresses this person takes.
    Recipient.objects.select_for_update().filter(subject=row.subject).first()
    correction, made = Correction.objects.get_or_create(
        suppression=row, defaults={"subject": row.subject, "application_id": application_id}
    )
    if not made:
        return []
    alike = Suppression.objects.standing().filter(
        subject=row.subject, reach=row.reach, institution=row.institution_id, digits=row.digits
    )
    data = {
        "row": facts(correction),
        "suppression": facts(row),
        "standing": [[other.purposes, other.channels] for other in alike.order_by("pk")],
    }
    return [Draft(Kind.REFUSAL_CORRECTED, data)]


def open_nonce(recipient: Recipient) -> bytes:
    """The nonce that opens a recipient's commitment. Raises SealBroken."""
    return unsealed_nonce(recipient.subject.bytes, bytes(recipient.sealed_nonce))


def unsealed_nonce(subject: bytes, sealed: bytes) -> bytes:
    """`open_nonce`, of the two columns that it takes."""
    key = derive(settings.ENV.master_key, KeyPurpose.COMMITMENT_NONCE)
    return unseal(key, sealed, place=_place(subject))


def _place(subject: bytes) -> bytes:
    return b"recipient:" + subject


def _refused_ports(listings: Sequence[Listing]) -> set[str]:
    """The ports with refusals of their own that lie on one of these listings."""
    found: set[str] = set()
    for start in range(0, len(listings), PORTS_A_QUERY):
        chunk = listings[start : start + PORTS_A_QUERY]
        refused = Suppression.objects.filter(reach=Reach.NUMBER)
        exact = refused.filter(digits__in=[listing.digits for listing in chunk])
        found |= set(exact.values_list("digits", flat=True).distinct())
        for listing in chunk:
            if listing.match == Match.PREFIX:
                under = refused.filter(digits__startswith=listing.digits)
                found |= set(under.values_list("digits", flat=True).distinct())
    return found


def _deciding(digits: str) -> list[Listing]:
    """The standing listings of the longest port over `digits` that has a principal, as for a reply to them."""
    covering: ListingQuerySet = Listing.objects.standing().covering(digits)
    held = [row for row in covering.select_related("mandate__grantor", "holder") if row.principal]
    return [row for row in held if row.port == held[0].port]


def _widened(refusal: Suppression, principal_id: int) -> Wish:
    return Wish(
        subject=str(refusal.subject),
        reach=Reach.PRINCIPAL,
        institution_id=principal_id,
        digits="",
        purposes=refusal.purposes,
        channels=refusal.channels,
        origin=Origin.WIDENING,
        rule=f"suppression:{refusal.pk}",
        unlisted=False,
    )


def _commitments(subjects: Iterable[uuid.UUID]) -> dict[uuid.UUID, bytes]:
    keys = number_keys()
    recipients = Recipient.objects.filter(subject__in=list(subjects)).order_by("token").select_for_update()
    return {r.subject: commitment(open_nonce(r), keys.digits(r.token.bytes)) for r in recipients}
