"""A timestamp authority by RFC 3161."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)
from rfc3161_client.tsp import PKIStatus

from registry.exchange import NoAnswer, post
from registry.witnesses.der import with_sorted_certificates
from registry.witnesses.witness import NotWitnessed, Witnessed

_HEADERS = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
_SHA256 = x509.ObjectIdentifier("2.16.840.1.101.3.4.2.1")


@dataclass(frozen=True, slots=True)
class TimestampAuthority:
    """The authority at `url`. `certificates`: the file of those that its answers must lead to; '': no such file.

    Without one, an answer is held against what was asked (hash, nonce), and its signature is left to whoever reads it.
    """

    url: str
    certificates: str

    def publish(self, content: bytes) -> Witnessed:
        request = TimestampRequestBuilder(content, HashAlgorithm.SHA256).build()
        try:
            answer = post(self.url, request.as_bytes(), _HEADERS)
        except NoAnswer as problem:
            raise NotWitnessed(str(problem)) from None
        if answer.status != 200:
            raise NotWitnessed(f"HTTP {answer.status}")
        response = self._about(content, answer.body)
        if response.tst_info.nonce != request.nonce:
            raise NotWitnessed("the timestamp answers another question")
        return Witnessed(answer.body, response.tst_info.gen_time, str(response.tst_info.serial_number))

    def confirm(self, content: bytes, receipt: bytes) -> None:
        self._about(content, receipt)

    def _about(self, content: bytes, receipt: bytes) -> TimeStampResponse:
        """The answer, if it is a timestamp of `content`."""
        try:
            response = decode_timestamp_response(with_sorted_certificates(receipt))
            if response.status != PKIStatus.GRANTED:
                raise NotWitnessed(f"refused with status {response.status}")
            imprint = response.tst_info.message_imprint
        except ValueError:
            raise NotWitnessed("the answer is no timestamp") from None
        if imprint.hash_algorithm != _SHA256 or bytes(imprint.message) != hashlib.sha256(content).digest():
            raise NotWitnessed("the timestamp is of something else")
        if self.certificates:
            self._verify(response, content)
        return response

    def _verify(self, response: TimeStampResponse, content: bytes) -> None:
        builder = VerifierBuilder()
        for certificate in self._trusted():
            root = certificate.issuer == certificate.subject
            add = builder.add_root_certificate if root else builder.add_intermediate_certificate
            builder = add(certificate)
        try:
            builder.build().verify_message(response, content)
        except (VerificationError, ValueError):
            raise NotWitnessed("its signature does not lead to TSA_CERTIFICATES") from None

    def _trusted(self) -> list[x509.Certificate]:
        try:
            return x509.load_pem_x509_certificates(Path(self.certificates).read_bytes())
        except (OSError, ValueError):
            raise NotWitnessed("TSA_CERTIFICATES cannot be read") from None
