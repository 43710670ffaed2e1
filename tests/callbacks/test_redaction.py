from __future__ import annotations

from pathlib import Path

import yaml

from ner_lightning.callbacks.redaction import HIDDEN, is_secret, publishable, secret_values, tells_secret

CONF = Path(__file__).parents[2] / "conf"


def keys(node: object) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(keys, node))
    return set(node).union(*map(keys, node.values())) if isinstance(node, dict) else set()


def test_no_key_of_our_configuration_is_taken_for_a_secret():
    found = set().union(*(keys(yaml.safe_load(file.read_text(encoding="utf-8"))) for file in CONF.rglob("*.yaml")))
    assert "project" in found
    assert not {key for key in found if is_secret(str(key))}


def test_secrets_are_hidden_at_any_depth_and_under_any_key():
    config = {"readers": [{"hub_token": "hf_abc", "auth": {"password": "p"}}], "about": "key s3cr3t-value inside"}
    assert publishable(config, {"s3cr3t-value"}) == {
        "readers": [{"hub_token": HIDDEN, "auth": {"password": HIDDEN}}],
        "about": f"key {HIDDEN} inside",
    }


def test_a_whole_container_under_a_secret_key_is_hidden():
    assert publishable({"credentials": {"user": "u", "pass": "p"}}) == {"credentials": HIDDEN}


def test_settings_about_secrets_are_no_secrets():
    assert publishable({"hub_token": None, "auth_token": True}) == {"hub_token": None, "auth_token": True}


def test_a_login_in_a_url_is_hidden():
    assert publishable(["https://user:pw@host/a@b", "https://host/a@b"]) == [
        f"https://{HIDDEN}@host/a@b",
        "https://host/a@b",
    ]


def test_what_is_ordinary_is_kept_as_it_is():
    config = {
        "data": {"dir": "/corpora/x", "text_key": "text"},
        "lr": 1e-4,
        "off": None,
        "on": True,
        "types": ["PER"] * 100,
    }
    assert publishable(config) == config


def test_what_is_huge_says_how_much_is_left_out():
    config = {"text": "é" * 1500, "list": [0] * 101, "dict": {str(i): i for i in range(101)}}
    assert publishable(config) == {
        "text": f"{'é' * 1000} (500 more characters left out)",
        "list": "(101 items left out)",
        "dict": "(101 items left out)",
    }


def test_other_objects_become_text_and_tuples_lists():
    assert publishable({"path": Path("a/b"), "betas": (0.9, 0.999), 3: "three"}) == {
        "path": "a/b",
        "betas": [0.9, 0.999],
        "3": "three",
    }


def test_short_secrets_of_the_environment_would_hide_ordinary_words():
    assert secret_values({"API_KEY": "1234567", "MY_SECRET": "12345678", "PATH": "/usr/bin:/bin"}) == {"12345678"}


def test_a_command_line_tells_a_secret_by_key_or_by_value():
    assert tells_secret(["+data.api_key=x"])
    assert tells_secret(["data.dir=s3cr3t-value"], {"s3cr3t-value"})
    assert not tells_secret(["-m", "+experiment=crf", "data.dir=/corpora", "seed=1,2"])
