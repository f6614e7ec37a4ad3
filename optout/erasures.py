"""Replies, messages and evidence have to do with erasures; beside what the library knows of them."""

from optout.services.erasure import against, end
from registry.erasures import Concern, concern

concern(Concern(against, end))
