"""How many failures lock, and how long sessions live. Pure: the settings read it."""

from datetime import timedelta

# How long a lock holds after the last failure.
COOL_OFF = timedelta(minutes=15)
# Failures within `COOL_OFF` that lock what they share. A name alone takes more, since whoever knows it could shut its
# owner out; an address alone still more, since a whole office may share one.
LIMITS: dict[tuple[str, ...], int] = {("username", "ip_address"): 5, ("username",): 20, ("ip_address",): 100}

# A session ends so long after its log-in, and so long after its last request.
LONGEST = timedelta(hours=8)
IDLE = timedelta(minutes=30)
# A request within this time of the last one is not written down.
GRAIN = timedelta(minutes=1)
