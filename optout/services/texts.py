"""What messages to people say: short, without a word of marketing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from registry.terms import Channel, Purpose

PURPOSES = {
    Purpose.MARKETING: _("marketing"),
    Purpose.COLLECTION: _("debt collection"),
    Purpose.SERVICE: _("service notices"),
    Purpose.VERIFICATION: _("verification codes"),
}
CHANNELS = {Channel.SMS: _("SMS"), Channel.VOICE: _("calls")}


# Many refuse the same.
@lru_cache(maxsize=1_000)
def confirmation(
    language: str, institution: str | None, digits: str, purposes: tuple[str, ...], channels: tuple[str, ...]
) -> str:
    """Who was refused, with what reach, and that it stands for good. The receipt's address is to follow."""
    with translation.override(language):
        words = {
            "who": institution or digits or gettext("all institutions"),
            "purposes": gettext(", ").join(str(PURPOSES[Purpose(word)]) for word in purposes),
            "channels": gettext(", ").join(str(CHANNELS[Channel(word)]) for word in channels),
        }
        return gettext("You refused %(purposes)s (%(channels)s) from %(who)s, for good. Receipt: ") % words


def how_to_correct(language: str) -> str:
    """How a refusal ends, to whoever wants messages again."""
    with translation.override(language):
        return gettext(
            "No reply lifts a refusal. If yours was recorded wrongly or your number was issued anew, apply to the financial"
            " regulator in writing with evidence; two officials decide."
        )


def who_it_is(language: str, port: str, holders: Sequence[str]) -> str:
    """Whose number it is, and how to refuse; without holders nobody registered it."""
    with translation.override(language):
        words = {"port": port, "who": gettext(", ").join(holders)}
        if not holders:
            return (
                gettext('No institution has registered %(port)s: be careful. To refuse, reply "unsubscribe".') % words
            )
        return gettext('%(port)s is a number of %(who)s. To refuse, reply "unsubscribe".') % words


def code(language: str) -> str:
    """What a code is for, and that nobody else may have it. The code is to follow."""
    with translation.override(language):
        return gettext(
            "Somebody wants to see what the refusal registry stores about this number. Was it not you? Do nothing."
            " Tell nobody this code, valid for 10 minutes: "
        )
