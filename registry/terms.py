"""The words of the field that rows choose from (design, "Words")."""

from django.db.models import TextChoices


class Channel(TextChoices):
    SMS = "sms", "SMS 短信"
    VOICE = "voice", "Voice 语音"


class Purpose(TextChoices):
    MARKETING = "marketing", "Marketing 营销"
    COLLECTION = "collection", "Collection 催收"
    SERVICE = "service", "Service 通知"
    VERIFICATION = "verification", "Verification 验证码"


class Match(TextChoices):
    """Whether a listing covers its digits alone, or everything under them too."""

    EXACT = "exact", "Exact"
    PREFIX = "prefix", "Prefix"


class Status(TextChoices):
    WHITE = "white", "White 白名单"
    SUSPENDED = "suspended", "Suspended 暂停"
    BLACK = "black", "Black 黑名单"
    ENDED = "ended", "Ended 终止"


class InstitutionType(TextChoices):
    """The types of the Ningxia notice of 2025, and the agent who acts under a mandate."""

    BANK = "bank", "Bank 银行"
    INSURANCE = "insurance", "Insurance 保险"
    TRUST = "trust", "Trust 信托"
    CONSUMER_FINANCE = "consumer_finance", "Consumer finance 消费金融"
    AMC = "amc", "Asset management 金融资产管理"
    LEASING = "leasing", "Leasing 金融租赁"
    AUTO_FINANCE = "auto_finance", "Auto finance 汽车金融"
    PAYMENT = "payment", "Payment 支付"
    CREDIT_REFERENCE = "credit_reference", "Credit reference 征信"
    SECURITIES = "securities", "Securities 证券"
    FUND = "fund", "Fund 基金"
    FUTURES = "futures", "Futures 期货"
    MICRO_LOAN = "micro_loan", "Micro-loan 小额贷款"
    GUARANTEE = "guarantee", "Guarantee 融资担保"
    PAWN = "pawn", "Pawn 典当"
    FACTORING = "factoring", "Factoring 商业保理"
    LOCAL_AMC = "local_amc", "Local asset management 地方资产管理"
    AGENT = "agent", "Agent 催收/合作机构"


class PolicyKind(TextChoices):
    """What a policy row rules."""

    REFUSAL = "refusal", "What a refusal stops"


class CodeScope(TextChoices):
    """For which replies a reject code counts."""

    GLOBAL = "global", "Everywhere"
    INSTITUTION = "institution", "One institution"
    NUMBER = "number", "One number"


class Reach(TextChoices):
    """Whom a suppression forbids to reach its subject."""

    NUMBER = "number", "The digits replied to"
    PRINCIPAL = "principal", "The whole institution"
    EVERYONE = "everyone", "Everyone"


class Origin(TextChoices):
    """How a suppression came to be."""

    REPLY = "reply", "Reply 回复"
    WIDENING = "widening", "Later listing of the digits"
    IMPORT = "import", "Import 导入"
