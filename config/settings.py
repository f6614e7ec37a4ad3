"""Django's settings. What differs between nodes comes from `config.env`; everything else stands here."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from config.database import django_database
from config.env import env
from registry.decisions.app import MAX_BODY_BYTES

ENV = env()

SECRET_KEY = ENV.secret_key
DEBUG = False
# This machine itself always reaches its node: the supervisor, health checks, the tour.
ALLOWED_HOSTS = [*ENV.allowed_hosts, "localhost", "127.0.0.1", "[::1]"]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"


def _page(title: Any, icon: str, view: str, model: str = "") -> dict[str, Any]:
    """A link of the site's navigation, shown to whom the page is for."""
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(view),
        "permission": lambda request: not model or _may_see(request, model),
    }


def _may_see(request: Any, model: str) -> bool:
    from registry.admin.readonly import member_of
    from registry.selectors.visibility import VISIBLE, may_see

    return any(may_see(member_of(request), known) for known in VISIBLE if known.__name__ == model)


INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "pgtrigger",
    "rest_framework",
    # Swagger UI's files, for `/v1/docs`.
    "drf_spectacular_sidecar",
    "registry.apps.RegistryConfig",
    "optout.apps.OptoutConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {"default": django_database(ENV.database_url)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

USE_TZ = True
TIME_ZONE = ENV.time_zone
LANGUAGE_CODE = "en"
USE_I18N = True

STATIC_URL = "/static/"
# Served by the web process straight from the packages: nothing to collect, nothing to forget.
WHITENOISE_USE_FINDERS = True

APPEND_SLASH = False
# `config.asgi` lets no larger body come in; what does is kept in memory, since it may hold a person's number.
DATA_UPLOAD_MAX_MEMORY_SIZE = FILE_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES + 1

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "registry.api.negotiation.AlwaysJson",
    "URL_FORMAT_OVERRIDE": None,
    "EXCEPTION_HANDLER": "registry.api.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
}

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"

UNFOLD = {
    "SITE_TITLE": "Haomaku 号码库",
    "SITE_HEADER": "Haomaku 号码库",
    "SITE_SUBHEADER": _("Sender numbers and refusals"),
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "DASHBOARD_CALLBACK": "registry.admin.home.home",
    "STYLES": [lambda request: static("registry/pages.css")],
    # Blue; the steps that the theme uses for text on a dark ground are lighter than usual, for contrast.
    "COLORS": {
        "primary": {
            "50": "#eff6ff",
            "100": "#dbeafe",
            "200": "#bfdbfe",
            "300": "#93c5fd",
            "400": "#60a5fa",
            "500": "#60a5fa",
            "600": "#1d4ed8",
            "700": "#1e40af",
            "800": "#1e3a8a",
            "900": "#172554",
            "950": "#0f172a",
        },
    },
    "SIDEBAR": {
        "navigation": [
            {
                "items": [
                    _page(_("Home"), "home", "admin:index"),
                    _page(_("Applications"), "assignment", "admin:registry_application_changelist", "Application"),
                    _page(_("Numbers"), "dialpad", "admin:registry_listing_changelist", "Listing"),
                    _page(_("Institutions"), "account_balance", "admin:registry_institution_changelist", "Institution"),
                    _page(_("Mandates"), "handshake", "admin:registry_mandate_changelist", "Mandate"),
                    _page(_("Carriers"), "cell_tower", "admin:registry_carrier_changelist", "Carrier"),
                ],
            },
            {
                "title": _("Refusals"),
                "separator": True,
                "items": [
                    _page(_("Refusals"), "block", "admin:registry_suppression_changelist", "Suppression"),
                    _page(_("Replies"), "inbox", "admin:optout_inboundmessage_changelist", "InboundMessage"),
                    _page(_("Reject codes"), "password", "admin:registry_rejectcode_changelist", "RejectCode"),
                    _page(_("Policy rows"), "gavel", "admin:registry_policyrow_changelist", "PolicyRow"),
                ],
            },
            {
                "title": _("Oversight"),
                "separator": True,
                "items": [
                    _page(_("Ledger"), "history_edu", "admin:registry_ledgerentry_changelist", "LedgerEntry"),
                    _page(_("API keys"), "key", "admin:registry_apikey_changelist", "ApiKey"),
                    _page(_("Members"), "group", "admin:registry_member_changelist", "Member"),
                ],
            },
        ],
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": ENV.log_level},
    "loggers": {
        # Its pool warns at each failed attempt with the connection's parameters; our own line says what matters.
        "psycopg.pool": {"level": "ERROR"},
        # A path may hold a receipt's code, which is as good as a password; what is refused is answered, not logged.
        "django.request": {"handlers": [], "level": "ERROR", "propagate": True},
        # A wrong Host is answered with 400; it is no fault of ours that needs a traceback.
        "django.security.DisallowedHost": {"handlers": [], "level": "CRITICAL", "propagate": False},
        # Django's own mail-to-admins and console handlers would print each line twice.
        "django": {"handlers": [], "propagate": True},
    },
}
