"""An evidence package: files that a court can read and anybody can verify, in a ZIP of always the same bytes."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders

from optout.models import InboundMessage, ReportedRefusal
from optout.services.contents import Content
from optout.services.inbox import open_message, open_raw
from optout.services.package_page import page
from registry.keys import KeyPurpose, derive
from registry.ledger.format import Kind, utc_text
from registry.ledger.proofs import inclusion_proof
from registry.models import CheckpointKey, LedgerEntry, Recipient, SignedCheckpoint
from registry.models.anchors import Adapter
from registry.services.suppressions import open_nonce

MANIFEST, TIMESTAMP = "manifest.json", "manifest.tsr"
PROGRAM = "verify_receipt.py"
FORMAT = "haomaku evidence 1"
# The earliest that a ZIP can say: it says nothing.
NO_TIME = (1980, 1, 1, 0, 0, 0)

Files = dict[str, bytes]


def files_of(content: Content) -> Files:
    """Every file but the manifest and its timestamp, by name. Raises SealBroken."""
    keys = CheckpointKey.objects.filter(valid_from__lte=content.made_at)
    files = {
        "index.html": page(content).encode("utf-8", "replace"),
        "README.txt": README.encode(),
        "checkpoint.txt": content.checkpoint.note.encode(),
        "keys.txt": "".join(f"{key.vkey}\n" for key in keys).encode(),
        PROGRAM: Path(str(finders.find(f"registry/{PROGRAM}"))).read_bytes(),
    }
    for entry in content.entries:
        files |= _of_entry(entry, content.checkpoint)
    for message in content.messages:
        files |= _of_message(message)
    for report in content.reports:
        files[f"reports/{report.pk:010}.json"] = _of_report(report)
    for anchor in content.anchors:
        suffix = "tsr" if anchor.adapter == Adapter.TSA else "json"
        files[f"anchors/{anchor.adapter}.{suffix}"] = bytes(anchor.receipt or b"")
    return files


def _of_entry(entry: LedgerEntry, checkpoint: SignedCheckpoint) -> Files:
    """The entry verbatim and its proof; of a refusal the receipt too, whose nonce opens the commitment."""
    name = f"{entry.seq:010}.json"
    hashes = [hash_.hex() for hash_ in inclusion_proof(entry.seq, checkpoint.size)]
    proof = {"size": checkpoint.size, "hashes": hashes}
    files = {f"entries/{name}": entry.body.encode(), f"proofs/{name}": _json({"seq": entry.seq, **proof})}
    if entry.kind == Kind.RECIPIENT_SUPPRESSED:
        data = json.loads(entry.body)["data"]
        files[f"receipts/{name}"] = _json(
            {
                "seq": entry.seq,
                "entry": entry.body,
                "nonce": open_nonce(Recipient.objects.get(subject=data["row"]["subject"])).hex(),
                "commitment": data["commitment"],
                "recorded_at": utc_text(entry.at),
                "proof": proof,
                "checkpoint": checkpoint.note,
            }
        )
    return files


def _of_message(message: InboundMessage) -> Files:
    """A reply as it arrived, byte for byte, and what was read in it."""
    opened = open_message(message)
    read = {
        "provider": message.endpoint.provider,
        "received_at": utc_text(message.received_at),
        "sent_at": utc_text(message.sent_at) if message.sent_at else None,
        "from": opened.sender,
        "port": message.port,
        "text": opened.text,
        "signature": opened.signature,
        "flags": message.flags,
        "intent": message.intent,
        "rule": message.rule,
    }
    name = f"messages/{message.pk:010}"
    return {f"{name}.raw": open_raw(message), f"{name}.json": _json(read)}


def _of_report(report: ReportedRefusal) -> bytes:
    """A refusal made elsewhere. SHA-256(nonce ‖ evidence) is in the entry of a refusal that it made."""
    evidence = report.evidence
    return _json(
        {
            "by": report.api_key.client_code,
            "recorded_at": utc_text(report.recorded_at),
            "refused_at": utc_text(report.refused_at) if report.refused_at else None,
            "origin": report.origin,
            "port": report.port,
            "evidence": {"text": evidence.text, "nonce": bytes(evidence.nonce).hex()} if evidence else None,
        }
    )


def manifest_of(content: Content, files: Mapping[str, bytes]) -> bytes:
    """What is in the package, each file with its SHA-256. It names nobody.

    `salt` keeps its own SHA-256, which case and entry hold, from telling number and words to who guesses them.
    """
    listed = [
        {"name": name, "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        for name, body in sorted(files.items())
    ]
    origin = content.checkpoint.note.partition("\n")[0]
    made_at = utc_text(content.made_at)
    stated = {"format": FORMAT, "ledger": origin, "made_at": made_at, "salt": _salt(listed), "files": listed}
    return _json(stated)


def _salt(listed: Sequence[Mapping[str, Any]]) -> str:
    """The same for the same files, and known to nobody without the key."""
    key = derive(settings.ENV.master_key, KeyPurpose.MANIFEST_SALT)
    return hmac.new(key, _json(listed), hashlib.sha256).hexdigest()


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A ZIP that depends on names and contents alone: nothing is compressed, times and rights are always the same."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for info, body in _members(files):
            archive.writestr(info, body)
    return out.getvalue()


def _members(files: Mapping[str, bytes]) -> Iterator[tuple[zipfile.ZipInfo, bytes]]:
    for name, body in sorted(files.items()):
        info = zipfile.ZipInfo(name, NO_TIME)
        info.create_system, info.external_attr = 3, 0o100644 << 16
        yield info, body


def _json(value: Any) -> bytes:
    """Lone surrogates, which replies may hold, stay escaped."""
    return json.dumps(value, indent=1, sort_keys=True).encode() + b"\n"


README = """证据包 · Evidence package
========================

index.html        可读的说明（中文、英文），可直接打印 · the readable account, in Chinese and English, made to be printed
entries/          账本条目原文 · the entries of the ledger, verbatim
proofs/           每个条目的包含证明 · for each the proof that it is in the ledger
receipts/         拒收条目的凭证（含随机数）· for each refusal the receipt, with its nonce
messages/         上行短信原始字节及其解读 · replies as they arrived, byte for byte, and as they were read
reports/          其他途径的拒收（电话、按键、柜台、信函）· refusals made elsewhere: by phone, key, counter or letter
checkpoint.txt    已签名的检查点 · the signed checkpoint
keys.txt          账本公钥 · the ledger's public keys
anchors/          外部见证（如有）· what the outside said when it saw the checkpoint, if there is such
manifest.json     各文件的 SHA-256 · the SHA-256 of every file
manifest.tsr      对 manifest.json 的 RFC 3161 时间戳（如有）· a timestamp of manifest.json, if an authority was configured
verify_receipt.py 独立核验程序 · the program that verifies a receipt

核验 · How to verify
--------------------

1. 文件未被改动（将 index.html 等所列文件与清单比较）· that no file was changed:

   python3 -c "import hashlib,json;print([f['name'] for f in json.load(open('manifest.json'))['files'] if hashlib.sha256(open(f['name'],'rb').read()).hexdigest()!=f['sha256']] or 'OK')"

2. 拒收确已记录，且属于该号码 · that a refusal was recorded, and is about this number:

   pip install cryptography
   python3 verify_receipt.py receipts/SEQ.json NUMBER --key-file keys.txt

   公钥应取自您自己保存或信任的来源；keys.txt 只是随包附带的副本。
   Take the key from where you noted it down or from somebody whom you trust; keys.txt is the copy that came with this package.

3. 任一条目确在账本中，例如登记某编号机构的条目 · that any entry is in the ledger, such as the one that says which institution has a number:

   python3 verify_receipt.py --entry entries/SEQ.json --proof proofs/SEQ.json --checkpoint checkpoint.txt --key-file keys.txt

4. 清单的时间戳 · the timestamp of the manifest (if manifest.tsr is there):

   openssl ts -verify -data manifest.json -in manifest.tsr -CAfile ROOTS.pem

5. 检查点的外部时间戳 · the timestamp of the checkpoint (if anchors/tsa.tsr is there):

   openssl ts -verify -data checkpoint.txt -in anchors/tsa.tsr -CAfile ROOTS.pem

清单本身的 SHA-256 已作为条目（evidence_issued）写入账本。
The SHA-256 of manifest.json is itself in an entry of the ledger (evidence_issued).
"""
