"""The product's settings with the baseline's one path, as lean and as fast as such a view is served."""

from config.settings import *  # noqa: F403
from config.settings import DATABASES

ROOT_URLCONF = "bench.drf_orm"
# The one that says how long an answer is, and the one without which the log-in's application does not start.
MIDDLEWARE = ["django.middleware.common.CommonMiddleware", "allauth.account.middleware.AccountMiddleware"]
# One kept connection a thread: no pool, no check before each request.
DATABASES["default"]["CONN_HEALTH_CHECKS"] = False
DATABASES["default"]["CONN_MAX_AGE"] = None
DATABASES["default"]["OPTIONS"].pop("pool")
