"""Django's settings. What differs between nodes comes from `config.env`; everything else stands here."""

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
    "SITE_SUBHEADER": "Sender numbers and refusals",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "filters": {"secret_paths": {"()": "config.logs.WithoutSecretPaths"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": ENV.log_level},
    "loggers": {
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
