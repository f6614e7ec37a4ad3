"""What people read for the words of `registry.review` and the codes of findings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from registry.errors import Sentence
from registry.ledger.format import Kind as EntryKind
from registry.review import Kind, State, Step


def said(sentence: str) -> str:
    """An English sentence of ours in the reader's language; one that the catalogue lacks, as it is."""
    if isinstance(sentence, Sentence):
        values = {
            name: said(value) if isinstance(value, Sentence) else value for name, value in sentence.values.items()
        }
        return gettext(sentence.template) % values
    return gettext(sentence) if sentence else ""


def listed(words: type[TextChoices], values: Iterable[str]) -> str:
    """The labels of some of these words, as one text."""
    return gettext(", ").join(str(words(value).label) for value in values)


KINDS: dict[str, Any] = {
    Kind.LIST: _("List numbers"),
    Kind.AMEND: _("Amend a listing"),
    Kind.REINSTATE: _("Reinstate a number"),
    Kind.SUSPEND: _("Suspend a number"),
    Kind.BLACKLIST: _("Blacklist a number"),
    Kind.ANNUL: _("Annul a blacklisting"),
    Kind.END_LISTING: _("End a listing"),
    Kind.CORRECT: _("Correct a refusal"),
    Kind.ERASE: _("Erase a person"),
    Kind.POLICY_ROW: _("Policy row"),
    Kind.REJECT_CODE: _("Reject code"),
    Kind.INSTITUTION: _("Register an institution"),
    Kind.LICENCE: _("Change a licence"),
    Kind.MANDATE: _("Grant a mandate"),
    Kind.REVOKE_MANDATE: _("Revoke a mandate"),
}
STATES: dict[str, Any] = {
    State.DRAFT: _("Draft"),
    State.SUBMITTED: _("Submitted"),
    State.CHECKED: _("Checked by the carrier"),
    State.NOTICED: _("Notice given, answer awaited"),
    State.ANSWERED: _("Answered"),
    State.IN_FORCE: _("In force, confirmation awaited"),
    State.ESCALATED: _("Escalated"),
    State.RETURNED: _("Returned"),
    State.PUBLISHED: _("Published"),
    State.REJECTED: _("Rejected"),
    State.WITHDRAWN: _("Withdrawn"),
}
STEPS: dict[str, Any] = {
    Step.DRAFT: _("Drafted"),
    Step.EDIT: _("Edited"),
    Step.SUBMIT: _("Submitted"),
    Step.CHECK: _("Checked"),
    Step.ANSWER: _("Answered"),
    Step.APPROVE: _("Approved"),
    Step.CONFIRM: _("Confirmed"),
    Step.ESCALATE: _("Escalated"),
    Step.RETURN: _("Returned"),
    Step.REJECT: _("Rejected"),
    Step.WITHDRAW: _("Withdrawn"),
    "attach": _("Evidence attached"),
}

# What a button says.
BUTTONS: dict[str, Any] = {
    Step.SUBMIT: _("Submit"),
    Step.CHECK: _("Pass the check"),
    Step.ANSWER: _("Answer"),
    Step.APPROVE: _("Approve and publish"),
    Step.CONFIRM: _("Confirm"),
    Step.RETURN: _("Return"),
    Step.REJECT: _("Reject"),
    Step.WITHDRAW: _("Withdraw"),
}

# What happened, by the kind of its entry.
ENTRIES: dict[str, Any] = {
    EntryKind.LEDGER_OPENED: _("Ledger opened"),
    EntryKind.CARRIER_RECORDED: _("Carrier recorded"),
    EntryKind.INSTITUTION_RECORDED: _("Institution recorded"),
    EntryKind.MANDATE_RECORDED: _("Mandate recorded"),
    EntryKind.MANDATE_REVOKED: _("Mandate revoked"),
    EntryKind.SENDER_LISTED: _("Number listed"),
    EntryKind.SENDER_AMENDED: _("Listing amended"),
    EntryKind.SENDER_SUSPENDED: _("Number suspended"),
    EntryKind.SENDER_REINSTATED: _("Number reinstated"),
    EntryKind.SENDER_BLACKLISTED: _("Number blacklisted"),
    EntryKind.SENDER_ENDED: _("Listing ended"),
    EntryKind.BLACKLISTING_ANNULLED: _("Blacklisting annulled"),
    EntryKind.REJECT_CODE_RECORDED: _("Reject code recorded"),
    EntryKind.POLICY_ROW_RECORDED: _("Policy row recorded"),
    EntryKind.API_KEY_ISSUED: _("API key issued"),
    EntryKind.API_KEY_REVOKED: _("API key revoked"),
    EntryKind.RECIPIENT_SUPPRESSED: _("Refusal recorded"),
    EntryKind.REFUSAL_CORRECTED: _("Refusal corrected"),
    EntryKind.RECIPIENT_REVEALED: _("Number of a person revealed"),
    EntryKind.MEMBER_RECORDED: _("Member recorded"),
    EntryKind.MEMBER_LOG_IN_RESET: _("Log-in of a member reset"),
    EntryKind.APPLICATION_MOVED: _("Step of an application"),
    EntryKind.VERDICT_GIVEN: _("Verdict on a reply"),
    EntryKind.RECEIVER_RECORDED: _("Receiver recorded"),
    EntryKind.CHECKPOINT_KEY_RECORDED: _("Key of checkpoints recorded"),
    EntryKind.NUMBER_KEY_ROTATED: _("Key of numbers rotated"),
    EntryKind.EVIDENCE_ISSUED: _("Evidence package issued"),
    EntryKind.RECIPIENT_ERASED: _("Person erased"),
    EntryKind.SCRUB_FINISHED: _("File of recipients scrubbed"),
    EntryKind.DECISION_EXPLAINED: _("Decision explained"),
    EntryKind.CONSENT_RECORDED: _("Consent recorded"),
    EntryKind.CONSENT_WITHDRAWN: _("Consent withdrawn"),
}

# The steps of a decision, as questions.
QUESTIONS: dict[str, Any] = {
    "sender": _("Is the sender a number?"),
    "recipient": _("Is the recipient a person's number?"),
    "blacklist": _("Is the sender off the black list?"),
    "listing": _("Is the sender listed?"),
    "suspension": _("Is it free of suspensions?"),
    "validity": _("Is the listing valid now?"),
    "institution": _("Are the licences valid now?"),
    "mandate": _("Is the mandate valid now?"),
    "channel": _("Is the channel permitted?"),
    "purpose": _("Is the purpose permitted?"),
    "refusals": _("Has the person not refused?"),
    "quiet_hours": _("Is it outside quiet hours?"),
    "frequency_cap": _("Is it below every frequency cap?"),
    "freshness": _("Is this node's index fresh enough?"),
}
VERDICTS: dict[str, Any] = {"pass": _("Passes"), "deny": _("Denies"), "not_reached": _("Not reached")}
# What a decision says, by its reason; `docs/reasons.md` says more.
REASONS: dict[str, Any] = {
    "ok": _("Allowed."),
    "invalid_sender": _("The sender is no number of 3 to 21 digits."),
    "invalid_recipient": _("The recipient is no person's number, or a fixed line asked for SMS."),
    "sender_blacklisted": _("The number, or a prefix above it, is on the black list."),
    "sender_not_listed": _("No listing covers the number, or the signature is not one of the port's."),
    "sender_suspended": _("The listing, or a prefix above it, is suspended."),
    "sender_expired": _("The listing has ended or not begun."),
    "institution_not_valid": _("The licence of holder or principal has ended or not begun."),
    "mandate_not_valid": _("The mandate has ended, not begun, or was revoked."),
    "channel_not_permitted": _("The listing does not permit the channel."),
    "purpose_not_permitted": _("The listing does not permit the purpose."),
    "recipient_opted_out": _("The person refused the institution, the number or everyone."),
    "quiet_hours": _("The person's quiet hours forbid it."),
    "frequency_cap": _("The person was reached as often as a rule allows."),
    "registry_stale": _("This node's index is older than it may be."),
}

# Who did it, where that was no person who logged in.
ACTORS: dict[str, Any] = {
    "clock": _("Time limit"),
    "console": _("Operator's console"),
    "demo": _("Demonstration"),
    "recipient": _("Recipient"),
    "system": _("The system itself"),
}

# The fields of proposals and rows.
FIELDS: dict[str, Any] = {
    "digits": _("Digits"),
    "match": _("Covers"),
    "holder": _("Holder"),
    "principal": _("Principal"),
    "carrier": _("Carrier"),
    "signature": _("Signature"),
    "sender": _("Sender"),
    "channel": _("Channel"),
    "channels": _("Channels"),
    "purpose": _("Purpose"),
    "purposes": _("Purposes"),
    "valid_from": _("Valid from"),
    "valid_to": _("Valid to"),
    "template": _("Message template"),
    "listing": _("Number"),
    "suppression": _("Refusal"),
    "ground": _("Ground"),
    "waiver": _("Protection"),
    "policy_row": _("Policy row"),
    "kind": _("Kind"),
    "jurisdiction": _("Jurisdiction"),
    "params": _("Parameters"),
    "source": _("Source"),
    "reject_code": _("Reject code"),
    "code": _("Code"),
    "scope": _("Scope"),
    "institution": _("Institution"),
    "type": _("Type"),
    "name": _("Name"),
    "licence_number": _("Licence number"),
    "licence_scope": _("Licence covers"),
    "grantor": _("Grantor"),
    "agent": _("Agent"),
    "reference": _("Reference"),
    "mandate": _("Mandate"),
    "status": _("Status"),
    "at": _("Time"),
    "row": _("Row"),
    "body": _("Text"),
    "subject": _("Subject"),
    "scopes": _("Scopes"),
    "revoked": _("Revoked"),
    "revoked_at": _("Revoked"),
    "withdrawn_at": _("Withdrawn"),
    "reach": _("Reach"),
    "origin": _("Origin"),
    "rule": _("Rule"),
    "unlisted": _("Unlisted number"),
    "corrections": _("Earlier corrections"),
    "received_at": _("Received"),
    "sent_at": _("Sent"),
    "processed_at": _("Processed"),
    "endpoint": _("Provider"),
    "port": _("Port"),
    "state": _("State"),
    "intent": _("Intent"),
    "flags": _("Flags"),
    "reply": _("Reply"),
    "owed_at": _("Owed since"),
    "attempts": _("Attempts"),
    "next_at": _("Next attempt"),
    "until": _("Until"),
    "settled_at": _("Settled"),
    "listed_at": _("Listed"),
    "ended_at": _("Ended at"),
    "role": _("Role"),
    "active": _("Active"),
    "seq": _("Entry"),
    "user": _("User name"),
    "note": _("Note"),
    "protocol": _("Protocol"),
    "version": _("Version"),
    "host": _("Host"),
    "tcp_port": _("TCP port"),
    "tls": _("TLS"),
    "account": _("Account"),
    "secret": _("Secret"),
    "bind": _("Bind as"),
    "connections": _("Connections"),
    "window": _("Window"),
    "enabled": _("Enabled"),
    "line": _("Line"),
    "bound_since": _("Bound since"),
    "last_message_at": _("Last message"),
    "messages": _("Messages"),
    "errors": _("Errors"),
    "last_error": _("Last error"),
    "seen_at": _("Last sign of life"),
    "recipient": _("Recipient"),
    "planned": _("Planned time"),
    "age_ms": _("Age in milliseconds"),
    "stale": _("Too old"),
    "days": _("Days"),
    "from": _("From"),
    "to": _("To"),
    "zone": _("Time zone"),
    "count": _("Counts"),
    "counts_unknown": _("Counters do not answer"),
    "consent": _("Consent"),
    "day": _("Day"),
    "asker": _("Who asked"),
    "people": _("People asked about"),
    "most": _("Budget"),
    "alarm": _("Alarm from"),
    "alarmed_at": _("Alarm since"),
    "spent_at": _("Spent since"),
    "column": _("Column of the recipients"),
    "form": _("Files wanted as"),
    "created_at": _("Handed in"),
    "started_at": _("Begun"),
    "finished_at": _("Finished"),
    "expires_at": _("Files deleted"),
    "size": _("Size"),
    "rows": _("Rows"),
    "opened_at": _("Opened"),
    "by": _("Asked by"),
}

# What a check found, by its code; `docs/checks.md` says more.
FINDINGS: dict[str, Any] = {
    "invalid_value": _("A value has not the form that its field wants."),
    "duplicate_row": _("The same number stands further up in this application."),
    "not_yours": _("The number is for another institution to ask for."),
    "application_open": _("Another application for this is open."),
    "already_listed": _("A listing stands on this number."),
    "prefix_too_short": _("This is too short to be a prefix: 8 digits under 106, otherwise 5."),
    "black_on_path": _("The number, or a prefix above it, is on the black list."),
    "other_principal_above": _("It lies under a prefix that another principal holds."),
    "other_principal_below": _("Numbers of another principal lie under this prefix."),
    "signature_needed": _("Others share this port: each of them needs a signature."),
    "signature_not_own": _("The signature is not in the name of the institution."),
    "purposes_mixed": _("One port cannot serve both service or verification and marketing or collection."),
    "purpose_class_changed": _("A number's purpose cannot change between service and marketing or collection."),
    "purpose_beyond_licence": _("The licence does not cover these purposes."),
    "institution_unknown": _("There is no institution with this code."),
    "institution_not_valid": _("The institution's licence is not in force."),
    "institution_exists": _("An institution has this code already."),
    "carrier_unknown": _("There is no carrier with this code."),
    "several_carriers": _("One application goes to one carrier."),
    "mandate_missing": _("No mandate of this principal for this agent is in force."),
    "mandate_ambiguous": _("Several mandates of this principal for this agent are in force; exactly one must be."),
    "mandate_not_wanted": _("An institution lists for itself, under no mandate."),
    "mandate_exists": _("A mandate with this reference exists already."),
    "mandate_revoked": _("The mandate is revoked already."),
    "mandate_between": _("A mandate is granted by an institution to an agent."),
    "validity_wrong": _("The validity ends before it begins, or has ended."),
    "code_missing": _("The template prints no reject code."),
    "code_not_honoured": _("The template prints a reject code that this number does not honour."),
    "code_exists": _("This code counts there already."),
    "scope_incomplete": _("A code of an institution names it, a code of a number its digits, a global one neither."),
    "listing_unknown": _("There is no such listing."),
    "status_wrong": _("The number's status does not allow this."),
    "refusal_unknown": _("There is no such refusal."),
    "refusal_corrected": _("This refusal is corrected already."),
    "person_unknown": _("There is no such person, or they were erased already."),
    "protection_stands": _(
        "A refusal stands: the person must have been told that this ends the protection, and agree."
    ),
    "evidence_open": _("An open evidence case rests on what is kept about this person."),
    "replies_waiting": _("Replies of this person are not applied yet, or wait for somebody to judge them."),
    "row_unknown": _("There is no such row."),
    "policy_row_incomplete": _("A policy row has a kind, a jurisdiction, parameters and a source."),
    "params_wrong": _("The parameters are not those of this kind of policy row."),
    "params_purposes": _("purposes: marketing, collection, or both. Nothing else is ever stopped."),
    "params_channels": _("channels: SMS, voice, or both."),
    "params_answer_hours": _("answer_hours: a whole number from 1 to 10000."),
    "params_confirm_hours": _("confirm_hours: a whole number from 1 to 10000."),
    "params_days": _("days: any, workday or holiday."),
    "params_zone": _("zone: the name of a time zone, such as Asia/Shanghai."),
    "params_calling_code": _("calling_code: the country code of the numbers that the rule is for, such as 86."),
    "params_from": _("from: the time of day at which quiet begins, such as 22:00."),
    "params_to": _(
        "to: the time of day at which quiet ends, such as 08:00; another than it begins at, 24:00 for midnight."
    ),
    "params_count": _("count: attempt, effective_call or contact."),
    "params_most": _("most: a whole number from 1 to 1000."),
    "params_window": _("window: a unit, day or hour, and a length of 31 days at most."),
    "params_clients": _("clients: carrier or institution."),
    "params_code": _("code: a client's code, or empty for all of the kind."),
    "params_recipients_per_day": _("recipients_per_day: a whole number from 1 to 1000000000."),
    "params_alarm_at": _("alarm_at: the per cent of it at which the alarm sounds, from 1 to 100."),
    "params_year": _("year: a whole number from 2000 to 2099."),
    "params_holidays": _("holidays: dates of the year, such as 2026-01-01, each once."),
    "params_workdays": _("workdays: dates of the year, each once, none of them a holiday."),
    "evidence_missing": _("The evidence that this kind needs is missing."),
    "nothing_changes": _("This changes nothing."),
}

# Why a row of a file names no recipient; `docs/scrubs.md` says more.
REJECTIONS: dict[str, Any] = {
    "invalid_recipient": _("No number that this channel reaches"),
    "damaged": _("Damaged by a spreadsheet: digits are lost"),
    "unreadable": _("Cannot be read"),
}

# Refusals that people meet in the site, by their code.
REFUSALS: dict[str, Any] = {
    "stale_state": _("Nothing was done: it has changed since you looked."),
    "already_known": _("There is a log-in of this name."),
    "already_open": _("Another application for this is open."),
    "already_listed": _("A listing stands on this number."),
    "two_people": _("Another person must decide this."),
    "answer_awaited": _("The holder may still answer."),
    "confirmation_needed": _("This changes many numbers at once: confirm how many."),
    "forbidden": _("This is not yours to do."),
    "not_found": _("There is nothing here."),
    "erased": _("This was erased."),
    "reason_needed": _("Say why."),
    "invalid_file": _("This file cannot be taken."),
    "invalid_listing": _("This listing breaks a rule."),
    "too_many_requests": _("There are too many of these."),
    "sender_unreadable": _("Nobody can be told from it, so nobody can be protected."),
}
