"""Why does the registry answer so? A decision with what each of its steps rests on."""

from __future__ import annotations

from dataclasses import asdict

from rest_framework.request import Request
from rest_framework.response import Response

from config.decisions import application, make_engine
from registry.api.authentication import key_of
from registry.api.views import ApiView
from registry.decisions.app import refuse_odd
from registry.decisions.wire import read_question
from registry.selectors.explanation import explained_json
from registry.services.explain import explain_to_client


class ExplainView(ApiView):
    """`POST /v1/decisions/explain`: the body of one decision. The web process alone answers it: it asks PostgreSQL."""

    def post(self, request: Request) -> Response:
        key = key_of(request)
        question = read_question(request._request.body)
        refuse_odd(question, "")
        found = explain_to_client(question, engine=make_engine(application.engine().reader), key=key)
        reason = found.grounds.reason
        return Response(
            {
                "decision": "allow" if reason == "ok" else "deny",
                "reason": reason,
                "institution": found.grounds.plan.institution,
                "as_of": asdict(found.grounds.freshness),
                "steps": explained_json(found),
            }
        )
