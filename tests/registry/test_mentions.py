"""A person's number inside a text is seen however it is written, and dates, ports and amounts are none."""

import itertools

import pytest

from registry.mentions import mentions_person, without_people
from registry.numbers import canonical_recipient
from tests.leaks.marks import FULL_WIDTH, odd_spellings, people

MARKS = list(itertools.islice(people(), 8))


@pytest.mark.parametrize("mark", MARKS, ids=lambda mark: mark.national)
def test_every_spelling_is_seen_and_masked(mark):
    masked = canonical_recipient(f"+{mark.e164}").masked()
    for spelling in odd_spellings(mark):
        for text in ("{}", "客户{}投诉", "port 10690001, {}.", "list_{}_v2.csv", "{}/10690001"):
            written = text.format(spelling)
            assert mentions_person(written), written
            shown = without_people(written)
            assert mark.core not in shown.translate({ord("-"): "", ord(" "): ""})
            assert masked in shown
            assert not mentions_person(shown)


@pytest.mark.parametrize(
    "text",
    [
        "10690001 154 0000 0001",
        "1069000115400000001 154-0000-0001",
        "（０５７１）8765 4321",
        "+1 202 555 0117",
        "00442079460000",
        "154 - 0000 - 0001",
        "154/0000/0001",
        "154·0000·0001",
        "154\u00ad0000\ufeff0001",
    ],
)
def test_a_number_is_seen_behind_others_and_in_groups(text):
    assert mentions_person(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "演示:投诉集中,暂停核查", "106900010001", "95588", "4000000000", "2026-01-31 08:00 2026-02-01 18:00", "18 2026-01-31 5",
        "00:09 2026-01-31 12:00", "合同 88 号第 7 条", "WT-DEMO-001", "20260131154123456781", "154****0001", "1720123456789",
        "entry 469, 11 of 50,000 rows", "第 (1) 条 (2) 款",
    ],
)  # fmt: skip
def test_other_digits_are_no_number(text):
    assert not mentions_person(text)
    assert without_people(text) == text


def test_several_are_masked_and_the_rest_stays():
    text = "15400000001、+86 154-0000-0002 与 10690001".translate(FULL_WIDTH)
    assert without_people(text) == "154****0001、154****0002 与 10690001"
