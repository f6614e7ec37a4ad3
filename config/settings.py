"""Django's settings. What differs between nodes comes from `config.env`; everything else stands here."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from config.database import django_database
from config.env import PROJECT, env
from config.limits import MAX_EVIDENCE_BYTES
from registry.login.limits import COOL_OFF, LIMITS, LONGEST

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


def _may_explain(request: Any) -> bool:
    from registry.admin.readonly import member_of
    from registry.services.explain import MAY_EXPLAIN

    member = member_of(request)
    return member is not None and member.role in MAY_EXPLAIN


INSTALLED_APPS = [
    # In front of the theme, of whose templates it overrides a few.
    "registry.apps.RegistryConfig",
    "unfold",
    # Without looking for the site's pages: `config.urls` does, so that processes without a site do not carry it.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "pgtrigger",
    "rest_framework",
    # Swagger UI's files, for `/v1/docs`.
    "drf_spectacular_sidecar",
    "optout.apps.OptoutConfig",
    # Behind our own apps, whose templates go before theirs.
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "registry.login.middleware.SecureCookieMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "registry.login.middleware.MemberMiddleware",
    # The last, as axes asks: it answers for whoever is locked out.
    "axes.middleware.AxesMiddleware",
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
                "registry.login.context.log_in_pages",
            ],
        },
    },
]

DATABASES = {"default": django_database(ENV.database_url)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

USE_TZ = True
TIME_ZONE = ENV.time_zone
# Where the browser asks for neither.
LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
USE_I18N = True
LOCALE_PATHS = [PROJECT / "locale"]

STATIC_URL = "/static/"
# Served by the web process straight from the packages: nothing to collect, nothing to forget.
WHITENOISE_USE_FINDERS = True

APPEND_SLASH = False
# `config.asgi` lets no larger body come in; what does is kept in memory, since it may hold a person's number.
DATA_UPLOAD_MAX_MEMORY_SIZE = FILE_UPLOAD_MAX_MEMORY_SIZE = MAX_EVIDENCE_BYTES + 1

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

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "admin:index"

ACCOUNT_ADAPTER = "registry.login.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
# A session ends with the browser at the latest.
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
# Failures are counted by axes, whose counts all processes share.
ACCOUNT_RATE_LIMITS = {"login_failed": ""}

MFA_ADAPTER = "registry.login.adapters.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_FORMS = {
    "authenticate": "registry.login.forms.AuthenticateForm",
    "reauthenticate": "registry.login.forms.ReauthenticateForm",
    "add_webauthn": "registry.login.forms.AddKeyForm",
    "edit_webauthn": "registry.login.forms.EditKeyForm",
}
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Haomaku"
# One step before and after: people type slowly, and telephones' clocks are off.
MFA_TOTP_TOLERANCE = 1

AXES_HANDLER = "registry.login.lockout.LockoutHandler"
AXES_LOCKOUT_PARAMETERS = [list(shared) for shared in LIMITS]
AXES_FAILURE_LIMIT = 1
AXES_COOLOFF_TIME = COOL_OFF
AXES_LOCKOUT_CALLABLE = "registry.login.lockout.locked_page"
AXES_USERNAME_CALLABLE = "registry.login.lockout.counted_name"
AXES_CLIENT_IP_CALLABLE = "registry.addresses.client_address"
AXES_RESET_ON_SUCCESS = True
# Otherwise whoever keeps trying keeps the owner out.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_SENSITIVE_PARAMETERS = [
    "username", "ip_address", "login", "code", "credential", "oldpassword", "password1", "password2",
    "csrfmiddlewaretoken",
]  # fmt: skip
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False
AXES_DISABLE_ACCESS_LOG = True

CSRF_FAILURE_VIEW = "registry.login.views.out_of_date"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = int(LONGEST.total_seconds())
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if ENV.behind_proxy else None
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"

UNFOLD = {
    "SITE_TITLE": "Haomaku 号码库",
    "SITE_HEADER": "Haomaku 号码库",
    "SITE_SUBHEADER": _("Sender numbers and refusals"),
    "SHOW_HISTORY": False,
    "SHOW_LANGUAGES": True,
    "ACCOUNT": {
        "navigation": [
            {"title": _("Security"), "link": reverse_lazy("mfa_index")},
            {"title": _("Change password"), "link": reverse_lazy("account_change_password")},
        ],
    },
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "registry.admin.home.home",
    "SITE_ICON": lambda request: static("registry/icon.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("registry/icon.svg")}],
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
                    _page(_("Scrubs"), "cleaning_services", "admin:registry_scrub_changelist", "Scrub"),
                ],
            },
            {
                "title": _("Refusals"),
                "separator": True,
                "items": [
                    _page(_("Refusals"), "block", "admin:registry_suppression_changelist", "Suppression"),
                    _page(_("Consents"), "schedule", "admin:registry_consent_changelist", "Consent"),
                    _page(
                        _("Replies to review"), "rate_review", "admin:optout_inboundmessage_review", "InboundMessage"
                    ),
                    _page(_("Replies"), "inbox", "admin:optout_inboundmessage_changelist", "InboundMessage")
                    | {"active": lambda request: "/inboundmessage/" in request.path and "/review/" not in request.path},
                    _page(
                        _("Messages to people"),
                        "outgoing_mail",
                        "admin:optout_outgoingmessage_changelist",
                        "OutgoingMessage",
                    ),
                    _page(
                        _("Requests for deletion"),
                        "person_remove",
                        "admin:optout_deletionrequest_changelist",
                        "DeletionRequest",
                    ),
                    _page(_("Reject codes"), "password", "admin:registry_rejectcode_changelist", "RejectCode"),
                    _page(_("Policy rows"), "gavel", "admin:registry_policyrow_changelist", "PolicyRow"),
                ],
            },
            {
                "title": _("Oversight"),
                "separator": True,
                "items": [
                    _page(_("Explain a decision"), "stairs", "admin:registry_listing_explain")
                    | {"permission": _may_explain},
                    _page(_("Ledger"), "history_edu", "admin:registry_ledgerentry_changelist", "LedgerEntry"),
                    _page(_("Evidence"), "folder_zip", "admin:optout_evidencecase_changelist", "EvidenceCase"),
                    _page(_("API keys"), "key", "admin:registry_apikey_changelist", "ApiKey"),
                    _page(
                        _("Decision records"),
                        "fact_check",
                        "admin:registry_decisionrecord_changelist",
                        "DecisionRecord",
                    ),
                    _page(_("Questions by day"), "query_stats", "admin:registry_askedday_changelist", "AskedDay"),
                    _page(_("Looks"), "visibility", "admin:registry_look_changelist", "Look"),
                    _page(_("Exports"), "file_download", "admin:registry_export_changelist", "Export"),
                    _page(_("Purges"), "auto_delete", "admin:registry_purge_changelist", "Purge"),
                    _page(_("Canaries"), "raven", "admin:registry_canary_changelist", "Canary"),
                    _page(_("Members"), "group", "admin:registry_member_changelist", "Member"),
                    _page(_("Receivers"), "settings_input_antenna", "admin:optout_receiver_changelist", "Receiver"),
                ],
            },
        ],
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "filters": {"secret_paths": {"()": "config.logs.WithoutSecretPaths"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": ENV.log_level},
    "loggers": {
        # It tells every log-in; failures and locks are warnings.
        "axes": {"level": "WARNING"},
        # Its pool warns at each failed attempt with the connection's parameters; our own line says what matters.
        "psycopg.pool": {"level": "ERROR"},
        # What is refused is answered, not logged; of a path with a secret in it, the secret is left out.
        "django.request": {"handlers": [], "level": "ERROR", "propagate": True, "filters": ["secret_paths"]},
        # A wrong Host is answered with 400; it is no fault of ours that needs a traceback.
        "django.security.DisallowedHost": {"handlers": [], "level": "CRITICAL", "propagate": False},
        # Django's own mail-to-admins and console handlers would print each line twice.
        "django": {"handlers": [], "propagate": True},
    },
}
