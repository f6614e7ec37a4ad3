"""The same single decision as most would write it: a DRF view, a serializer, the ORM, PostgreSQL for every question."""

import os
from typing import Any

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.drf_settings"

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

import uuid

from django.db.models import Q
from django.urls import path
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from registry import numbers
from registry.models import ApiKey, LedgerHead, Listing, Suppression
from registry.number_keys import FIRST
from registry.selectors.recipients import number_keys
from registry.services.keys import key_hash
from registry.terms import Channel, Purpose, Status


class QuestionSerializer(serializers.Serializer[Any]):
    sender = serializers.CharField()
    recipient = serializers.CharField()
    channel = serializers.ChoiceField(Channel.choices, default="sms")
    purpose = serializers.ChoiceField(Purpose.choices)


class DecisionView(APIView):
    parser_classes = [JSONParser]

    def post(self, request: Request) -> Response:
        text = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not ApiKey.objects.filter(key_hash=key_hash(text), revoked=False).exists():
            raise AuthenticationFailed
        question = QuestionSerializer(data=request.data)
        question.is_valid(raise_exception=True)
        reason, institution = decide(**question.validated_data)
        return Response(
            {
                "decision": "allow" if reason == "ok" else "deny",
                "reason": reason,
                "institution": institution,
                "as_of": {"seq": LedgerHead.objects.values_list("seq", flat=True).get(), "age_ms": 0, "stale": False},
            }
        )


def decide(*, sender: str, recipient: str, channel: str, purpose: str) -> tuple[str, str | None]:
    digits, person = numbers.canonical_sender(sender), numbers.canonical_recipient(recipient)
    if digits is None or person is None:
        return "invalid_sender" if digits is None else "invalid_recipient", None
    covering = list(Listing.objects.standing().covering(digits).select_related("holder", "mandate__grantor"))
    if any(listing.status == Status.BLACK for listing in covering):
        return "sender_blacklisted", None
    if not covering:
        return "sender_not_listed", None
    listing, now = covering[0], timezone.now()
    principal = listing.principal
    if listing.status != Status.WHITE:
        return "sender_suspended", principal.code
    if listing.valid_from > now or (listing.valid_to and listing.valid_to <= now):
        return "sender_expired", principal.code
    if principal.valid_from > now or (principal.valid_to and principal.valid_to <= now):
        return "institution_not_valid", principal.code
    if channel not in listing.channels or purpose not in listing.purposes:
        return "channel_not_permitted", principal.code
    token = uuid.UUID(bytes=number_keys().tokenizer(FIRST).token(person.digits))
    refused = Suppression.objects.with_token().filter(
        Q(reach="everyone") | Q(institution__in=(principal, listing.holder)) | Q(digits=digits),
        token=token,
        purposes__contains=[purpose],
        channels__contains=[channel],
    )
    return ("recipient_opted_out" if refused.exists() else "ok"), principal.code


urlpatterns = [path("v1/decisions", DecisionView.as_view())]
