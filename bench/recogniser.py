"""How long the recogniser takes for a usual reply and for the longest one, beside one search for a code."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

from bench.node import Bench
from bench.results import Result, figure
from optout.codes import canonical_code
from optout.intents import understand

_CODES = "TD T N R D QX 0000 TDZD 退订 拒收 拒绝接收 取消订阅 STOP STOPALL UNSUBSCRIBE CANCEL END QUIT REVOKE OPTOUT OPT-OUT REMOVE ARRET"
CODES = {canonical_code(code): f"reject_code:{code}" for code in _CODES.split()}
# What comes in: mostly codes, then demands, then what is no refusal.
USUAL = (
    "TD", "T", "td", "N", "R", "退订", "TD。", "ＴＤ", "stop", "STOP", "拒收", "QX", "0000", "TD 谢谢", "回复TD", "退订，谢谢",
    "R\n> 【云杉信贷】您的借款将于周五到期，请按时还款。拒收请回复R", "不要再发了", "别再给我打电话了", "请停止发送短信",
    "stop texting me", "不需要贷款，请不要再发了", "please remove my number from your list", "收到", "好的，谢谢", "已经还了",
    "周五发工资马上还", "打错了", "ok", "I'll pay on Friday", "你是谁", "利率是多少", "怎么退订",
)  # fmt: skip
LONGEST = ("请不要再给我" * 12_000, "stop sending " * 5_041, "TD\n> " + "您的借款将于周五到期" * 6_553)
ROUNDS = 25


def run(bench: Bench) -> list[Result]:
    """What a usual reply takes, beside one search for a code in it, and what the longest one takes."""
    searched, understood = usual_reply()
    search = figure("code_search", "µs", searched)
    ours = figure("recogniser_usual_reply", "µs", understood)
    return [
        search,
        replace(ours, baseline=search.name, ratio=search.value / ours.value),
        Result("recogniser_64_kb_reply", longest_reply(), "ms", None, None, []),
    ]


def usual_reply() -> tuple[list[float], list[float]]:
    """Microseconds of each usual reply, medians over the rounds: the baseline's and the recogniser's."""
    search = re.compile("|".join(sorted(map(re.escape, CODES), key=len, reverse=True)), re.IGNORECASE).search
    return [_microseconds(search, text) for text in USUAL], [_microseconds(_understood, text) for text in USUAL]


def longest_reply() -> float:
    """Milliseconds of the slowest reply of 64 kB and more, the median over the rounds."""
    return max(_microseconds(_understood, text) for text in LONGEST) / 1000


def _understood(text: str) -> object:
    return understand(text, CODES)


def _microseconds(call: Callable[[str], object], text: str) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        call(text)
        times.append((time.perf_counter() - start) * 1e6)
    return statistics.median(times)
