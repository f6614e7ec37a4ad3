"""What people read for flags and rules of replies; `docs/replies.md` says more of each."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

# What was odd about a reply as it arrived.
FLAGS: dict[str, Any] = {
    "no_id": _("No identifier"),
    "no_text": _("No text"),
    "odd_text": _("Odd characters"),
    "long_text": _("Long text"),
    "odd_from": _("Odd number of the person"),
    "pseudonymous": _("Pseudonym instead of a number"),
    "odd_to": _("Odd port"),
    "extension_only": _("Extension without its port"),
    "no_time": _("No time"),
    "unknown_fields": _("Unknown fields"),
    "imported": _("Out of a file"),
    "provider_opt_out": _("The provider took it for a refusal"),
    "incomplete": _("Parts missing"),
}

# What the recogniser saw, by the rule without its version or argument.
RULES: dict[str, Any] = {
    "reject_code": _("A reject code"),
    "unsubscribe": _("Asks to unsubscribe"),
    "stop": _("Says stop"),
    "do_not": _("Says do not"),
    "not_wanted": _("Does not want messages"),
    "refuse": _("Refuses or objects"),
    "no_more": _("No more messages"),
    "no": _("No messages or calls"),
    "cancel": _("Cancels messages"),
    "from_list": _("Wants to leave a list"),
    "consent": _("Withdraws consent"),
    "keyword": _("A known keyword"),
    "wanted_again": _("Wants messages again"),
    "nothing_refused": _("Nothing sounds like a refusal"),
    "negated": _("The contrary of a refusal"),
    "other_object": _("Words of a refusal, of something else"),
    "resembles": _("Resembles refusals, or what needed a person"),
    "unlike": _("A demand, in a text unlike any refusal"),
    "receipt": _("A delivery receipt"),
    "empty": _("No words"),
    "nearly_a_code": _("Nearly a reject code"),
    "code_elsewhere": _("A code of another port or time"),
    "look_alike": _("A refusal in look-alike letters"),
    "code_beside": _("A code beside other words"),
    "conditional": _("Under a condition"),
    "limited": _("For a time, or one channel"),
    "question": _("Asks about it"),
    "reported": _("Told of, or done already"),
    "others": _("About somebody else"),
    "unclear_object": _("A demand whose object is unclear"),
    "sounds_like": _("Sounds like a refusal"),
    "another_language": _("In a script that is not read here"),
    "another_person": _("The writer is not who was meant"),
    "automatic": _("In an automatic reply"),
    "signed": _("Begins with an institution's signature"),
    "too_long": _("Too long to be sure"),
    "no_text": _("No text"),
    "unreadable_from": _("A refusal whose sender cannot be read"),
    "unreadable_to": _("A refusal whose port cannot be read"),
    "no_refusal_policy": _("A refusal while no policy row was in force"),
    "provider_opt_out": _("The provider took it for a refusal"),
    "incomplete": _("No refusal in the parts that came"),
    "unprocessable": _("Could not be processed"),
}


def rule_in_words(rule: str) -> str:
    """A rule as people read it, with the fault where one kept a message from being read."""
    name, _colon, argument = rule.partition("/")[0].partition(":")
    words = str(RULES.get(name, rule))
    return f"{words} ({argument})" if name == "unprocessable" else words


def flags_in_words(flags: list[str]) -> str:
    """Flags as one text."""
    return gettext(", ").join(str(FLAGS.get(flag, flag)) for flag in flags)
