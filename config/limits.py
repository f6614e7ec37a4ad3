"""How large a body may be, by its path."""

from __future__ import annotations

import re

from registry.decisions.app import MAX_BODY_BYTES

# A file of evidence, 10 MiB in base64, and what stands around it.
MAX_EVIDENCE_BYTES = 14 * 1024 * 1024
_EVIDENCE = re.compile(r"/v1/applications/[0-9]+/evidence")


def most_bytes(path: str) -> int:
    """The largest body that a request of `path` may have."""
    return MAX_EVIDENCE_BYTES if _EVIDENCE.fullmatch(path) else MAX_BODY_BYTES
