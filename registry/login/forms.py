"""The forms that take a code: locked after too many failures, and no code of an app is taken twice."""

from __future__ import annotations

from typing import Any

from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from axes.handlers.proxy import AxesProxyHandler
from django import forms as django_forms
from django.utils.translation import gettext_lazy as _

from registry.services.log_in import spend_totp


class _Checked:
    """Mixed into allauth's forms, which compare the code."""

    def clean_code(self) -> str:
        form: Any = self
        credentials = {"username": form.user.get_username()}
        if not AxesProxyHandler.is_allowed(context.request, credentials):
            # The middleware of axes answers with the page that says so.
            context.request.axes_locked_out = True
            context.request.axes_credentials = credentials
            raise get_adapter().validation_error("incorrect_code")
        code: str = super().clean_code()  # type: ignore[misc]  # of the form that this is mixed into
        if form.authenticator.type == Authenticator.Type.TOTP and not spend_totp(form.authenticator.pk, code):
            form._emit_authentication_failed(form.authenticator)
            raise get_adapter().validation_error("incorrect_code")
        return code


class AuthenticateForm(_Checked, forms.AuthenticateForm):  # type: ignore[misc]  # allauth ships no types
    """The second step of a log-in."""


class ReauthenticateForm(_Checked, forms.ReauthenticateForm):  # type: ignore[misc]
    """A code before the second factor itself is changed."""


class AddKeyForm(AddWebAuthnForm):  # type: ignore[misc]
    """With a label that can be translated."""

    name = django_forms.CharField(label=_("Name"), required=False, max_length=100)


class EditKeyForm(EditWebAuthnForm):  # type: ignore[misc]
    """With a label that can be translated."""

    name = django_forms.CharField(label=_("Name"), max_length=100)
