"""Every path of the web process but `/v1/decisions`, which `config.asgi` answers in front of Django."""

from django.contrib import admin
from django.urls import path, re_path
from django.views.generic import RedirectView

from config.openapi import DOCUMENT
from optout.api.inbound import GenericView
from optout.api.receipts import ReceiptView
from registry.api.applications import ApplicationsView, ApplicationView, EvidenceView, StepsView
from registry.api.docs import DocsView, SchemaView
from registry.api.health import LiveView, ReadyView
from registry.api.ledger import EntriesView
from registry.api.senders import SenderView, WhoView

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("health/live", LiveView.as_view()),
    path("health/ready", ReadyView.as_view()),
    path("v1/applications", ApplicationsView.as_view()),
    path("v1/applications/<int:id>", ApplicationView.as_view()),
    path("v1/applications/<int:id>/evidence", EvidenceView.as_view()),
    path("v1/applications/<int:id>/steps", StepsView.as_view()),
    path("v1/docs", DocsView.as_view()),
    path("v1/inbound/generic", GenericView.as_view()),
    path("v1/ledger/entries", EntriesView.as_view()),
    re_path(r"^v1/receipts/(?P<code>[A-Za-z0-9_-]{1,64})$", ReceiptView.as_view(), name="receipt"),
    re_path(r"^v1/senders/(?P<digits>[^/]+)$", SenderView.as_view()),
    path("v1/schema", SchemaView.as_view(document=DOCUMENT)),
    path("who", WhoView.as_view(), name="who"),
]

handler400 = "registry.api.problems.bad_request"
handler404 = "registry.api.problems.not_found"
handler500 = "registry.api.problems.server_error"
