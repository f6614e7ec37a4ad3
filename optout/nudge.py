"""Tell a worker that replies wait."""

from registry.nudge import Nudger

APPLY_REPLIES = "optout.apply_replies"

nudge = Nudger(APPLY_REPLIES)
