"""The words of the site: collects them into locale/, keeps their translations, and compiles: python docs/words.py.

English is the source language, so its sentences are the message ids. Beside our own, the catalogue holds what the pages
of packages say and no package translates. Exits with 1 where a translation is missing.
"""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

PROJECT = Path(__file__).resolve().parent.parent
PO = PROJECT / "locale/zh_Hans/LC_MESSAGES/django.po"
OWN = ("config", "registry", "optout")
# Whose pages and messages the site shows, and whose catalogues it reads beside ours.
PACKAGES = (
    "unfold",
    "django.contrib.auth",
    "allauth.account",
    "allauth.mfa",
    "allauth.templates.account",
    "allauth.templates.mfa",
)
CATALOGUES = ("django.conf", "django.contrib.admin", "django.contrib.auth", "django.contrib.humanize", "allauth")
# Translated by a package, but not well: ours go before.
BETTER = {"Incorrect code.", "Incorrect password.", "Use authenticator app or code"}
KEYWORDS: dict[str, Any] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
# What is given a sentence that the site looks up as it shows it, and the sentence's place among the arguments.
SENTENCES = {"DomainError": 1, "StaleState": 0, "Sentence": 0, "Unreadable": 0, "refused": 0}
# Parts whose sentences never reach the site.
ENGLISH = {"api", "decisions", "management"}

HEADERS = [
    ("Project-Id-Version", "Haomaku"),
    ("Language", "zh_Hans"),
    ("MIME-Version", "1.0"),
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Content-Transfer-Encoding", "8bit"),
    ("Plural-Forms", "nplurals=1; plural=0;"),
]

# File, message id (or singular and plural), context.
Message = tuple[str, str | tuple[str, ...], str | None]


class Undated(Catalog):
    """With a header that is the same at every time."""

    mime_headers = HEADERS


def own_messages() -> Iterator[Message]:
    """Every message of our own sources."""
    for folder in OWN:
        yield from _messages(PROJECT / folder, PROJECT)
    for path in _files(PROJECT / "registry", "py"):
        if path.relative_to(PROJECT).parts[1] not in ENGLISH:
            yield from _sentences(path)


def package_messages() -> Iterator[Message]:
    """What packages say and none of them translates."""
    known = {
        (message.id, message.context)
        for name in CATALOGUES
        for path in _catalogues(_folder(name))
        for message in _read(path)
        if message.id and message.string and not message.fuzzy and message.id not in BETTER
    }
    for name in PACKAGES:
        folder = _folder(name)
        root = folder.parents[name.count(".")]
        yield from (
            found
            for found in _messages(folder, root)
            if found[1:] not in known and not found[0].startswith("unfold/contrib")
        )


def collected() -> Catalog:
    """All messages, with the translations that the committed catalogue has for them."""
    fresh = Catalog(locale="zh_Hans", project="Haomaku", charset="utf-8", fuzzy=False)
    for found in (own_messages, package_messages):
        for path, message, context in found():
            fresh.add(message, locations=[(path, 0)], context=context)
    known = {(_key(message.id), message.context): message for message in _read(PO)} if PO.exists() else {}
    for message in fresh:
        old = known.get((_key(message.id), message.context))
        if message.id and old is not None and not old.fuzzy:
            message.string = old.string if isinstance(message.id, str) else (old.string[0],)
    return fresh


def po_of(catalogue: Catalog) -> bytes:
    """The catalogue as a file: no lines of the sources, which would change with everything."""
    entries = io.BytesIO()
    write_po(entries, catalogue, width=120, sort_output=True, include_lineno=False, omit_header=True)
    header = "".join(f'"{name}: {value}\\n"\n' for name, value in HEADERS)
    return f'msgid ""\nmsgstr ""\n{header}\n'.encode() + entries.getvalue()


def mo_of(po: bytes) -> bytes:
    """What a catalogue's file compiles to."""
    compiled, catalogue = io.BytesIO(), Undated(locale="zh_Hans")
    for message in read_po(io.BytesIO(po), locale="zh_Hans"):
        if message.id:
            catalogue.add(message.id, message.string, context=message.context)
    write_mo(compiled, catalogue)
    return compiled.getvalue()


def _key(message: Any) -> str:
    return message if isinstance(message, str) else message[0]


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def _folder(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None, package
    return Path(next(iter(spec.submodule_search_locations or [])))


def _catalogues(folder: Path) -> list[Path]:
    return sorted(folder.glob("locale/zh_Hans/LC_MESSAGES/django.po"))


def _files(folder: Path, *endings: str) -> list[Path]:
    found = [path for ending in endings for path in folder.rglob(f"*.{ending}")]
    return sorted(path for path in found if not {"migrations", "tests", "static"} & set(path.parts))


def _messages(folder: Path, root: Path) -> Iterator[Message]:
    for path in _files(folder, "py", "html", "txt"):
        text = path.read_text("utf-8")
        # Inside brackets no line is indented, which a template's may be in any way.
        source = text if path.suffix == ".py" else f"({templatize(text)}\n)"
        for _line, message, _comments, context in extract("python", io.BytesIO(source.encode()), KEYWORDS):
            if message and message != ("", ""):
                yield str(path.relative_to(root)), message, context


def _sentences(path: Path) -> Iterator[Message]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in SENTENCES:
            continue
        given = node.args[SENTENCES[node.func.id] :][:1]
        if given and isinstance(given[0], ast.Constant) and isinstance(given[0].value, str):
            yield str(path.relative_to(PROJECT)), given[0].value, None


def main() -> int:
    """Write both files, and name what has no translation."""
    catalogue = collected()
    po = po_of(catalogue)
    PO.parent.mkdir(parents=True, exist_ok=True)
    PO.write_bytes(po)
    PO.with_suffix(".mo").write_bytes(mo_of(po))
    missing = [_key(message.id) for message in catalogue if message.id and not (message.string and all(message.string))]
    print(f"{len(catalogue)} messages, {len(missing)} without a translation")
    for message in missing:
        print(f"  {message}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
