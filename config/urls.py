"""Every path of the web process but `/v1/decisions`, which `config.asgi` answers in front of Django."""

from allauth.account.views import logout
from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from config.openapi import DOCUMENT
from optout.api.inbound import InboundView
from optout.api.me import AskCodePage, AskDeletionPage, EndPage, MePage, MyDataFile, ProvePage
from optout.api.metrics import MetricsView
from optout.api.receipts import CODE, FindReceiptView, ReceiptView
from optout.api.refusals import RefusalsView
from registry.api.applications import ApplicationsView, ApplicationView, EvidenceView, StepsView
from registry.api.checkpoints import CheckpointView, ConsistencyView, InclusionView, KeyPage, KeyView
from registry.api.consents import ConsentsView, WithdrawnConsentsView
from registry.api.docs import DocsView, SchemaView
from registry.api.explain import ExplainView
from registry.api.health import LiveView, ReadyView
from registry.api.ledger import EntriesView
from registry.api.records import RecordView
from registry.api.scrubs import OutputView, ScrubsView, ScrubView
from registry.api.senders import SenderView, WhoView
from registry.scrubs.files import Output

admin.autodiscover()
# The site is ours alone: accounts, factors and attempts are changed by our own services, each with its entry.
for model in list(admin.site._registry):
    if model._meta.app_label not in ("registry", "optout"):
        admin.site.unregister(model)

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("accounts/", include("registry.login.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    # In front of the admin site's own, which know no second factor.
    path("admin/login/", RedirectView.as_view(pattern_name="account_login", query_string=True)),
    path("admin/logout/", logout),
    path("admin/password_change/", RedirectView.as_view(pattern_name="account_change_password")),
    path("admin/", admin.site.urls),
    path("health/live", LiveView.as_view()),
    path("health/ready", ReadyView.as_view()),
    path("ledger/key", KeyPage.as_view(), name="ledger_key"),
    path("me", MePage.as_view(), name="me"),
    path("me/code", AskCodePage.as_view(), name="me_code"),
    path("me/data", MyDataFile.as_view(), name="me_data"),
    path("me/deletion", AskDeletionPage.as_view(), name="me_deletion"),
    path("me/end", EndPage.as_view(), name="me_end"),
    path("me/proof", ProvePage.as_view(), name="me_proof"),
    path("metrics", MetricsView.as_view()),
    path("receipt", FindReceiptView.as_view(), name="find_receipt"),
    path("v1/applications", ApplicationsView.as_view()),
    path("v1/applications/<int:id>", ApplicationView.as_view()),
    path("v1/applications/<int:id>/evidence", EvidenceView.as_view()),
    path("v1/applications/<int:id>/steps", StepsView.as_view()),
    path("v1/consents", ConsentsView.as_view()),
    path("v1/consents/withdraw", WithdrawnConsentsView.as_view()),
    path("v1/decisions/explain", ExplainView.as_view()),
    path("v1/docs", DocsView.as_view()),
    path("v1/inbound/generic", InboundView.as_view(), {"provider": "generic"}),
    path("v1/inbound/<slug:provider>", InboundView.as_view()),
    path("v1/inbound/<slug:provider>/<str:path_token>", InboundView.as_view()),
    path("v1/ledger/checkpoint", CheckpointView.as_view()),
    path("v1/ledger/entries", EntriesView.as_view()),
    path("v1/ledger/key", KeyView.as_view()),
    path("v1/ledger/proofs/consistency", ConsistencyView.as_view()),
    path("v1/ledger/proofs/inclusion", InclusionView.as_view()),
    re_path(rf"^v1/receipts/(?P<code>{CODE})$", ReceiptView.as_view(), name="receipt"),
    path("v1/records/<str:record>", RecordView.as_view()),
    path("v1/refusals", RefusalsView.as_view()),
    path("v1/scrubs", ScrubsView.as_view()),
    path("v1/scrubs/<int:id>", ScrubView.as_view()),
    *(path(f"v1/scrubs/<int:id>/{output}", OutputView.as_view(), {"output": output}) for output in Output),
    re_path(r"^v1/senders/(?P<digits>[^/]+)$", SenderView.as_view()),
    path("v1/schema", SchemaView.as_view(document=DOCUMENT)),
    path("who", WhoView.as_view(), name="who"),
]

handler400 = "registry.api.problems.bad_request"
handler403 = "registry.login.views.not_yours"
handler404 = "registry.api.problems.not_found"
handler500 = "registry.api.problems.server_error"
