#!/usr/bin/env python3
"""Verify a receipt of a refusal, or a record of a decision, without trusting whoever issued it. 不依赖签发方，独立核验拒收凭证或判定记录。

    pip install cryptography
    python3 verify_receipt.py RECEIPT.json NUMBER --key VKEY
    python3 verify_receipt.py RECEIPT.json NUMBER --key-file FILE --checkpoint EARLIER --consistency PROOF.json
    python3 verify_receipt.py --entry entries/SEQ.json --proof proofs/SEQ.json --checkpoint checkpoint.txt --key-file FILE

RECEIPT.json is the receipt, or what /v1/records/ID answered, as it was downloaded (`-`: standard input), NUMBER the telephone
number that refused or was asked about, VKEY the ledger's public key as you noted it down, or had it from somebody whom you
trust. Needs Python 3.10 or newer and the package `cryptography`, asks no network, and imports nothing else that is not
Python's own.

What is shown: the entry is the text that was hashed; its hash is in the signed tree; the signature is the key's; the
commitment in the entry opens to this number and to no other; of a record also: its statement was signed, and is the one whose
digest the entry holds. What is not: that the ledger's operator shows everybody the same tree. Compare checkpoints with others
for that, or keep one and give it as --checkpoint later.

Exit codes 退出码: 0 all holds 全部成立 · 1 something does not hold 有不成立之处 · 2 cannot be read 无法读取 · 3 nothing is signed yet
尚未签名 · 4 all holds, but the key is nobody's word but the receipt's 全部成立，但公钥来源未经确认
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import re
import sys
import unicodedata
from pathlib import Path
from typing import Any

HOLDS, BROKEN, UNREADABLE, UNSIGNED, UNPINNED = 0, 1, 2, 3, 4


class Broken(Exception):
    """Something does not hold: what, in English and in Chinese."""


class Unreadable(Exception):
    """What was given cannot be read."""


def say(mark: str, english: str, chinese: str) -> None:
    sys.stdout.write(f"{mark:<4} {english}\n     {chinese}\n")


def good(english: str, chinese: str) -> None:
    say("ok", english, chinese)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right)


def from_hex(text: Any, what: str) -> bytes:
    if not isinstance(text, str) or not re.fullmatch(r"[0-9a-f]{64}", text):
        raise Unreadable(f"{what} is no SHA-256 in hex.", f"{what} 不是十六进制的 SHA-256。")
    return bytes.fromhex(text)


def from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


# --- words for people

ENGLISH = {"sms": "SMS", "voice": "voice", "allow": "ALLOW", "deny": "DENY", "ok": "nothing forbids it"}
CHINESE = {
    "sms": "短信",
    "voice": "语音",
    "marketing": "营销",
    "collection": "催收",
    "service": "通知",
    "verification": "验证码",
    "allow": "允许",
    "deny": "拒绝",
    "ok": "未发现限制",
    "invalid_sender": "主叫号码格式不正确",
    "invalid_recipient": "被叫号码格式不正确",
    "sender_blacklisted": "主叫号码在黑名单中",
    "sender_not_listed": "主叫号码未登记",
    "sender_suspended": "主叫号码已暂停",
    "sender_expired": "主叫号码不在有效期内",
    "institution_not_valid": "机构许可不在有效期内",
    "mandate_not_valid": "授权不在有效期内",
    "channel_not_permitted": "渠道未获许可",
    "purpose_not_permitted": "用途未获许可",
    "recipient_opted_out": "接收人已拒收",
    "quiet_hours": "处于免打扰时段",
    "frequency_cap": "已达频次上限",
    "registry_stale": "号码库数据过旧",
}


def in_english(code: str | None) -> str:
    """A code as words; one of a later release as it stands. Of a purpose that was not named, that."""
    return "not named" if code is None else ENGLISH.get(code, code.replace("_", " "))


def in_chinese(code: str | None) -> str:
    return "未注明" if code is None else CHINESE.get(code, code)


# --- the number


def digits_of(number: str) -> str:
    """E.164 digits without `+`, of a number as people in China write it, or of any with its country code."""
    plain = re.sub(r"[\s().\-]", "", unicodedata.normalize("NFKC", number))
    if plain.startswith(("+", "00")):
        digits = plain[1:] if plain.startswith("+") else plain[2:]
    elif re.fullmatch(r"86(1[3-9][0-9]{9}|14[048][0-9]{10})", plain):
        digits = plain
    elif plain.startswith("0"):
        digits = "86" + plain[1:]
    else:
        digits = "86" + plain
    if not re.fullmatch(r"[0-9]{5,15}", digits) or not digits.isascii():
        raise Unreadable("This is no telephone number.", "这不是电话号码。")
    return digits


# --- the tree of RFC 6962


def split(start: int, end: int) -> int:
    """Where a range of leaves is divided: behind the largest power of two that is smaller than it."""
    return start + (1 << ((end - start - 1).bit_length() - 1))


def root_of_inclusion(leaf: bytes, index: int, size: int, hashes: list[bytes]) -> bytes:
    """The root that a proof leads to from a leaf."""
    if not 0 <= index < size:
        raise Broken("The entry cannot be among so few.", "该条目不可能在这么少的条目之中。")
    turns, start, end = [], 0, size
    while end - start > 1:
        middle = split(start, end)
        turns.append(index < middle)
        start, end = (start, middle) if index < middle else (middle, end)
    if len(turns) != len(hashes):
        raise Broken(
            "The proof has not as many hashes as a tree of this size asks for.", "证明中的哈希数量与树的大小不符。"
        )
    result = leaf
    for is_left, sibling in zip(reversed(turns), hashes, strict=True):
        result = node_hash(result, sibling) if is_left else node_hash(sibling, result)
    return result


def roots_of_consistency(old: int, old_root: bytes, new: int, hashes: list[bytes]) -> tuple[bytes, bytes]:
    """The two roots that a proof of consistency leads to."""
    parts: list[tuple[int, int]] = []
    start, end = 0, new
    while end != old:
        middle = split(start, end)
        if old <= middle:
            parts.append((middle, end))
            end = middle
        else:
            parts.append((start, middle))
            start = middle
    if start:
        parts.append((start, end))
    if len(parts) != len(hashes):
        raise Broken("The proof of consistency has not the right number of hashes.", "一致性证明中的哈希数量不对。")
    known = list(zip(parts[::-1], hashes, strict=True))
    if not start:
        known.insert(0, ((0, old), old_root))
    return joined(known, old), joined(known, new)


def joined(known: list[tuple[tuple[int, int], bytes]], size: int) -> bytes:
    inside = [(start, part) for (start, end), part in known if end <= size]
    at, result = inside[0]
    for start, part in inside[1:]:
        result = node_hash(part, result) if start < at else node_hash(result, part)
        at = min(start, at)
    return result


# --- the signed checkpoint


class Key:
    """A public key out of its C2SP line: name+id+key."""

    def __init__(self, line: str) -> None:
        self.line = line.strip()
        name, _, rest = self.line.partition("+")
        key_id, _, coded = rest.partition("+")
        raw = from_base64(coded)
        if not name or len(raw) != 33 or raw[:1] != b"\x01":
            raise Unreadable("The key is no vkey line of an Ed25519 key.", "公钥不是 Ed25519 的 vkey 行。")
        self.name, self.public = name, raw[1:]
        self.id = sha256(name.encode() + b"\n" + raw)[:4]
        if self.id.hex() != key_id:
            raise Unreadable("The id in the key's line is not the key's.", "vkey 行中的标识与公钥不符。")

    def verifies(self, text: bytes, signature: bytes) -> bool:
        try:
            from cryptography.exceptions import InvalidSignature
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        except ImportError:
            raise Unreadable(
                "The package cryptography is missing: pip install cryptography",
                "缺少 cryptography 包：pip install cryptography",
            ) from None
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except InvalidSignature:
            return False
        return True


class Checkpoint:
    """A signed note: origin, size and root, a blank line, signatures."""

    def __init__(self, note: str) -> None:
        self.text, blank, below = note.partition("\n\n")
        lines = self.text.split("\n")
        self.root = from_base64(lines[2]) if len(lines) > 2 else b""
        if not blank or len(self.root) != 32 or not re.fullmatch(r"[1-9][0-9]{0,18}", lines[1]):
            raise Unreadable("The checkpoint is no signed note.", "检查点不是已签名的文本。")
        self.origin, self.size = lines[0], int(lines[1])
        found = (re.fullmatch(r"— (\S+) (\S+)", line) for line in below.split("\n"))
        self.signatures = [(match[1], from_base64(match[2])) for match in found if match]

    def verify(self, keys: list[Key]) -> Key:
        """The key that signed it, one of `keys`. Every signature that names one of them must be valid."""
        signed_by = None
        for name, raw in self.signatures:
            for key in keys:
                if (name, raw[:4]) == (key.name, key.id):
                    if not key.verifies((self.text + "\n").encode(), raw[4:]):
                        raise Broken("A signature of the checkpoint is forged.", "检查点上的签名是伪造的。")
                    signed_by = signed_by or key
        if signed_by is None:
            raise Broken("The checkpoint is not signed by this key.", "检查点不是由该公钥签名的。")
        if signed_by.name != self.origin:
            raise Broken("The checkpoint is of another ledger than the key.", "检查点与公钥不属于同一账本。")
        return signed_by


# --- the receipt, or the record


def read_entry(receipt: dict[str, Any], kind: str) -> dict[str, Any]:
    """The receipt's entry, which is of this kind."""
    text = receipt["entry"]
    entry: dict[str, Any] = json.loads(text)
    if canonical(entry) != text:
        raise Broken("The entry's text is not in its canonical form.", "条目文本不是规范形式。")
    if entry["seq"] != receipt["seq"]:
        raise Broken("The receipt names another entry than the text is.", "凭证所称条目号与文本不符。")
    if entry["kind"] != kind:
        raise Broken("The entry records something else.", "该条目记录的是其他内容。")
    if entry["at"] != receipt.get("recorded_at", entry["at"]):
        raise Broken("The receipt says another time than the entry.", "凭证所称时间与条目不符。")
    return entry


def canonical(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def leaf_of(receipt: dict[str, Any]) -> bytes:
    return sha256(b"\x00" + receipt["entry"].encode())


def verify_refusal(receipt: dict[str, Any], digits: str) -> None:
    """That the receipt's entry records a refusal by this number."""
    entry = read_entry(receipt, "recipient_suppressed")
    good(
        f"Entry {entry['seq']} of the ledger records a refusal at {entry['at']}.",
        f"账本第 {entry['seq']} 条记录了一次拒收，时间为 {entry['at']}。",
    )
    stated = from_hex(entry["data"]["commitment"], "commitment")
    if from_hex(receipt.get("commitment", stated.hex()), "commitment") != stated:
        raise Broken("The receipt's commitment is not the entry's.", "凭证中的承诺值与条目中的不符。")
    verify_number(receipt, entry, digits)
    say_reach(entry["data"].get("row", {}))


def verify_number(receipt: dict[str, Any], entry: dict[str, Any], digits: str) -> None:
    stated = from_hex(entry["data"]["commitment"], "commitment")
    if sha256(from_hex(receipt["nonce"], "nonce") + digits.encode()) != stated:
        raise Broken("The entry is NOT about this number.", "该条目与此号码【不符】。")
    shown = f"{digits[:-8]}****{digits[-4:]}" if len(digits) > 8 else "****"
    good(f"The entry is about the number {shown}, and about no other.", f"该条目针对号码 {shown}，不可能是其他号码。")


def say_reach(row: dict[str, Any]) -> None:
    house, digits = row.get("institution_id"), row.get("digits")
    whom = {
        "principal": f"one institution, number {house} of the registry's",
        "number": f"one sender number, {digits}",
        "everyone": "everyone",
    }
    wen = {"principal": f"登记库中编号为 {house} 的机构", "number": f"号码 {digits}", "everyone": "所有机构"}
    if row.get("reach") in whom:
        good(
            f"It refuses {whom[row['reach']]}: {', '.join(map(in_english, row['purposes']))};"
            f" by {', '.join(map(in_english, row['channels']))}.",
            f"拒收范围：{wen[row['reach']]}；用途 {'、'.join(map(in_chinese, row['purposes']))}；"
            f"渠道 {'、'.join(map(in_chinese, row['channels']))}。",
        )


def verify_record(receipt: dict[str, Any], digits: str) -> None:
    """That the entry is of this statement, which is about this number. Who signed it is seen later."""
    entry, text = read_entry(receipt, "decision_recorded"), receipt["record"]
    statement = json.loads(text)
    if canonical(statement) != text:
        raise Broken("The record's text is not in its canonical form.", "记录文本不是规范形式。")
    if not statement["id"] == receipt["id"] == entry["data"]["row"]["record"]:
        raise Broken("The record, its entry and its id do not belong together.", "记录、条目与编号互不相符。")
    if sha256(from_hex(receipt["nonce"], "nonce") + text.encode()) != from_hex(entry["data"]["digest"], "digest"):
        raise Broken("The entry is NOT of this record.", "该条目与此记录【不符】。")
    asked, answered = statement["asked"], statement["answered"]
    if entry["data"]["commitment"] is None:
        say("--", "What was asked about is no telephone number.", "所询对象不是电话号码。")
    else:
        if asked["recipient"] != digits:
            raise Broken("The record is NOT about this number.", "该记录与此号码【不符】。")
        verify_number(receipt, entry, digits)
    # A sender is any text that was asked with: escaped, it looks like nothing that this program says.
    client, sender = ascii(statement["asked_by"]["client"]), ascii(asked["sender"])
    good(
        f"Entry {entry['seq']}: {client} asked at {statement['at']} whether {sender} may reach it, by {in_english(asked['channel'])},"
        f" purpose {in_english(asked['purpose'])}.",
        f"第 {entry['seq']} 条：{client} 于 {statement['at']} 询问 {sender} 可否触达，"
        f"渠道 {in_chinese(asked['channel'])}，用途 {in_chinese(asked['purpose'])}。",
    )
    good(
        f"The answer was {in_english(answered['decision'])}, {in_english(answered['reason'])}, as of entry {answered['as_of']['seq']}.",
        f"答复为 {in_chinese(answered['decision'])}，{in_chinese(answered['reason'])}，依据截至第 {answered['as_of']['seq']} 条。",
    )


def verify_statement(receipt: dict[str, Any], keys: list[Key]) -> None:
    """That one of `keys` signed the record's statement."""
    match = re.fullmatch(r"— (\S+) (\S+)", receipt["signature"])
    raw = from_base64(match[2]) if match else b""
    text = f"haomaku decision record v1\n{receipt['record']}\n".encode()
    known = [key for key in keys if match and (match[1], raw[:4]) == (key.name, key.id)]
    if not known:
        raise Broken("The record is not signed by this key.", "记录不是由该公钥签名的。")
    if not any(key.verifies(text, raw[4:]) for key in known):
        raise Broken("The signature of the record is forged.", "记录上的签名是伪造的。")
    good(f"The record is signed by {known[0].line}.", f"记录由 {known[0].line} 签名。")


def verify_inclusion(receipt: dict[str, Any], leaf: bytes, checkpoint: Checkpoint) -> None:
    proof = receipt["proof"]
    if proof["size"] != checkpoint.size:
        raise Broken("The proof is for another checkpoint.", "证明对应的是另一个检查点。")
    hashes = [from_hex(hash_, "proof") for hash_ in proof["hashes"]]
    if root_of_inclusion(leaf, receipt["seq"] - 1, checkpoint.size, hashes) != checkpoint.root:
        raise Broken("The entry is NOT among those that were signed.", "该条目【不在】已签名的账本之中。")
    good(
        f"The entry is one of the {checkpoint.size} that the checkpoint covers.",
        f"该条目是检查点所覆盖的 {checkpoint.size} 条之一。",
    )


def verify_consistency(first: Checkpoint, second: Checkpoint, proof: str | None) -> None:
    """That of two checkpoints the larger continues the smaller."""
    old, new = sorted((first, second), key=lambda one: one.size)
    if old.origin != new.origin:
        raise Broken("The two checkpoints are of different ledgers.", "两个检查点不属于同一账本。")
    if old.size == new.size:
        if old.root != new.root:
            raise Broken(*FORKED)
    else:
        if proof is None:
            raise Unreadable(
                f"Give --consistency: what /v1/ledger/proofs/consistency?from={old.size}&to={new.size} answers.",
                "请用 --consistency 给出上述地址返回的一致性证明。",
            )
        hashes = [from_hex(hash_, "consistency") for hash_ in read_json(proof)["hashes"]]
        if roots_of_consistency(old.size, old.root, new.size, hashes) != (old.root, new.root):
            raise Broken(*FORKED)
    good(
        f"The ledger of {new.size} entries continues the one of {old.size}: nothing was changed or taken out.",
        f"含 {new.size} 条的账本延续了含 {old.size} 条的账本：此前内容未被更改或删除。",
    )


FORKED = (
    "The two checkpoints contradict each other: the ledger was FORKED or rewritten. Keep both: together they prove it.",
    "两个检查点互相矛盾：账本被【分叉】或改写。请保存两者，它们合在一起即为证据。",
)


# --- the command


def read_text(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text("utf-8")
    except (OSError, ValueError) as problem:
        raise Unreadable(f"{name} cannot be read: {problem}.", f"无法读取 {name}。") from None


def read_json(name: str) -> dict[str, Any]:
    try:
        found = json.loads(read_text(name))
    except ValueError:
        raise Unreadable(f"{name} is no JSON.", f"{name} 不是 JSON。") from None
    if not isinstance(found, dict):
        raise Unreadable(f"{name} holds no object.", f"{name} 的内容不是对象。")
    return found


def given_keys(arguments: argparse.Namespace) -> list[Key]:
    lines = list(arguments.key)
    for name in arguments.key_file:
        lines += [line for line in read_text(name).splitlines() if line.strip()]
    return [Key(line) for line in lines]


def verify(arguments: argparse.Namespace) -> int:
    receipt = read_json(arguments.receipt)
    is_record = "record" in receipt
    (verify_record if is_record else verify_refusal)(receipt, digits_of(arguments.number))
    keys, pinned = given_keys(arguments), True
    if receipt.get("checkpoint") is None or receipt.get("proof") is None:
        say(
            "!!",
            "There is no proof in this file yet: download it again in a minute.",
            "此文件尚无证明：请在一分钟后重新下载。",
        )
        return UNSIGNED
    checkpoint = Checkpoint(receipt["checkpoint"])
    if not keys and receipt.get("key"):
        keys, pinned = [Key(line) for line in receipt["key"].splitlines()], False
    if not keys:
        raise Unreadable("No key was given: use --key or --key-file.", "未给出公钥：请使用 --key 或 --key-file。")
    key = checkpoint.verify(keys)
    good(f"The checkpoint is signed by {key.line}.", f"检查点由 {key.line} 签名。")
    if is_record:
        verify_statement(receipt, keys)
    verify_inclusion(receipt, leaf_of(receipt), checkpoint)
    if arguments.checkpoint:
        earlier = Checkpoint(read_text(arguments.checkpoint))
        earlier.verify(keys)
        verify_consistency(earlier, checkpoint, arguments.consistency)
    if not pinned:
        say(
            "!!",
            "THE KEY CAME WITH THE RECEIPT: whoever forged the one would have forged the other. Compare it with the key"
            " that you have from elsewhere, and give it with --key.",
            "【公钥来自凭证本身】：能伪造凭证者也能伪造公钥。请与从其他途径获得的公钥核对，并用 --key 给出。",
        )
        return UNPINNED
    say("OK", "Everything holds.", "全部成立。")
    return HOLDS


def verify_entry(arguments: argparse.Namespace) -> int:
    """That one entry of an evidence package, of whatever kind, is in the signed ledger; and what it says."""
    if not (arguments.proof and arguments.checkpoint and (arguments.key or arguments.key_file)):
        raise Unreadable(
            "With --entry give --proof, --checkpoint, and --key or --key-file.",
            "使用 --entry 时，请同时给出 --proof、--checkpoint 以及 --key 或 --key-file。",
        )
    text, proof = read_text(arguments.entry), read_json(arguments.proof)
    shown = {"seq": proof["seq"], "entry": text, "proof": proof}
    entry = read_entry(shown, json.loads(text)["kind"])
    checkpoint = Checkpoint(read_text(arguments.checkpoint))
    key = checkpoint.verify(given_keys(arguments))
    good(f"The checkpoint is signed by {key.line}.", f"检查点由 {key.line} 签名。")
    verify_inclusion(shown, leaf_of(shown), checkpoint)
    row = printable(canonical(entry["data"].get("row")))
    kind, at = printable(entry["kind"]), entry["at"]
    good(f"Entry {entry['seq']}, {kind}, {at}: {row}", f"第 {entry['seq']} 条，{kind}，{at}：内容如上。")
    say("OK", "Everything holds.", "全部成立。")
    return HOLDS


def printable(text: str) -> str:
    """With what could pass for words of this program escaped."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("receipt", nargs="?", help="the receipt, a JSON file; - for standard input · 凭证文件")
    parser.add_argument(
        "number", nargs="?", help="the number that refused, or was asked about · 拒收或被询问的电话号码"
    )
    parser.add_argument("--entry", metavar="FILE", help="an entry of a package, in place of a receipt · 证据包中的条目")
    parser.add_argument("--proof", metavar="FILE", help="the proof of that entry · 该条目的包含证明")
    parser.add_argument("--key", action="append", default=[], metavar="VKEY", help="the ledger's key · 账本公钥")
    parser.add_argument(
        "--key-file", action="append", default=[], metavar="FILE", help="a file of such lines · 公钥文件"
    )
    parser.add_argument("--checkpoint", metavar="FILE", help="a checkpoint kept from another time · 另行保存的检查点")
    parser.add_argument("--consistency", metavar="FILE", help="the proof between the two · 两者之间的一致性证明")
    return parser


def main() -> int:
    parser = options()
    arguments = parser.parse_args()
    if not arguments.entry and arguments.number is None:
        parser.error("give a receipt and a number, or --entry · 请给出凭证与号码，或 --entry")
    try:
        return verify_entry(arguments) if arguments.entry else verify(arguments)
    except Broken as problem:
        say("NO", *problem.args)
        return BROKEN
    except Unreadable as problem:
        say("??", *problem.args)
        return UNREADABLE
    except (KeyError, TypeError, ValueError, AttributeError):
        say("??", "This is no receipt.", "这不是凭证。")
        return UNREADABLE


if __name__ == "__main__":
    sys.exit(main())
