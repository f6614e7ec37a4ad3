"""Settings say what is wrong with them."""

import pytest

from config.env import SETTINGS, SettingError, read_setting

PUBLIC_URL = next(setting for setting in SETTINGS if setting.name == "PUBLIC_URL")


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
