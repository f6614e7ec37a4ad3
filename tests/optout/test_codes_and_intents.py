"""Whole-reply codes after safe normalisation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.codes import MAX_TEXT, canonical_code
from optout.intents import understand

CODES = {
    canonical_code(code): code for code in ("TD", "T", "N", "R", "退订", "拒收", "拒绝接收", "STOP", "OPT-OUT", "0000")
}


@pytest.mark.parametrize(
    "text",
    ["TD", "td", "ＴＤ", " T D ", "TD。", "TD！！", "“TD”", "【TD】", "(td)", "T\u200bD", "TD\ufe0f", "\ufeffTD\r\n", "退订", " 退 订 ",
     "拒绝接收。", "stop.", "Opt-Out", "OPT-OUT", "TD\x00", "TD\ud800", "００００", "'R'"],
)  # fmt: skip
def test_a_code_is_recognised_however_it_was_typed(text):
    assert understand(text, CODES).intent == "opt_out"


@pytest.mark.parametrize("text", ["T?", "T？", "TD?", "T/D", "T-D", "N1"])
def test_what_only_resembles_a_code_is_looked_at_by_a_person(text):
    assert understand(text, CODES).intent == "review"


@pytest.mark.parametrize(
    "text", [":-D", "T恤多少钱", "We have got to STOP this bill", "押金退了吗", "别停", "好的", "。。", "?"]
)
def test_what_says_something_else_refuses_nothing(text):
    assert understand(text, CODES).intent == "none"


def test_a_blank_reply_refuses_nothing():
    assert understand(" \n", CODES).intent == "none"


@pytest.mark.parametrize(("text", "intent"), [("help", "help"), ("START", "opt_in"), ("Yes!", "opt_in")])
def test_help_and_opt_in_are_told_apart(text, intent):
    assert understand(text, CODES).intent == intent


def test_a_code_that_is_not_in_force_for_the_port_is_looked_at():
    assert understand("88", CODES).intent == "review"


def test_a_code_of_another_port_or_time_is_looked_at():
    assert understand("Old, please", CODES, elsewhere={"OLD": "reject_code:8"}).rule == "code_elsewhere/2"
    assert understand("TD", CODES, elsewhere={"TD": "reject_code:8"}).rule == "TD/2"


def test_every_result_names_its_rule_and_version():
    assert understand("TD", {"TD": "reject_code:7"}).rule == "reject_code:7/2"
    assert understand("hello", CODES).rule == "nothing_refused/2"


@given(st.text("TdＴ退订拒收Nn0９#-。.!！ '\"“”【】()\u200b\u3000\ufe0f", max_size=30))
def test_the_canonical_form_is_a_fixed_point(text):
    once = canonical_code(text)
    assert canonical_code(once) == once


def test_blanks_however_many_change_no_code():
    assert understand("TD" + " " * MAX_TEXT, CODES).intent == "opt_out"


def test_an_endless_text_is_looked_at_by_a_person():
    assert understand("TD" * MAX_TEXT, CODES).intent == "review"
