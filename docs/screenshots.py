"""Pictures of the site's pages: a node with the demo library, a browser, a PNG of each page.

    make screenshots                     all of them, in every language and scheme, into docs/screenshots/
    make screenshots ARGS="listings"     only pages whose name holds one of these words

A file is called NAME.LANGUAGE.SCHEME.png and shows the first 1280 × 800 pixels.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby, product
from pathlib import Path

from playwright.sync_api import Browser

from config.env import PROJECT
from tests.faults.support import RunningNode, running_node, until
from tests.gateways.smsc import running_smsc
from tests.journeys.browser import LAPTOP, LOCALES, asks_who, log_in, open_context, running_chromium

FOLDER = PROJECT / "docs" / "screenshots"
SCHEMES = ("light", "dark")

# Name, role that looks at it (None: a stranger), path. A role's pages stand together: it logs in once for them.
Page = tuple[str, str | None, str]
PAGES: tuple[Page, ...] = (
    ("log-in", None, "/admin/"),
    ("who", None, "/who?number=10690001"),
    ("receipt", None, "/v1/receipts/{receipt}"),
    ("me", None, "/me"),
    ("ledger-key", None, "/ledger/key"),
    ("officer-home", "officer", "/admin/"),
    ("scrub", "officer", "/admin/registry/scrub/new/"),
    ("new-listing", "officer", "/admin/registry/application/new/list/"),
    ("import", "officer", "/admin/registry/application/import/"),
    ("carrier-home", "carrier", "/admin/"),
    ("regulator-home", "regulator", "/admin/"),
    ("applications", "regulator", "/admin/registry/application/?waiting=open"),
    ("application", "regulator", "/admin/registry/application/2/change/"),
    ("numbers", "regulator", "/admin/registry/listing/"),
    ("number", "regulator", "/admin/registry/listing/1/change/"),
    ("explain", "regulator", "/admin/registry/listing/explain/"),
    ("evidence", "regulator", "/admin/optout/evidencecase/new/"),
    ("canary", "regulator", "/admin/registry/canary/new/"),
    ("looks", "regulator", "/admin/registry/look/report/"),
    ("certificate", "regulator", "/admin/registry/listing/1/certificate/"),
    ("review", "operator", "/admin/optout/inboundmessage/review/"),
    # The oldest that waits.
    ("verdict", "operator", "/admin/optout/inboundmessage/review/next/"),
    ("ledger", "auditor", "/admin/registry/ledgerentry/"),
    ("members", "administrator", "/admin/registry/member/"),
)
# These need a gateway.
OF_RECEIVERS: tuple[Page, ...] = (
    ("receivers", "administrator", "/admin/optout/receiver/"),
    ("receiver", "administrator", "/admin/optout/receiver/1/change/"),
)

# Receivers of two gateways, one of which answers.
RECEIVERS = """
from optout.services.receivers import ReceiverSettings, record_receiver
for name, protocol, version, host, port, account, bind in (
    ("gd-mobile", "smpp", "3.4", "127.0.0.1", {port}, "haomaku", "receiver"),
    ("js-mobile", "cmpp", "3.0", "ismg.example", 7890, "900001", ""),
):
    settings = ReceiverSettings(
        protocol=protocol, version=version, host=host, tcp_port=port, account=account, bind=bind
    )
    record_receiver(name=name, settings=settings, secret="s3cret", by="console")
"""


@contextmanager
def receivers(node: RunningNode) -> Iterator[None]:
    """Two receivers, of which one is bound and has been delivered a reply."""
    with running_smsc() as gateway:
        recorded = node.manage("shell", "--no-imports", "-c", RECEIVERS.format(port=gateway.port))
        assert recorded.returncode == 0, recorded.stderr
        gateway.await_event("bound")
        gateway.deliver("TD")
        yield


def address(node: RunningNode, path: str) -> str:
    """A path of PAGES in this node. Where it needs a receipt, the same person refuses, again."""
    if "{receipt}" not in path:
        return path
    person = "15400000777"
    node.accepted(person, "10690001")
    found = until(lambda: node.manage("find_receipts", text=f"{person}\n").stdout.split())
    return path.format(receipt=found[0])


def take(browser: Browser, node: RunningNode, pages: Iterable[Page], folder: Path) -> list[Path]:
    """Save a picture of each page in each language and scheme; a page that is refused or missing stops it all."""
    saved = []
    for role, seen in groupby(pages, key=lambda page: page[1]):
        cookies = []
        to_show = [(name, address(node, path)) for name, _, path in seen]
        for language, scheme in product(LOCALES, SCHEMES):
            context = open_context(browser, node.demo["base_url"], language=language, scheme=scheme, size=LAPTOP)
            page = context.new_page()
            if role:
                context.add_cookies(cookies)
                log_in(page, node.demo["logins"][role])
                cookies = context.cookies()
            for name, path in to_show:
                answer = page.goto(path, wait_until="networkidle")
                shown = answer and answer.status == 200 and not (role and asks_who(page))
                assert shown, f"{role or 'a stranger'} is not shown {path}: {answer and answer.status}"
                saved.append(folder / f"{name}.{language}.{scheme}.png")
                page.screenshot(path=saved[-1])
            context.close()
    return saved


def main(words: list[str]) -> None:
    chosen, of_receivers = (
        [page for page in pages if not words or any(word in page[0] for word in words)]
        for pages in (PAGES, OF_RECEIVERS)
    )
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as data_dir, running_node(Path(data_dir)) as node, running_chromium() as browser:
        saved = take(browser, node, chosen, FOLDER)
        if of_receivers:
            with receivers(node):
                saved += take(browser, node, of_receivers, FOLDER)
        for path in saved:
            print(path.relative_to(PROJECT))


if __name__ == "__main__":
    main(sys.argv[1:])
