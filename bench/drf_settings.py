"""The product's settings with the baseline's one path."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "bench.drf_orm"
