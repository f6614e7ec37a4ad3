"""Every path of the web process but `/v1/decisions`, which `config.asgi` answers in front of Django."""

from django.contrib import admin
from django.urls import path, re_path
from django.views.generic import RedirectView

from optout.api.inbound import InboundView
from optout.api.receipts import ReceiptView
from registry.api.health import LiveView, ReadyView
from registry.api.ledger import EntriesView

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("health/live", LiveView.as_view()),
    path("health/ready", ReadyView.as_view()),
    path("v1/inbound/<slug:provider>", InboundView.as_view()),
    path("v1/inbound/<slug:provider>/<str:path_token>", InboundView.as_view()),
    path("v1/ledger/entries", EntriesView.as_view()),
    re_path(r"^v1/receipts/(?P<code>[A-Za-z0-9_-]{1,64})$", ReceiptView.as_view(), name="receipt"),
]

handler400 = "registry.api.problems.bad_request"
handler404 = "registry.api.problems.not_found"
handler500 = "registry.api.problems.server_error"
