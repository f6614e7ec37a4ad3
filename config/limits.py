"""How large a body may be, by its path."""

from __future__ import annotations

import re

from registry.decisions.transport import MAX_BODY_BYTES

# A file of evidence, 10 MiB in base64, and what stands around it; in the site also a file to import.
MAX_EVIDENCE_BYTES = 14 * 1024 * 1024
_LARGE = re.compile(r"/v1/applications/[0-9]+/evidence|/admin/registry/application/.*")
# What is read while it arrives: files to scrub, at the API and in the site.
_STREAMED = re.compile(r"/v1/scrubs|/admin/registry/scrub/new/")


def is_streamed(method: str, path: str) -> bool:
    """Whether a view reads the body of such a request while it arrives; SCRUB_MIB limits it."""
    return method == "POST" and _STREAMED.fullmatch(path) is not None


def most_bytes(path: str) -> int:
    """The largest body that a request of `path` may have."""
    return MAX_EVIDENCE_BYTES if _LARGE.fullmatch(path) else MAX_BODY_BYTES
