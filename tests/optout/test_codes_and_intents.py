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
    assert understand("Old, please", CODES, elsewhere={"OLD": "reject_code:8"}).rule == "code_elsewhere/4"
    assert understand("TD", CODES, elsewhere={"TD": "reject_code:8"}).rule == "TD/4"


def test_every_result_names_its_rule_and_version():
    assert understand("TD", {"TD": "reject_code:7"}).rule == "reject_code:7/4"
    assert understand("hello", CODES).rule == "nothing_refused/4"


@given(st.text("TdＴ退订拒收Nn0９#-。.!！ '\"“”【】()\u200b\u3000\ufe0f", max_size=30))
def test_the_canonical_form_is_a_fixed_point(text):
    once = canonical_code(text)
    assert canonical_code(once) == once


def test_blanks_however_many_change_no_code():
    assert understand("TD" + " " * MAX_TEXT, CODES).intent == "opt_out"


def test_an_endless_text_is_looked_at_by_a_person():
    assert understand("TD" * MAX_TEXT, CODES).intent == "review"


EVERYONES = {name: f"c:{name}" for name in ("TD", "T", "N", "STOP", "SM", "退订", "拒收")}


@pytest.mark.parametrize(
    "text",
    [
        "TD ALL", "td all", "ＴＤ　ＡＬＬ", "TDALL", "tdall。", "TD, ALL", "TD-ALL", "all TD", "STOP ALL", "stopall", "unsubscribe all",
        "please TD all, thanks", "TD ALL\n> 【栗溪银行】您的账单", "全部退订", "退订全部", "全部都退订", "所有退订", "退订所有", "一切退订", "全部拒收",
        "请全部退订，谢谢", "我要全部退订", "全部TD", "TD全部", "全部 退订", "全部取消订阅", "全部拒绝接收", "全部退訂🙏", "“全部退订”",
    ],
)  # fmt: skip
def test_a_code_and_all_refuse_everyone(text):
    found = understand(text, EVERYONES)
    assert (found.intent, found.everyone) == ("opt_out", True)


@pytest.mark.parametrize(
    "text",
    [
        "TD", "退订", "退订所有短信", "你们的全部退订", "所有短信全部退订", "不要全部退订", "全部退订吗？", "TD ALL?", "T ALL", "N all", "tall", "small",
        "all", "全部", "install", "don't stop all", "call", "【栗溪银行】全部退订", "已经全部退订", "请问怎么全部退订", "TD all my friends", "ALL GOOD",
    ],
)  # fmt: skip
def test_whoever_says_more_or_less_does_not_mean_everyone(text):
    assert not understand(text, EVERYONES).everyone


def test_all_behind_a_code_that_is_not_in_force_is_looked_at():
    assert understand("TD ALL", {}, elsewhere={"TD": "reject_code:8"}).intent == "review"


def test_a_long_text_that_speaks_of_all_takes_no_longer():
    assert not understand("全部" * 2000, EVERYONES).everyone
    assert not understand("all " * 1000 + "td", EVERYONES).everyone
