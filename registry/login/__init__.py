"""Logging in: lock-out, the second factor, and sessions that end."""
