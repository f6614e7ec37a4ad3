"""Where people judge replies: what waits, one message at a time, and the verdict."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from optout import queue
from optout.glyphs import Piece, pieces
from optout.labels import flags_in_words, rule_in_words
from optout.models import DISMISSING, HONOURING, InboundMessage, Judgement, State, Verdict
from optout.services.inbox import Opened, sender_of
from optout.services.verdicts import MAY_JUDGE, MOST_NOTE, UNPROCESSABLE, judge, propose_code
from registry.admin.applications import waited
from registry.admin.badges import badge
from registry.admin.readonly import member_of
from registry.admin.refusals import explained
from registry.labels import listed
from registry.models import Institution, LookKind, Member
from registry.selectors.visibility import may_see, visible
from registry.services.looks import looked
from registry.terms import Channel, Purpose, Reach

ROWS_A_PAGE = 50
# Of an endless text; the whole is in the store.
MOST_SHOWN, MOST_SHOWN_OF_OTHERS = 20_000, 500
_NEVER = datetime.min.replace(tzinfo=UTC)


class Button(NamedTuple):
    """One verdict: what it says, the keys that give it, its look, and whether its key is needed twice."""

    judgement: str
    label: Any
    keys: tuple[str, ...]
    look: str = ""
    twice: bool = False


BUTTONS = (
    Button(Judgement.REFUSAL, Judgement.REFUSAL.label, ("1", "r"), "main"),
    Button(Judgement.EVERYONE, Judgement.EVERYONE.label, ("2", "e"), "danger", twice=True),
    Button(Judgement.NONE, Judgement.NONE.label, ("3", "n")),
    Button(Judgement.HELP, Judgement.HELP.label, ("4", "h")),
    Button(Judgement.OPT_IN, Judgement.OPT_IN.label, ("5", "w")),
    Button(Judgement.UNREADABLE, _("Close: nobody can be told from it"), ("6", "u")),
    Button(Judgement.AGAIN, Judgement.AGAIN.label, ("7", "a")),
)
SKIP_KEYS = ("0", "s")


def list_view(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """What waits for this person, oldest first, without a word of it."""
    page = Paginator(queue.waiting(_reader(request)), ROWS_A_PAGE).get_page(request.GET.get("page"))
    rows = [_row(message) for message in page]
    return TemplateResponse(request, "optout/review.html", {**context, "rows": rows, "page": page})


def _row(message: InboundMessage) -> dict[str, Any]:
    shown = _in_words(message)
    dismissed: bool = message.dismissed  # type: ignore[attr-defined]
    return {**shown, "message": message, "dismissed": _dismissed(readable=shown["readable"]) if dismissed else ""}


def next_view(request: HttpRequest) -> HttpResponse:
    """On to the oldest that waits behind the one that was passed, or to the list where there is none."""
    after = request.GET.get("after", "")
    return _on(int(after) if after.isascii() and after.isdigit() and len(after) < 19 else 0, _reader(request))


def message_view(request: HttpRequest, pk: int, context: dict[str, Any]) -> HttpResponse:
    """One message with all that stands around it; a POST is a verdict, and leads on to the next."""
    member = _reader(request)
    message = visible(InboundMessage.objects.select_related("endpoint"), member).filter(pk=pk).first()
    if message is None:
        raise Http404
    if request.method == "POST":
        return _judged(request, message, member, context)
    if message.state != State.REVIEW:
        messages.info(request, gettext("Message %(n)s has been judged.") % {"n": pk})
        return HttpResponseRedirect(reverse("admin:optout_inboundmessage_review"))
    looked(LookKind.REPLY, member, reply=message.pk)
    return _page(request, message, member, context)


def tiles(member: Member) -> list[dict[str, Any]]:
    """What the home page shows of this."""
    if not may_see(member, InboundMessage):
        return []
    link, late = reverse("admin:optout_inboundmessage_review"), queue.overdue(member)
    return [
        {
            "count": queue.waiting(member).count(),
            "label": _("Replies to review"),
            "link": link,
            "waits": member.role in MAY_JUDGE,
        },
        {"count": late, "label": _("of them for over a day"), "link": link, "late": late > 0},
    ]


def _reader(request: HttpRequest) -> Member:
    member = member_of(request)
    if member is None or not may_see(member, InboundMessage):
        raise PermissionDenied
    return member


def _on(message_id: int, member: Member) -> HttpResponse:
    following = queue.next_after(message_id, member)
    if following is None:
        return HttpResponseRedirect(reverse("admin:optout_inboundmessage_review"))
    return HttpResponseRedirect(reverse("admin:optout_inboundmessage_judge", args=[following.pk]))


def _judged(request: HttpRequest, message: InboundMessage, member: Member, context: dict[str, Any]) -> HttpResponse:
    """Give the verdict. What is refused is shown with what was written, unless the message waits no more."""
    reading = _reading(request.POST.get("reading", ""))
    with explained(request) as outcome:
        verdict = judge(
            message_id=message.pk,
            reading=reading,
            judgement=_given(request, "judgement"),
            institution=_given(request, "institution"),
            note=_given(request, "note"),
            member=member,
        )
    if outcome.refused:
        message.refresh_from_db()
        if message.state == State.REVIEW and message.processed_at == reading:
            return _page(request, message, member, context, status=409)
        return _on(message.pk, member)
    messages.success(request, _done(verdict))
    if "code" in request.POST and verdict.judgement in HONOURING:
        with explained(request) as proposal:
            application = propose_code(verdict=verdict)
        if not proposal.refused:
            messages.success(request, gettext("Proposed: %(application)s.") % {"application": application})
    return _on(message.pk, member)


def _given(request: HttpRequest, name: str) -> str:
    """A field of the form; no text of the database holds a NUL."""
    return request.POST.get(name, "").replace("\x00", "")


def _done(verdict: Verdict) -> str:
    """What a verdict did."""
    done = {"n": verdict.message_id, "verdict": verdict.get_judgement_display()}
    if verdict.judgement in DISMISSING and verdict.message.state == State.REVIEW:
        return gettext("Message %(n)s: %(verdict)s. It waits for a second person to say so too.") % done
    return gettext("Message %(n)s: %(verdict)s.") % done


def _reading(text: str) -> datetime:
    """The reading that a form names; none that ever was where it names none."""
    try:
        reading = datetime.fromisoformat(text)
        return reading.astimezone(UTC) if reading.tzinfo else _NEVER
    except (ValueError, OverflowError):
        return _NEVER


def _page(
    request: HttpRequest, message: InboundMessage, member: Member, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    around = queue.background(message)
    dismissals = list(message.verdicts.dismissing())
    own = any(verdict.member_id == member.pk for verdict in dismissals)
    shown = {
        **_in_words(message),
        "title": gettext("Message %(n)s") % {"n": message.pk},
        "message": message,
        "around": around,
        "text": _pieces(around.opened, MOST_SHOWN),
        "cut": around.opened is not None and len(around.opened.text) > MOST_SHOWN,
        "reach": _reach(around) if around.readable else [],
        "others": [(row, rule_in_words(row.rule), _pieces(it, MOST_SHOWN_OF_OTHERS)) for row, it in around.others],
        "dismissed": _dismissed(readable=around.readable, own=own) if dismissals else "",
        "buttons": _buttons(message, readable=around.readable, own=own) if member.role in MAY_JUDGE else [],
        "own": own,
        "skip_keys": SKIP_KEYS,
        "institutions": [] if message.port or not around.readable else Institution.objects.all(),
        "given": request.POST,
        "most_note": MOST_NOTE,
        "may_propose": around.readable and around.opened is not None,
    }
    return TemplateResponse(request, "optout/message.html", {**context, **shown}, status=status)


def _dismissed(*, readable: bool, own: bool = False) -> str:
    """What the first of two people said who dismiss a message; `own`: this person said it."""
    if own:
        seen = gettext("You saw no refusal; another person must agree.")
        return seen if readable else gettext("You closed it; another person must agree.")
    return gettext("One person saw no refusal.") if readable else gettext("One person closed it.")


def _buttons(message: InboundMessage, *, readable: bool, own: bool) -> list[Button]:
    """The verdicts that this message takes from this person; `own`: who dismissed it does not do so again."""
    wanted = set(Judgement) - {Judgement.UNREADABLE} if readable else {Judgement.UNREADABLE}
    wanted -= {Judgement.AGAIN}
    if message.rule.startswith(UNPROCESSABLE):
        wanted |= {Judgement.AGAIN}
    if own:
        wanted -= DISMISSING
    return [button for button in BUTTONS if button.judgement in wanted]


def _in_words(message: InboundMessage) -> dict[str, Any]:
    sender = sender_of(message)
    return {
        "age": _age(message),
        "rule": rule_in_words(message.rule),
        "flags": flags_in_words(message.flags),
        "readable": sender is not None,
        "sender": sender.masked() if sender else gettext("unreadable"),
    }


def _age(message: InboundMessage) -> SafeString:
    passed = timezone.now() - message.received_at
    colour = "bad" if passed >= queue.OVERDUE else "warn" if passed >= queue.LATE else "info"
    return badge(waited(message.received_at), colour)


def _pieces(opened: Opened | None, most: int) -> list[Piece]:
    return list(pieces(opened.text[:most])) if opened is not None else []


def _reach(around: queue.Background) -> list[str]:
    """Whom a refusal of the sender would reach, and what it would stop."""
    named = [
        str(around.institutions[target.institution_id])
        if target.institution_id
        else f"{Reach.NUMBER.label}: {target.digits}"
        for target in around.targets
    ]
    if around.policy is None:
        return named
    stopped = [listed(Purpose, around.policy.params["purposes"]), listed(Channel, around.policy.params["channels"])]
    return [*named, " · ".join(stopped)]
