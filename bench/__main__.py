"""`make bench`: what the product does, beside named baselines on the same machine in the same run."""

from __future__ import annotations

import json
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.effect import reply_to_effect
from bench.gateways import gateway_speeds
from bench.imports import refusal_lines, sender_lines, timed_import
from bench.load import Load, closed_loop, http_request
from bench.recogniser import longest_reply, usual_reply
from bench.throughput import Delivery, cpu_seconds, flow, insert_inbox, mixture, percentile, refusals
from config.env import PROJECT
from registry.numbers import canonical_recipient

ROUNDS = 5
SECONDS = 2.0
CONNECTIONS = 16
REPLIES_A_SECOND, REPLY_SECONDS = 50, 20
SUSTAINED_A_SECOND, SUSTAINED_SECONDS = 1_000, 60
# More than a node can do: how fast it then works off what has come.
FLOOD_A_SECOND, FLOOD_SECONDS = 5_000, 5
IMPORTED_ROWS, IMPORTED_REFUSALS = 200_000, 100_000


@dataclass(frozen=True)
class Result:
    """One figure. `ratio`: how many times better than the baseline of the same run; None where there is none."""

    name: str
    value: float
    unit: str
    baseline: str | None
    ratio: float | None
    rounds: list[float]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def node(data_dir: Path) -> Iterator[dict[str, Any]]:
    """A whole node under its supervisor, with the demo library; yields its demo.json."""
    ports = {"PORT": str(free_port()), "DECISION_PORT": str(free_port())}
    environ = {"PATH": os.environ["PATH"], "DATA_DIR": str(data_dir), **ports}
    process = subprocess.Popen(
        [sys.executable, "-m", "config.supervisor"], cwd=PROJECT, env=environ, stdout=subprocess.PIPE, text=True
    )
    try:
        for line in process.stdout or ():
            if line.startswith("Ready."):
                break
        yield json.loads((data_dir / "demo.json").read_text())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@contextmanager
def served(application: str, interface: str, data_dir: Path) -> Iterator[int]:
    """One worker of the server that the decision process uses, with another application; yields its port."""
    port = free_port()
    secrets = json.loads((data_dir / "secrets.json").read_text())
    environ = {**os.environ, **secrets, "DATA_DIR": str(data_dir)}
    command = ["-m", "granian", "--interface", interface, "--no-ws", "--log-level", "warning", "--workers", "1"]
    if interface == "wsgi":
        # Two threads served the ORM's answers fastest here; more only wait for one another.
        command += ["--blocking-threads", "2"]
    process = subprocess.Popen(
        [sys.executable, *command, "--host", "127.0.0.1", "--port", str(port), application], cwd=PROJECT, env=environ
    )
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                if process.poll() is not None:
                    raise SystemExit(f"{application} cannot be served.") from None
                time.sleep(0.05)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def questions(key: str) -> list[bytes]:
    """The same questions for every server: fifty senders, two thousand people, allowed all."""
    headers = {"Authorization": f"Bearer {key}"}
    return [
        http_request(
            "/v1/decisions",
            json.dumps(
                {
                    "sender": f"10690001{n % 50:04d}",
                    "recipient": f"1540000{n:04d}",
                    "channel": "sms",
                    "purpose": "collection",
                }
            ).encode(),
            headers,
        )
        for n in range(2_000)
    ]


def single_decisions(demo: dict[str, Any], data_dir: Path) -> list[Result]:
    """Decisions one at a time, against the null answer and the ORM, round by round in turn."""
    requests = questions(demo["api_key"])
    rounds: dict[str, list[Load]] = {"null_asgi": [], "decisions": [], "drf_orm": []}
    with ExitStack() as stack:
        ports = {
            "null_asgi": stack.enter_context(served("bench.null_asgi:application", "asgi", data_dir)),
            "decisions": int(demo["decisions_url"].rsplit(":", 1)[1]),
            "drf_orm": stack.enter_context(served("bench.drf_orm:application", "wsgi", data_dir)),
        }
        for port in ports.values():
            closed_loop(port, requests, connections=CONNECTIONS, seconds=1.0)
        for turn in range(ROUNDS):
            for name, port in ports.items():
                rounds[name].append(closed_loop(port, requests, connections=CONNECTIONS, seconds=SECONDS))
                show(f"round {turn + 1} {name}: {rounds[name][-1].per_second:,.0f}/s")
    speeds = {name: [load.per_second for load in loads] for name, loads in rounds.items()}
    ours = statistics.median(speeds["decisions"])
    results = [
        Result("null_asgi", statistics.median(speeds["null_asgi"]), "requests/s", None, None, speeds["null_asgi"]),
        Result("drf_orm", statistics.median(speeds["drf_orm"]), "decisions/s", None, None, speeds["drf_orm"]),
    ]
    for baseline in ("null_asgi", "drf_orm"):
        ratio = ours / statistics.median(speeds[baseline])
        results.append(Result("decision_single", ours, "decisions/s", baseline, ratio, speeds["decisions"]))
    p99 = [load.percentile(0.99) for load in rounds["decisions"]]
    results.append(Result("decision_single_p99_full_load", statistics.median(p99), "ms", None, None, p99))
    return results


def effect(demo: dict[str, Any]) -> list[Result]:
    """From the acknowledgement of a reply to the first denial, at a steady rate."""
    waits = sorted(reply_to_effect(demo, per_second=REPLIES_A_SECOND, seconds=REPLY_SECONDS))
    return [
        Result(f"reply_to_denial_p{share}", waits[min(len(waits) - 1, len(waits) * share // 100)], "ms", None, None, [])
        for share in (50, 99)
    ]


def throughput(demo: dict[str, Any], data_dir: Path) -> list[Result]:
    """Replies, a hundred a delivery, from the webhook to the decision: at a steady rate, at half of it, mixed, and flooded."""
    url = json.loads((data_dir / "secrets.json").read_text())["DATABASE_URL"]
    inserted = insert_inbox(url, seconds=SECONDS)
    results = [Result("insert_inbox", inserted, "rows/s", None, None, [])]
    used, start = cpu_seconds(data_dir), time.perf_counter()
    results += _flowed("replies", demo, refusals(0, SUSTAINED_A_SECOND * SUSTAINED_SECONDS), SUSTAINED_A_SECOND)
    took = time.perf_counter() - start
    for name, seconds in cpu_seconds(data_dir).items():
        results.append(
            Result(f"replies_cpu_{name}", (seconds - used[name]) / took * 100, "% of a core", None, None, [])
        )
    half, count = SUSTAINED_A_SECOND // 2, SUSTAINED_A_SECOND * SUSTAINED_SECONDS // 4
    results += _flowed("replies_half_rate", demo, refusals(100_000, count), half)
    results += _flowed("replies_mixed", demo, mixture(200_000, count), SUSTAINED_A_SECOND)
    flooded = flow(demo, refusals(300_000, FLOOD_A_SECOND * FLOOD_SECONDS), per_second=FLOOD_A_SECOND).per_second
    return [*results, Result("replies_flooded", flooded, "replies/s", "insert_inbox", flooded / inserted, [])]


def _flowed(name: str, demo: dict[str, Any], deliveries: list[Delivery], per_second: int) -> list[Result]:
    done = flow(demo, deliveries, per_second=per_second)
    waits = {share: percentile(done.waits_ms, share) for share in (50, 99)}
    show(f"{name}: {done.per_second:,.0f}/s, {done.backlog} waiting at the end, p99 {waits[99]:,.0f} ms")
    return [
        Result(f"{name}_a_second", done.per_second, "replies/s", None, None, []),
        Result(f"{name}_backlog", done.backlog, "replies", None, None, []),
        Result(f"{name}_answer_p99", percentile(done.answers_ms, 99), "ms", None, None, []),
        *(Result(f"{name}_effect_p{share}", wait, "ms", None, None, []) for share, wait in waits.items()),
    ]


def imports(data_dir: Path) -> list[Result]:
    """Large files, from the command's start to its end, beside PostgreSQL's own COPY of their rows."""
    return [
        *_imported("import_senders", data_dir, sender_lines(IMPORTED_ROWS)),
        *_imported("import_refusals", data_dir, refusal_lines(IMPORTED_REFUSALS)),
    ]


def _imported(command: str, data_dir: Path, rows: list[str]) -> list[Result]:
    timed = timed_import(command, data_dir, rows)
    copied, ours = (len(rows) / seconds for seconds in (timed.copy_seconds, timed.import_seconds))
    show(f"{command}: {ours:,.0f}/s")
    baseline = f"copy_rows_{command}"
    return [
        Result(baseline, copied, "rows/s", None, None, []),
        Result(f"{command}_rows", ours, "rows/s", baseline, ours / copied, []),
    ]


def gateways(data_dir: Path) -> list[Result]:
    """Replies over one connection of each protocol, from the message centre to its answer, beside single commits."""
    speeds = gateway_speeds(data_dir)
    medians = {name: statistics.median(rounds) for name, rounds in speeds.items()}
    commits = medians["postgres_commit"]
    return [
        Result("postgres_commit", commits, "rows/s", None, None, speeds["postgres_commit"]),
        *(
            Result(
                f"{name}_to_inbox",
                medians[name],
                "messages/s",
                "postgres_commit",
                medians[name] / commits,
                speeds[name],
            )
            for name in ("smpp", "cmpp")
        ),
    ]


def canonical() -> list[Result]:
    """Canonical recipients a second, of spellings as feeds hold them."""
    numbers = [f"1540{n:07d}" for n in range(100_000)]
    speeds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for number in numbers:
            canonical_recipient(number)
        speeds.append(len(numbers) / (time.perf_counter() - start))
    return [Result("canonical_recipients", statistics.median(speeds), "numbers/s", None, None, speeds)]


def recogniser() -> list[Result]:
    """What a usual reply takes, beside one search for a code in it, and what the longest one takes."""
    searched, understood = usual_reply()
    baseline, ours = statistics.median(searched), statistics.median(understood)
    return [
        Result("code_search", baseline, "µs", None, None, []),
        Result("recogniser_usual_reply", ours, "µs", "code_search", baseline / ours, []),
        Result("recogniser_64_kb_reply", longest_reply(), "ms", None, None, []),
    ]


def show(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def report(results: list[Result]) -> None:
    print(f"\n{'':32}{'median':>14} {'':14}{'spread':>12}  ratio")
    for result in results:
        spread = f"±{(max(result.rounds) - min(result.rounds)) / 2 / result.value:.0%}" if result.rounds else ""
        ratio = f"{result.ratio:.2f} × {result.baseline}" if result.ratio is not None else ""
        print(f"{result.name:32}{result.value:>14,.1f} {result.unit:14}{spread:>12}  {ratio}")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="haomaku-bench-") as folder:
        data_dir = Path(folder)
        with node(data_dir) as demo:
            results = [
                *canonical(),
                *recogniser(),
                *single_decisions(demo, data_dir),
                *effect(demo),
                *throughput(demo, data_dir),
                *gateways(data_dir),
                *imports(data_dir),
            ]
    machine = {"cpus": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
    path = PROJECT / "bench" / "results" / "latest.json"
    path.parent.mkdir(exist_ok=True)
    content = {"machine": machine, "results": [asdict(result) for result in results]}
    path.write_text(json.dumps(content, indent=2) + "\n")
    report(results)


if __name__ == "__main__":
    main()
