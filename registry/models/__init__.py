"""The tables of the library and of the ledger."""

from registry.models.anchors import Anchor
from registry.models.applications import Application, ApplicationItem, Evidence, FiledRequest
from registry.models.budgets import AskedDay
from registry.models.canaries import Canary, CanaryAlarm, CarriedBatch, Door
from registry.models.checkpoints import CheckpointKey, SignedCheckpoint, TreeTile
from registry.models.consents import Consent
from registry.models.exports import Export
from registry.models.institutions import Carrier, Institution, Mandate
from registry.models.keys import ApiKey
from registry.models.ledger import LedgerEntry, LedgerHead, Statement
from registry.models.listings import Listing
from registry.models.looks import Look, LookKind
from registry.models.members import Member
from registry.models.number_keys import KeyState, NumberKey
from registry.models.purges import Purge
from registry.models.recipients import Correction, ErasedToken, Recipient, Suppression
from registry.models.rules import PolicyRow, RejectCode
from registry.models.scrubs import Scrub, ScrubDownload

__all__ = [
    "Anchor",
    "ApiKey",
    "Application",
    "ApplicationItem",
    "AskedDay",
    "Canary",
    "CanaryAlarm",
    "CarriedBatch",
    "Carrier",
    "CheckpointKey",
    "Consent",
    "Correction",
    "Door",
    "ErasedToken",
    "Evidence",
    "Export",
    "FiledRequest",
    "Institution",
    "KeyState",
    "LedgerEntry",
    "LedgerHead",
    "Listing",
    "Look",
    "LookKind",
    "Mandate",
    "Member",
    "NumberKey",
    "PolicyRow",
    "Purge",
    "Recipient",
    "RejectCode",
    "Scrub",
    "ScrubDownload",
    "SignedCheckpoint",
    "Statement",
    "Suppression",
    "TreeTile",
]
