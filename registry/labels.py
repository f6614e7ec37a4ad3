"""What people read for the words of `registry.review` and the codes of findings."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from registry.review import Kind, State, Step

KINDS: dict[str, Promise] = {
    Kind.LIST: _("List numbers"),
    Kind.AMEND: _("Amend a listing"),
    Kind.REINSTATE: _("Reinstate a number"),
    Kind.SUSPEND: _("Suspend a number"),
    Kind.BLACKLIST: _("Blacklist a number"),
    Kind.ANNUL: _("Annul a blacklisting"),
    Kind.END_LISTING: _("End a listing"),
    Kind.CORRECT: _("Correct a refusal"),
    Kind.POLICY_ROW: _("Policy row"),
    Kind.REJECT_CODE: _("Reject code"),
    Kind.INSTITUTION: _("Register an institution"),
    Kind.LICENCE: _("Change a licence"),
    Kind.MANDATE: _("Grant a mandate"),
    Kind.REVOKE_MANDATE: _("Revoke a mandate"),
}
STATES: dict[str, Promise] = {
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
STEPS: dict[str, Promise] = {
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
}

# What a check found, by its code; `docs/checks.md` says more.
FINDINGS: dict[str, Promise] = {
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
    "row_unknown": _("There is no such row."),
    "params_wrong": _("The parameters are not those of this kind of policy row."),
    "evidence_missing": _("The evidence that this kind needs is missing."),
    "nothing_changes": _("This changes nothing."),
}
