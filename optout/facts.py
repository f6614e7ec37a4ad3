"""Which rows of replies the ledger holds whole, and in which entries; beside those of `registry.ledger.facts`."""

from optout.models import Verdict
from registry.ledger.facts import COLUMNS, MODEL_OF
from registry.ledger.format import Kind

COLUMNS[Verdict] = ("id", "message_id", "reading", "member_id", "judgement", "institution_id", "at", "note_id")
MODEL_OF[Kind.VERDICT_GIVEN] = Verdict
