"""The rules of a decision, in the design's order. Pure: no clock, no I/O.

A *plan* is everything about a question that does not depend on the recipient or the moment; it is the same for every
message of one sender and is made once. A *verdict* is a plan applied to one recipient at one moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from registry.decisions.rules import NO_RULES, Cap, Quiet, Rules, disturbs, quiet_now
from registry.index.records import ConsentRecord, InstitutionRecord, ListingRecord, MandateRecord
from registry.numbers import Recipient
from registry.scope import REFUSABLE_PURPOSES, mask

OK: Final = "ok"
INVALID_SENDER: Final = "invalid_sender"
INVALID_RECIPIENT: Final = "invalid_recipient"
SENDER_BLACKLISTED: Final = "sender_blacklisted"
SENDER_NOT_LISTED: Final = "sender_not_listed"
SENDER_SUSPENDED: Final = "sender_suspended"
SENDER_EXPIRED: Final = "sender_expired"
INSTITUTION_NOT_VALID: Final = "institution_not_valid"
MANDATE_NOT_VALID: Final = "mandate_not_valid"
CHANNEL_NOT_PERMITTED: Final = "channel_not_permitted"
PURPOSE_NOT_PERMITTED: Final = "purpose_not_permitted"
RECIPIENT_OPTED_OUT: Final = "recipient_opted_out"
QUIET_HOURS: Final = "quiet_hours"
FREQUENCY_CAP: Final = "frequency_cap"
REGISTRY_STALE: Final = "registry_stale"

# Every reason that a decision may carry today; `docs/reasons.md` documents each, and a test compares the two.
REASONS = (
    OK,
    INVALID_SENDER,
    INVALID_RECIPIENT,
    SENDER_BLACKLISTED,
    SENDER_NOT_LISTED,
    SENDER_SUSPENDED,
    SENDER_EXPIRED,
    INSTITUTION_NOT_VALID,
    MANDATE_NOT_VALID,
    CHANNEL_NOT_PERMITTED,
    PURPOSE_NOT_PERMITTED,
    RECIPIENT_OPTED_OUT,
    QUIET_HOURS,
    FREQUENCY_CAP,
    REGISTRY_STALE,
)


@dataclass(frozen=True, slots=True)
class Port:
    """The standing listings on one port that covers the sender; `rank` orders ports, the deciding one first."""

    rank: tuple[int, int]
    listings: Sequence[ListingRecord]


@dataclass(frozen=True, slots=True)
class Window:
    """Outside [start, end), in milliseconds, the plan is denied for `reason`."""

    start: int
    end: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is settled before recipient and moment are known.

    `before`: a denial that stands before the windows; `after`: one that stands behind them. `bits`: the pairs of
    purpose and channel asked for; `reaches`: institutions whose refusals count. `stoppable`: a stale index stops it.
    `quiet`, `caps`: the rules that bind it, whatever their dates; most libraries have none in force.
    """

    digits: str = ""
    channel: str = "sms"
    before: str | None = None
    windows: tuple[Window, ...] = ()
    after: str | None = None
    bits: int = 0
    holder: int | None = None
    principal: int | None = None
    institution: str | None = None
    stoppable: bool = False
    reaches: tuple[int, ...] = field(default=())
    quiet: tuple[Quiet, ...] = ()
    caps: tuple[Cap, ...] = ()

    def concerns(self, institution: int) -> bool:
        """Whether an institution's key may ask this: nobody's number, or one that it holds or is the principal of."""
        return self.holder is None or institution in (self.holder, self.principal)


def plan(
    digits: str | None,
    ports: Sequence[Port],
    *,
    institutions: Mapping[int, InstitutionRecord],
    mandates: Mapping[int, MandateRecord],
    signature: str,
    channel: str,
    purpose: str | None,
    rules: Rules = NO_RULES,
) -> Plan:
    """The plan of a question: `digits` canonical or None, `ports` all that cover it, `signature` canonical or ''.

    `rules`: all of the library.
    """
    if digits is None:
        return Plan(before=INVALID_SENDER, channel=channel)
    deciding = _deciding(ports, signature)
    # Without a signature, the listing that decides tells whose message this is.
    effective = signature or (deciding.signature if deciding else "")
    stopper = _stopper(ports, effective, "black")
    if stopper is not None:
        return _denied(stopper, SENDER_BLACKLISTED, digits, channel, institutions, mandates)
    if deciding is None:
        return Plan(digits=digits, channel=channel, before=SENDER_NOT_LISTED)
    if deciding.status == "suspended" or _stopper(ports, effective, "suspended"):
        return _denied(deciding, SENDER_SUSPENDED, digits, channel, institutions, mandates)
    return _open(deciding, digits, channel, purpose, institutions, mandates, rules)


def nothing_refused(plan: Plan, digits: str) -> int:
    """For `verdict`, about somebody who never refused."""
    return 0


def nobody_consented(plan: Plan, digits: str) -> Sequence[ConsentRecord]:
    """For `verdict`, where there are no consents."""
    return ()


def verdict(
    plan: Plan,
    recipient: Recipient | None,
    *,
    now: int,
    refused: Callable[[Plan, str], int],
    consented: Callable[[Plan, str], Sequence[ConsentRecord]] = nobody_consented,
) -> str:
    """The reason of one decision at `now` (ms), before caps; `ok` is the only one that allows.

    `refused` gives, for the plan and the recipient's digits, the pairs of purpose and channel that they refused;
    `consented` what they agreed to with the plan's principal. Each is asked only where all that comes before allows.
    """
    if plan.before == INVALID_SENDER:
        return INVALID_SENDER
    if recipient is None or (plan.channel == "sms" and not recipient.takes_sms):
        return INVALID_RECIPIENT
    if plan.before is not None:
        return plan.before
    for window in plan.windows:
        if now < window.start or (window.end is not None and now >= window.end):
            return window.reason
    if plan.after is not None:
        return plan.after
    digits = recipient.digits
    if refused(plan, digits) & plan.bits:
        return RECIPIENT_OPTED_OUT
    quiet = quiet_now(plan.quiet, now=now) if plan.quiet else ()
    if quiet and disturbs(quiet, digits, now=now, consents=lambda: consented(plan, digits)):
        return QUIET_HOURS
    return OK


def caps_on(plan: Plan, digits: str, *, now: int) -> tuple[Cap, ...]:
    """The caps in force at `now` for the recipient of these E.164 digits."""
    return tuple(cap for cap in plan.caps if cap.now_for(digits, now=now))


def _deciding(ports: Sequence[Port], signature: str) -> ListingRecord | None:
    """Of the white and suspended listings the longest port's; there is no falling back to a shorter one.

    A signature that is given must be the listing's, if it has one; a missing one passes only where one listing alone
    holds the port (a black one holds it too: an unsigned message might be the banned one's).
    """
    for port in sorted(ports, key=lambda port: port.rank):
        usable = [record for record in port.listings if record.status != "black"]
        if not signature and len(port.listings) > 1:
            return None
        if not usable:
            continue
        if not signature:
            return usable[0]
        signed = [record for record in usable if record.signature == signature]
        unsigned = [record for record in usable if not record.signature]
        return next(iter(signed or unsigned), None)
    return None


def _stopper(ports: Sequence[Port], signature: str, status: str) -> ListingRecord | None:
    """The longest listing of `status` that stops this message.

    On a port with several holders one with a signature stops only that signature; everything else stops the port.
    """
    for port in sorted(ports, key=lambda port: port.rank):
        for record in port.listings:
            if record.status == status and (
                not record.signature or len(port.listings) == 1 or record.signature == signature
            ):
                return record
    return None


def _principal(record: ListingRecord, mandates: Mapping[int, MandateRecord]) -> int | None:
    return record.holder if record.mandate is None else mandates[record.mandate].grantor


def _denied(
    record: ListingRecord,
    reason: str,
    digits: str,
    channel: str,
    institutions: Mapping[int, InstitutionRecord],
    mandates: Mapping[int, MandateRecord],
) -> Plan:
    principal = _principal(record, mandates)
    return Plan(
        digits=digits,
        channel=channel,
        before=reason,
        holder=record.holder,
        principal=principal,
        institution=institutions[principal].code if principal is not None else None,
    )


def _open(
    record: ListingRecord,
    digits: str,
    channel: str,
    purpose: str | None,
    institutions: Mapping[int, InstitutionRecord],
    mandates: Mapping[int, MandateRecord],
    rules: Rules,
) -> Plan:
    holder, principal = record.holder, _principal(record, mandates)
    assert holder is not None  # only a black listing has no holder
    assert principal is not None
    concerned = tuple(dict.fromkeys((principal, holder)))
    windows = [Window(record.valid_from, record.valid_to, SENDER_EXPIRED)]
    windows += [Window(institutions[i].valid_from, institutions[i].valid_to, INSTITUTION_NOT_VALID) for i in concerned]
    if record.mandate is not None:
        mandate = mandates[record.mandate]
        windows.append(Window(mandate.valid_from, mandate.valid_to, MANDATE_NOT_VALID))
    asked = record.purposes if purpose is None else (purpose,)
    binding = rules.binding(asked, channel)
    return Plan(
        digits=digits,
        channel=channel,
        windows=tuple(windows),
        after=_not_permitted(record, channel, asked),
        bits=mask(asked, (channel,)),
        holder=holder,
        principal=principal,
        institution=institutions[principal].code,
        stoppable=any(item in REFUSABLE_PURPOSES for item in asked),
        reaches=concerned,
        quiet=binding.quiet,
        caps=binding.caps,
    )


def _not_permitted(record: ListingRecord, channel: str, asked: Sequence[str]) -> str | None:
    if channel not in record.channels:
        return CHANNEL_NOT_PERMITTED
    return None if set(asked) <= set(record.purposes) else PURPOSE_NOT_PERMITTED
