"""Settings say what is wrong with them."""

import pytest

from config.env import SETTINGS, SettingError, read_setting

PUBLIC_URL = next(setting for setting in SETTINGS if setting.name == "PUBLIC_URL")
CONFIRMATION_URL = next(setting for setting in SETTINGS if setting.name == "CONFIRMATION_URL")


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("", ""),
        ("https://registry.example.cn", "https://registry.example.cn"),
        ("http://registry.example.cn:8000/", "http://registry.example.cn:8000"),
        ("https://[::1]/haomaku/", "https://[::1]/haomaku"),
    ],
)
def test_a_public_url_ends_without_a_slash(value, meant):
    assert read_setting(PUBLIC_URL, {"PUBLIC_URL": value}, {}) == meant


@pytest.mark.parametrize(
    "value", ["registry.example.cn", "ftp://a", "https://", "https://a?b", "https://a:b", "https://u@a"]
)
def test_what_is_no_address_is_refused_by_name(value):
    with pytest.raises(SettingError, match="PUBLIC_URL must be an address"):
        read_setting(PUBLIC_URL, {"PUBLIC_URL": value}, {})


@pytest.mark.parametrize("value", ["", "https://gateway.example.cn", "http://[::1]:8080/send?token=a%20b"])
def test_an_address_for_confirmations_is_kept_as_it_is(value):
    assert read_setting(CONFIRMATION_URL, {"CONFIRMATION_URL": value}, {}) == value


@pytest.mark.parametrize(
    "value",
    ["nowhere", "ftp://a", "https://name:word@a", "https://a/b#c", "https://a:70000", "https://a/号", "https://a b"],
)
def test_what_is_no_address_for_confirmations_is_refused_without_repeating_it(value):
    with pytest.raises(SettingError, match="CONFIRMATION_URL must be an address") as refused:
        read_setting(CONFIRMATION_URL, {"CONFIRMATION_URL": value}, {})
    assert value not in str(refused.value)
