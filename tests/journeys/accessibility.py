"""What a page owes to those who see little, hear it read or hold a phone: measured in the page itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import CDPSession, Page

CONTRAST = Path(__file__).with_name("accessibility.js").read_text("utf-8")
# As Chromium's accessibility tree calls them.
CONTROLS = {
    "button", "checkbox", "combobox", "ColorWell", "Date", "DateTime", "DisclosureTriangle", "InputTime", "link",
    "listbox", "menuitem", "radio", "searchbox", "slider", "spinbutton", "switch", "tab", "textbox",
}  # fmt: skip
# An icon font draws words as pictures, which a screen reader reads out as the words.
DESCRIBE = """function () {
    const icons = [this, ...this.querySelectorAll("*")].filter(
        (element) => !element.children.length && /material symbols/i.test(getComputedStyle(element).fontFamily));
    return [this.cloneNode().outerHTML, this.title ? "" : icons.map((icon) => icon.textContent).join("")];
}"""


@dataclass(frozen=True)
class ContrastFailure:
    """A text, the element that holds it, and how far its contrast is from what it needs."""

    text: str
    where: str
    ratio: float
    needed: float
    colour: str
    background: str


def contrast_failures(page: Page) -> list[ContrastFailure]:
    """Visible texts, values and placeholders below WCAG 2.1 AA: 4.5, or 3.0 from 24 px, or from 18.66 px in bold.

    The background is the blend of the ancestors' colours, on white. Not judged: disabled controls, text over images and
    gradients, icon fonts, text that something other than an ancestor lies behind.
    """
    return [ContrastFailure(**found) for found in page.evaluate(CONTRAST)]


def unlabelled_controls(page: Page) -> list[str]:
    """The tags of links, buttons and fields that Chromium has no accessible name for.

    An icon's ligature is no name; beside it a title is taken for one.
    """
    session = page.context.new_cdp_session(page)
    try:
        nodes = session.send("Accessibility.getFullAXTree")["nodes"]
        controls = [node for node in nodes if not node["ignored"] and node["role"]["value"] in CONTROLS]
        return [tag for control in controls if (tag := _tag_if_unlabelled(session, control))]
    finally:
        session.detach()


def _tag_if_unlabelled(session: CDPSession, control: dict[str, Any]) -> str | None:
    name = "".join(control.get("name", {}).get("value", "").split())
    handle = session.send("DOM.resolveNode", {"backendNodeId": control["backendDOMNodeId"]})["object"]["objectId"]
    call = {"objectId": handle, "functionDeclaration": DESCRIBE, "returnByValue": True}
    tag, icons = session.send("Runtime.callFunctionOn", call)["result"]["value"]
    return tag if name in ("", "".join(icons.split())) else None


def no_overflow(page: Page) -> bool:
    """Whether nothing sticks out sideways, so that the page itself need not be scrolled to read it."""
    fits: bool = page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    return fits
