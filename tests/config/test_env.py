"""Settings say what is wrong with them."""

import pytest

from config.env import SETTINGS, SettingError, read_setting

PUBLIC_URL = next(setting for setting in SETTINGS if setting.name == "PUBLIC_URL")
CONFIRMATION_URL = next(setting for setting in SETTINGS if setting.name == "CONFIRMATION_URL")
CHECKPOINT_KEYS = next(setting for setting in SETTINGS if setting.name == "CHECKPOINT_KEYS")
BY_NAME = {setting.name: setting for setting in SETTINGS}
CHAIN_URL = BY_NAME["CHAIN_URL"]


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


@pytest.mark.parametrize("value", ["", "/etc/haomaku/keys", "ab" * 32, f"{'ab' * 32},{'CD' * 32}"])
def test_keys_of_checkpoints_are_given_or_lie_in_a_file(value):
    assert read_setting(CHECKPOINT_KEYS, {"CHECKPOINT_KEYS": value}, {}) == value


@pytest.mark.parametrize("value", ["keys", "ab" * 31, f"{'ab' * 32} {'cd' * 32}", f"{'ab' * 32},"])
def test_what_is_no_key_of_checkpoints_is_refused_without_repeating_it(value):
    with pytest.raises(SettingError, match="CHECKPOINT_KEYS must be keys") as refused:
        read_setting(CHECKPOINT_KEYS, {"CHECKPOINT_KEYS": value}, {})
    assert value not in str(refused.value).replace("must be keys", "")


@pytest.mark.parametrize("value", ["", "https://chain.example.cn/api", "http://127.0.0.1:8080/", "http://localhost"])
def test_a_chain_is_reached_encrypted_or_on_this_machine(value):
    assert read_setting(CHAIN_URL, {"CHAIN_URL": value}, {}) == value


@pytest.mark.parametrize("value", ["http://chain.example.cn", "http://localhost.example.cn", "https://a/?b", "chain"])
def test_what_is_no_address_of_a_chain_is_refused(value):
    with pytest.raises(SettingError, match="CHAIN_URL must"):
        read_setting(CHAIN_URL, {"CHAIN_URL": value}, {})


def test_a_token_is_one_word_and_certificates_lie_in_a_file():
    with pytest.raises(SettingError, match="CHAIN_TOKEN must be one word"):
        read_setting(BY_NAME["CHAIN_TOKEN"], {"CHAIN_TOKEN": "a\r\nb"}, {})
    with pytest.raises(SettingError, match="TSA_CERTIFICATES must be a file's absolute path"):
        read_setting(BY_NAME["TSA_CERTIFICATES"], {"TSA_CERTIFICATES": "roots.pem"}, {})
