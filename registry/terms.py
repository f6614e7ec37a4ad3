"""The words of the field that rows choose from (design, "Words")."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Channel(TextChoices):
    SMS = "sms", _("SMS")
    VOICE = "voice", _("Voice")


class Purpose(TextChoices):
    MARKETING = "marketing", _("Marketing")
    COLLECTION = "collection", _("Collection")
    SERVICE = "service", _("Service")
    VERIFICATION = "verification", _("Verification")


class Match(TextChoices):
    """Whether a listing covers its digits alone, or everything under them too."""

    EXACT = "exact", _("Exact")
    PREFIX = "prefix", _("Prefix")


class Status(TextChoices):
    WHITE = "white", _("White")
    SUSPENDED = "suspended", _("Suspended")
    BLACK = "black", _("Black")
    ENDED = "ended", _("Ended")


class InstitutionType(TextChoices):
    """The types of the Ningxia notice of 2025, and the agent who acts under a mandate."""

    BANK = "bank", _("Bank")
    INSURANCE = "insurance", _("Insurance")
    TRUST = "trust", _("Trust")
    CONSUMER_FINANCE = "consumer_finance", _("Consumer finance")
    AMC = "amc", _("Asset management")
    LEASING = "leasing", _("Leasing")
    AUTO_FINANCE = "auto_finance", _("Auto finance")
    PAYMENT = "payment", _("Payment")
    CREDIT_REFERENCE = "credit_reference", _("Credit reference")
    SECURITIES = "securities", _("Securities")
    FUND = "fund", _("Fund")
    FUTURES = "futures", _("Futures")
    MICRO_LOAN = "micro_loan", _("Micro-loan")
    GUARANTEE = "guarantee", _("Guarantee")
    PAWN = "pawn", _("Pawn")
    FACTORING = "factoring", _("Factoring")
    LOCAL_AMC = "local_amc", _("Local asset management")
    AGENT = "agent", _("Agent")


class PolicyKind(TextChoices):
    """What a policy row rules."""

    REFUSAL = "refusal", _("What a refusal stops")
    REVIEW = "review", _("Periods of review")
    QUIET_HOURS = "quiet_hours", _("Quiet hours")
    FREQUENCY_CAP = "frequency_cap", _("Frequency cap")
    CALENDAR = "calendar", _("Calendar of a year")
    BUDGET = "budget", _("Budget of people a day")
    ACCESS = "access", _("How many numbers a person may reveal")
    RETENTION = "retention", _("How long something is kept")


class CodeScope(TextChoices):
    """For which replies a reject code counts."""

    GLOBAL = "global", _("Everywhere")
    INSTITUTION = "institution", _("One institution")
    NUMBER = "number", _("One number")


class Reach(TextChoices):
    """Whom a suppression forbids to reach its subject."""

    NUMBER = "number", _("The digits replied to")
    PRINCIPAL = "principal", _("The whole institution")
    EVERYONE = "everyone", _("Everyone")


class Origin(TextChoices):
    """How a suppression came to be."""

    REPLY = "reply", _("Reply")
    WIDENING = "widening", _("Later listing of the digits")
    IMPORT = "import", _("Import")
    CALL_CENTRE = "call_centre", _("Said to a call centre")
    KEY_PRESS = "key_press", _("Key pressed in a call")
    COUNTER = "counter", _("Said at a counter")
    LETTER = "letter", _("Letter")


class Role(TextChoices):
    """What a person does in the site (design, "Who decides"); `docs/roles.md` says what each may do."""

    OFFICER = "officer", _("Institution officer")
    CARRIER = "carrier", _("Carrier reviewer")
    REGULATOR = "regulator", _("Regulator: reviewer")
    SECOND = "second", _("Regulator: second")
    AUDITOR = "auditor", _("Regulator: auditor")
    OPERATOR = "operator", _("Operator of the review queue")
    ADMINISTRATOR = "administrator", _("System administrator")


# Who may decide for the regulator.
REGULATORS = frozenset({Role.REGULATOR, Role.SECOND})
