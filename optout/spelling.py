"""English words as thumbs write them: a letter too few, twice or in the wrong place, vowels left out. Pure.

Only the words of a demand are brought to their form, and nothing that is a word by itself: `massage` stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

# The words by which one refuses.
_REFUSING = """
    stop stopping please kindly remove removed removing delete deleted deleting unsubscribe unsubscribed cancel number
    numbers list lists database system message messages messaging texting texts calling calls contact contacting
    contacted sending sends spamming disturb disturbing bother bothering harass harassing receive received receiving
    again anymore longer further permission consent consented subscription notifications notification marketing
    promotional offers advertising immediately mailing email emails emailing communication communications interested
    records quit cease desist phone mobile forever never
"""
# Words of their own at one slip from these.
_OTHERS = """
    step steps spot sop top stops stoop shopping stooping topping massage massages massaging testing tests contract
    contracts contracting selling fling filling falling cling offer lit cast least sit texas exiting hall lending ending
    vending spending seeding hone pone shone mail mailing pot otp quiet quite quits case cases crease nerve brother other
    numb umber lumber elect elected lease release stem gain record content recall remote move moved moves moving father
    linger loner emission mission reviving calms callings cancer cancels contain deist resist desists clear missive
    receiver receives recipe desire forgive foreve sand sending lest lists fist
"""
_SHORT = {
    "frm": "from", "lst": "list", "yr": "your", "yur": "your", "numbr": "number", "nbr": "number", "nomber": "number",
    "stpo": "stop", "sotp": "stop", "sopt": "stop", "stap": "stop", "qiut": "quit", "dnt": "dont", "dunt": "dont", "wnt": "want",
    "snd": "send", "snding": "sending", "cll": "call", "txtng": "texting", "dlt": "delete", "del": "delete", "recieve": "receive",
    "recieving": "receiving", "recive": "receive", "mesg": "message", "mesgs": "messages", "msgz": "messages", "txtz": "texts", "mor": "more",
    "agn": "again", "wana": "wanna", "wuld": "would", "wud": "would", "shud": "should", "cud": "could", "teh": "the", "plis": "please",
}  # fmt: skip
_SHORTEST = 5
_SHORTEST_BARE = 3


def corrections(known: Iterable[str]) -> dict[str, str]:
    """Misspelling → word, of none that is `known`."""
    taken = frozenset(_OTHERS.split()).union(known)
    found = {word: right for word, right in _SHORT.items() if word not in taken}
    for right in _REFUSING.split():
        for wrong in _slips(right):
            if wrong not in taken:
                found.setdefault(wrong, right)
    return found


def _slips(word: str) -> Iterator[str]:
    if len(word) < _SHORTEST:
        return
    bare = word[0] + "".join(letter for letter in word[1:] if letter not in "aeiou")
    if len(bare) >= _SHORTEST_BARE:
        yield bare
    for at, letter in enumerate(word):
        yield word[:at] + letter + word[at:]
        if at:
            yield word[:at] + word[at + 1 :]
        if at + 1 < len(word):
            yield word[:at] + word[at + 1] + letter + word[at + 2 :]
