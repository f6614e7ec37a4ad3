"""What no log may hold."""

from __future__ import annotations

import logging
import re

# The last part of these is as good as a password: a provider's path token, a receipt's code.
_SECRET_PART = re.compile(r"(/v1/(?:inbound/[^/\s]+|receipts)/)[^\s?]+")


class WithoutSecretPaths(logging.Filter):
    """Cuts the secret part out of a path that Django logs with a failed request."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                _SECRET_PART.sub(r"\1…", value) if isinstance(value, str) else value for value in record.args
            )
        return True
