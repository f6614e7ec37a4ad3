"""A small realistic library with fictional names, for a first look and for the tests' cast."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.utils import timezone

from registry.models import Application, Carrier, Institution, Listing, Mandate, Member
from registry.scope import CHANNELS, PURPOSES
from registry.services.applications import Actor, draft_application, take_step
from registry.services.institutions import record_carrier, record_institution, record_mandate
from registry.services.listings import (
    ListingSpec,
    blacklist_number,
    blacklist_sender,
    list_senders,
    reinstate_sender,
    suspend_sender,
)
from registry.services.rules import record_reject_code
from registry.terms import CodeScope, InstitutionType, Match

BY = "demo"
SINCE = datetime(2024, 7, 1, tzinfo=UTC)

CARRIERS = (
    ("CARRIER-JY", "江月移动通信(演示)", "B1-DEMO-001"),
    ("CARRIER-YD", "雁荡电信(演示)", "B1-DEMO-002"),
    ("CARRIER-QT", "钱塘联合通信(演示)", "B1-DEMO-003"),
    ("CARRIER-SY", "四野云讯(演示)", "B2-DEMO-004"),
    ("CARRIER-HX", "海曦语音(演示)", "B2-DEMO-005"),
)
# type → (code, name) of its fictional institutions
INSTITUTIONS: dict[str, tuple[tuple[str, str], ...]] = {
    "bank": (
        ("BANK-LX", "栗溪银行"),
        ("BANK-MQ", "鸣泉商业银行"),
        ("BANK-SH", "松湖农商银行"),
        ("BANK-YC", "云岑村镇银行"),
    ),
    "insurance": (("INS-HF", "禾风人寿保险"), ("INS-TL", "庭澜财产保险")),
    "trust": (("TRUST-QS", "青笋信托"),),
    "consumer_finance": (("CF-XQ", "小雀消费金融"), ("CF-ZY", "知雨消费金融")),
    "amc": (("AMC-DH", "稻禾资产管理"),),
    "leasing": (
        ("LEASE-BC", "白川金融租赁"),
        ("LEASE-YS", "砚石金融租赁"),
    ),
    "auto_finance": (("AUTO-JL", "疆路汽车金融"),),
    "payment": (("PAY-LP", "零瓢支付"), ("PAY-YX", "屿息支付")),
    "credit_reference": (("CREDIT-MJ", "明笺征信"),),
    "securities": (("SEC-GH", "岗桦证券"), ("SEC-TS", "潭树证券")),
    "fund": (
        ("FUND-WL", "梧廊基金"),
        ("FUND-HL", "鹤览基金"),
    ),
    "futures": (("FUT-CY", "潮屿期货"),),
    "micro_loan": (("ML-XT", "溪亭小额贷款"), ("ML-YQ", "越桥小额贷款"), ("ML-ZD", "竹渡小额贷款")),
    "guarantee": (("GUAR-AN", "岸宁融资担保"),),
    "pawn": (("PAWN-GY", "古隅典当"),),
    "factoring": (("FACT-SL", "疏林商业保理"),),
    "local_amc": (("LAMC-ZP", "浙坪地方资产管理"),),
    "agent": (("AGENT-CH", "澄衡催收服务"), ("AGENT-FY", "拂盈信息服务"), ("AGENT-KL", "匡临外包服务")),
}
# agent ← grantor
MANDATES = (
    ("AGENT-CH", "BANK-SH"), ("AGENT-CH", "CF-XQ"), ("AGENT-FY", "BANK-YC"), ("AGENT-FY", "ML-XT"),
    ("AGENT-KL", "CF-ZY"), ("AGENT-KL", "PAY-LP"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Senders:
    """One number for each thing that a newcomer, or an outside test, wants to ask about."""

    white_prefix: str = "10690001"
    white_exact: str = "106900020002"
    suspended: str = "106900030003"
    black: str = "106900040004"
    unlisted: str = "106999999999"
    agent: str = "1069000500011"
    principal: str = "10690005"


SENDERS = Senders()


@transaction.atomic
def load_demo_library() -> bool:
    """Load the library where there is none yet; return whether it was loaded."""
    if Carrier.objects.exists():
        return False
    carriers = [record_carrier(code=c, name=n, licence_number=number, by=BY) for c, n, number in CARRIERS]
    institutions = {row.code: row for row in _institutions()}
    mandates = _mandates(institutions)
    listings = {row.port: row for row in list_senders(_specs(carriers, institutions, mandates), by=BY)}
    _move_some(listings)
    record_reject_code(
        code="XSTD#01", scope=CodeScope.INSTITUTION, institution=institutions["BANK-LX"], valid_from=SINCE, by=BY
    )
    record_reject_code(code="88", scope=CodeScope.NUMBER, digits=SENDERS.white_exact, valid_from=SINCE, by=BY)
    return True


def _institutions() -> list[Institution]:
    return [
        record_institution(
            code=code,
            name=f"{name}(演示)",
            type_=type_,
            licence_number=f"DEMO-{code}",
            licence_scope=list(PURPOSES),
            valid_from=SINCE,
            # One whose licence has run out, so that the reason can be seen.
            valid_to=timezone.now() - timedelta(days=30) if code == "PAWN-GY" else None,
            by=BY,
        )
        for type_, named in INSTITUTIONS.items()
        for code, name in named
    ]


def _mandates(institutions: dict[str, Institution]) -> dict[tuple[str, str], Mandate]:
    return {
        (agent, grantor): record_mandate(
            grantor=institutions[grantor],
            agent=institutions[agent],
            reference=f"WT-DEMO-{number:03d}",
            valid_from=SINCE,
            by=BY,
        )
        for number, (agent, grantor) in enumerate(MANDATES, start=1)
    }


def _specs(
    carriers: list[Carrier], institutions: dict[str, Institution], mandates: dict[tuple[str, str], Mandate]
) -> list[ListingSpec]:
    def spec(
        digits: str, match: str, holder: str, *purposes: str, grantor: str = "", signature: str = ""
    ) -> ListingSpec:
        return ListingSpec(
            digits=digits,
            match=match,
            holder=institutions[holder],
            mandate=mandates[holder, grantor] if grantor else None,
            carrier=carriers[len(digits) % len(carriers)],
            signature=signature,
            channels=CHANNELS,
            purposes=purposes,
            valid_from=SINCE,
        )

    featured = [
        spec(SENDERS.white_prefix, Match.PREFIX, "BANK-LX", "collection"),
        spec(SENDERS.white_exact, Match.EXACT, "INS-HF", "collection"),
        spec(SENDERS.suspended, Match.EXACT, "BANK-MQ", "collection"),
        spec(SENDERS.black, Match.EXACT, "ML-YQ", "collection"),
        spec(SENDERS.principal, Match.PREFIX, "BANK-SH", "collection"),
        spec(SENDERS.agent, Match.EXACT, "AGENT-CH", "collection", grantor="BANK-SH"),
        spec("10690006", Match.PREFIX, "PAY-YX", "service", "verification"),
        spec("10690007", Match.PREFIX, "CF-ZY", "marketing", "collection"),
        # A shared port: its holders are told apart by the signature alone.
        spec("106900080008", Match.EXACT, "SEC-GH", "marketing", signature="岗桦证券"),
        spec("106900080008", Match.EXACT, "FUND-WL", "marketing", signature="梧廊基金"),
        spec("106900080008", Match.EXACT, "FUT-CY", "marketing", signature="潮屿期货"),
    ]
    return (
        featured
        + [spec(*row) for row in _many(list(institutions.values()))]
        + [
            spec(f"10690010{n:04d}", Match.EXACT, agent, "collection", grantor=grantor)
            for n, (agent, grantor) in enumerate(MANDATES, start=1)
        ]
    )


def _many(institutions: list[Institution]) -> list[tuple[str, ...]]:
    """Ten numbers of every class for each institution that is no agent."""
    rows: list[tuple[str, ...]] = []
    lenders = [row for row in institutions if row.type != InstitutionType.AGENT]
    for n, institution in enumerate(lenders):
        code = institution.code
        rows += [
            (f"1066{n:04d}", Match.PREFIX, code, "marketing"),
            (f"1065{n:04d}88", Match.EXACT, code, "service", "verification"),
            (f"1062{n:04d}01", Match.EXACT, code, "collection"),
            (f"1063{n:04d}02", Match.EXACT, code, "service"),
            (f"1064{n:04d}03", Match.EXACT, code, "service"),
            (f"957{n:02d}", Match.EXACT, code, "service"),
            (f"967{n:03d}", Match.EXACT, code, "marketing", "collection"),
            (f"400000{n:04d}", Match.EXACT, code, "service"),
            (f"0579000{n:05d}", Match.EXACT, code, "collection"),
            (f"1540000{n:04d}", Match.EXACT, code, "collection"),
            (f"9517{n:04d}", Match.EXACT, code, "collection"),
        ]
    return rows


def _move_some(listings: dict[str, Listing]) -> None:
    """Every status occurs, and every move."""
    suspend_sender(listing_id=listings[SENDERS.suspended].pk, reason="演示:投诉集中,暂停核查", by=BY)
    blacklist_sender(listing_id=listings[SENDERS.black].pk, reason="演示:冒用机构名义", by=BY)
    for port in ("1062000501", "1062000601", "1062000701"):
        suspend_sender(listing_id=listings[port].pk, reason="演示:资料待补", by=BY)
    reinstate_sender(listing_id=listings["1062000701"].pk, reason="演示:资料已补", by=BY)
    for port in ("15400000010", "15400000011"):
        blacklist_sender(listing_id=listings[port].pk, reason="演示:拒不整改", by=BY)
    for digits in ("10699444", "10699555"):
        blacklist_number(digits=digits, match=Match.PREFIX, reason="演示:未备案端口群发", by=BY)


@transaction.atomic
def load_demo_applications(members: dict[str, Member]) -> None:
    """Something for each of these people to do on the first day. `members`: log-in of the demo → member."""
    officer, carrier, regulator = (Actor(members[login]) for login in ("officer", "carrier", "regulator"))
    listings = {row.port: row for row in Listing.objects.all()}

    def listing(digits: str, **changes: object) -> dict[str, object]:
        given: dict[str, object] = {
            "digits": digits,
            "match": Match.EXACT,
            "holder": "BANK-LX",
            "carrier": CARRIERS[0][0],
        }
        given |= {"channels": list(CHANNELS), "purposes": ["collection"], "valid_from": "2026-01-01"}
        return given | changes

    def applied(kind: str, actor: Actor, *items: dict[str, object], reason: str) -> Application:
        application = draft_application(kind=kind, items=items, reason=reason, actor=actor)
        return take_step(
            application_id=application.pk, step="submit", revision=1, reason=reason, actor=actor
        )  # fmt: skip

    applied(
        "list", officer, listing("1069000100101"), listing("1069000100102"), reason="演示:信用卡中心新增催收短信端口"
    )
    checked = applied(
        "list",
        officer,
        listing("1069000100103", template="【栗溪银行】您的账单已逾期,拒收请回复R"),
        reason="演示:分行新增端口",
    )
    take_step(application_id=checked.pk, step="check", revision=1, actor=carrier)
    returned = applied("list", officer, listing("1069000100104"), reason="演示:外呼平台端口")
    take_step(application_id=returned.pk, step="return", revision=1, reason="演示:请补充短信模板", actor=carrier)
    applied("suspend", regulator, {"listing": listings["1062000401"].pk}, reason="演示:投诉集中,先行暂停")
    applied("blacklist", regulator, {"digits": "10699666", "match": Match.PREFIX}, reason="演示:未备案端口群发")
