"""Channels, purposes, and the set of (purpose, channel) pairs as one byte. Pure."""

from __future__ import annotations

from collections.abc import Iterable

CHANNELS = ("sms", "voice")
PURPOSES = ("marketing", "collection", "service", "verification")
# Only these two are ever stopped by a refusal or by a stale index: a one-time password must arrive.
REFUSABLE_PURPOSES = ("marketing", "collection")

_BITS = {(p, c): 1 << (i * len(CHANNELS) + j) for i, p in enumerate(PURPOSES) for j, c in enumerate(CHANNELS)}


def mask(purposes: Iterable[str], channels: Iterable[str]) -> int:
    """The byte in which every pair of one of `purposes` and one of `channels` is set."""
    wanted = tuple(channels)
    bits = 0
    for purpose in purposes:
        for channel in wanted:
            bits |= _BITS[purpose, channel]
    return bits
