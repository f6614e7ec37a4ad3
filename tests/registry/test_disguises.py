"""A person's number is seen in the disguises that people give it, and ordinary text is not taken for one."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.disguises import CHINESE, read_letters, read_numerals
from registry.mentions import mentions_person, without_people
from registry.numbers import canonical_recipient

NUMBERS = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
WAYS = {
    value: [value, *(chinese for chinese, digit in CHINESE.items() if digit == value), chr(0x0660 + int(value))]
    for value in "0123456789"
}
CIRCLED = dict(zip("0123456789", "⓪①②③④⑤⑥⑦⑧⑨", strict=True))
LETTERS = {"0": "Oo", "1": "lI"}


def seen(written: str, number: str) -> None:
    masked = canonical_recipient(number).masked()
    assert mentions_person(written), written
    shown = without_people(written)
    assert masked in shown
    assert not mentions_person(shown)


@given(NUMBERS, st.data())
def test_in_numerals_of_every_kind_mixed_as_one_likes(number, data):
    written = "".join(data.draw(st.sampled_from([*WAYS[digit], CIRCLED[digit]])) for digit in number)
    seen(written, number)
    seen(f"客户{written}投诉。", number)


@given(NUMBERS)
def test_in_chinese_numerals_beside_the_word_for_once(number):
    written = "".join(WAYS[digit][1] for digit in number)
    seen(f"打{written}一下", number)


@given(NUMBERS, st.data())
def test_with_letters_that_look_like_digits(number, data):
    written = "".join(data.draw(st.sampled_from([digit, *LETTERS.get(digit, "")])) for digit in number)
    seen(f"call {written}, please", number)


@given(NUMBERS, st.sampled_from([" ", "-", "、", ", ", "，", " . ", "/"]), st.sampled_from(["ascii", "chinese"]))
def test_digit_by_digit(number, between, script):
    digits = [WAYS[digit][1] for digit in number] if script == "chinese" else number
    seen(f"客户 {between.join(digits)} 投诉", number)


def test_a_fixed_line_in_numerals():
    assert without_people("零五七一八七六五四三二一") == "571****4321"


@pytest.mark.parametrize(
    "text",
    [
        "一二三路四五六号", "二〇二六年一月三十一日", "壹拾叁万肆仟伍佰元", "一一三八", "第一二三四五六七八九十条", "一九九八〇一一二",
        "entry 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11", "1 2 3 4 5 6 7 8 9 0 1", "Io lO loO OOl", "2026-1-3 1:2:3 4-5-6",
        "sha256 1ol00IO3lo1O9", "10l54OOOOO001", "一、二、三、四、五、六、七、八、九、十、十一",
    ],
)  # fmt: skip
def test_ordinary_text_is_left_alone(text):
    assert without_people(text) == text


@given(st.text())
def test_what_is_read_has_the_length_of_what_was_written(text):
    assert len(read_numerals(text)) == len(read_letters(text)) == len(text)


@pytest.mark.parametrize("odd", ["一", "1 ", "0", "O", "1-", "lO1", "(一)", "1 2 3 4 5 6 7 8 9 "])
def test_hostile_text_takes_time_as_it_is_long(odd):
    def took(length: int) -> float:
        begun = time.process_time()
        without_people(odd * length + "X")
        return time.process_time() - begun

    took(100)
    assert took(16_000) < 8 * took(4_000) + 0.05
