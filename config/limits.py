"""How large a body may be, by its path."""

from __future__ import annotations

import re

from registry.decisions.transport import MAX_BODY_BYTES

# A file of evidence, 10 MiB in base64, and what stands around it; in the site also a file to import.
MAX_EVIDENCE_BYTES = 14 * 1024 * 1024
_LARGE = re.compile(r"/v1/applications/[0-9]+/evidence|/admin/registry/application/.*")


def most_bytes(path: str) -> int:
    """The largest body that a request of `path` may have."""
    return MAX_EVIDENCE_BYTES if _LARGE.fullmatch(path) else MAX_BODY_BYTES
