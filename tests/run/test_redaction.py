from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ner_lightning.run.redaction import (
    HIDDEN,
    hidden_places,
    is_secret,
    known_secrets,
    publishable,
    redact,
    redact_text,
    redact_words,
    redact_yaml,
    tells_secret,
)

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
    config = {"readers": [{"hub_token": "hf_abc", "login": {"password": "p"}}], "about": "key s3cr3t-value inside"}
    assert publishable(config, {"s3cr3t-value"}) == {
        "readers": [{"hub_token": HIDDEN, "login": {"password": HIDDEN}}],
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
    assert known_secrets({"API_KEY": "1234567", "MY_SECRET": "12345678", "PATH": "/usr/bin:/bin"}) == {"12345678"}


def test_a_command_line_tells_a_secret_by_key_or_by_value():
    assert tells_secret(["+data.api_key=x"])
    assert tells_secret(["data.dir=s3cr3t-value"], {"s3cr3t-value"})
    assert not tells_secret(["-m", "+experiment=crf", "data.dir=/corpora", "seed=1,2"])


@pytest.mark.parametrize(
    "name",
    [
        *("github_token", "DEPLOY_TOKEN", "GITHUB_PAT", "MYSQL_PWD", "PGPASSWORD", "passphrase", "AWS_ACCESS_KEY_ID"),
        *("AWS_SECRET_ACCESS_KEY", "hubToken", "dbPassword", "x-api-key", "HF_TOKEN_2", "smtp_pass", "ssh_key", "auth"),
        *("data.credentials.user", "api_tokens", "AZURE_STORAGE_CONNECTION_STRING", "cookie", "db.pwd"),
    ],
)
def test_names_of_secrets(name):
    assert is_secret(name)
    assert is_secret(name.upper()) or "." in name or name != name.lower()


@pytest.mark.parametrize(
    "name",
    [
        *("unk_token", "pad_token", "decoder_start_token", "max_token", "tokens", "words_key", "batch_tokens", "path"),
        *("tokenizer", "author", "patience", "pattern", "compass", "monitor", "special_tokens", "SSH_AUTH_SOCK"),
    ],
)
def test_names_that_look_like_those_of_secrets(name):
    assert not is_secret(name)


def test_the_folders_of_a_shell_are_no_secrets():
    assert known_secrets({"PWD": "/home/someone", "OLDPWD": "/home/someone/else"}) == frozenset()


def test_a_secret_number_is_hidden_too():
    assert redact({"password": 12345678, "tokens": 12345678}) == {"password": HIDDEN, "tokens": 12345678}


def test_what_a_key_calls_secret_is_hidden_wherever_else_it_stands():
    config = {"hub_token": "hunter2hunter2", "tags": ["of hunter2hunter2"], "hunter2hunter2": 1}
    assert redact(config) == {"hub_token": HIDDEN, "tags": [f"of {HIDDEN}"], HIDDEN: 1}


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("https://host/x?token=abc&page=2", f"https://host/x?token={HIDDEN}&page=2"),
        ("https://host/x?page=2&sig=abc%2F#top", f"https://host/x?page=2&sig={HIDDEN}#top"),
        ("https://s3/x?X-Amz-Signature=abc&X-Amz-Date=1", f"https://s3/x?X-Amz-Signature={HIDDEN}&X-Amz-Date={HIDDEN}"),
        ("https://me:p@ss@host/x", f"https://{HIDDEN}@host/x"),
        ("postgresql://me:pw@host:5432/db", f"postgresql://{HIDDEN}@host:5432/db"),
        ("Authorization: Bearer abcdefgh.ij", f"Authorization: Bearer {HIDDEN}"),
        ("my tag ghp_0123456789abcdefghijABCDEFGHIJ012345", f"my tag {HIDDEN}"),
        ("hf_abcdefghijklmnopqrstuvwxyz012345", HIDDEN),
        ("AKIAIOSFODNN7EXAMPLE", HIDDEN),
        ("sk-proj-0123456789abcdefABCDEF", HIDDEN),
        ("/models/sk-large-multilingual-encoder and pypi-mirror-of-encoders-2", None),
        ("pat=5, patience=3", None),
        ("{'password': 'open sesame', 'user': 'me'}", f"{{'password': {HIDDEN}, 'user': 'me'}}"),
        ('{"hub_token": "abc", "n": 1}', f'{{"hub_token": {HIDDEN}, "n": 1}}'),
        ("+db={user:me,password:abc}", f"+db={{user:me,password:{HIDDEN}}}"),
        ("MY_PAT=abc failed", f"MY_PAT={HIDDEN} failed"),
        ("model.encoder.name=org/name unk_token=[UNK] lr=1e-4", None),
        ("give it: data.hub_token=VALUE", None),
        ("hub_token=null, auth_token=true, api_key=${oc.env:MY_KEY}", None),
        ("a commit 0123456789abcdef0123456789abcdef01234567", None),
    ],
)
def test_texts(text, public):
    assert redact_text(text) == (public or text)
    assert redact_text(redact_text(text)) == redact_text(text), "hiding twice is hiding once"


def test_a_secret_that_begins_with_another_is_hidden_whole_and_in_a_url_too():
    secrets = {"12345678", "12345678/9"}
    assert redact_text("12345678/9", secrets) == HIDDEN
    assert redact_text("https://host/12345678%2F9", secrets) == f"https://host/{HIDDEN}"


def test_a_value_that_the_environment_gives_is_told_by_its_variable():
    words = ["+data.hub_token=${oc.env:HF_TOKEN}", "+data.api_key='${oc.env:MY_KEY,fallback}'"]
    assert redact_words(words) == [words[0], f"+data.api_key={HIDDEN}"]


def test_a_secret_of_one_word_is_hidden_in_the_others():
    assert redact_words(["+data.hub_token='hunter2hunter2'", "logger.wandb.tags=[hunter2hunter2]"]) == [
        f"+data.hub_token={HIDDEN}",
        f"logger.wandb.tags=[{HIDDEN}]",
    ]


def test_a_list_in_a_record_is_not_cut():
    assert redact({"files": ["x" * 2000] * 200}) == {"files": ["x" * 2000] * 200}


def test_a_stored_configuration_tells_what_it_lacks():
    stored = redact({"data": {"hub_token": "abc", "readers": [{"url": "https://u:p@h"}]}, "seed": 1})
    assert [*hidden_places(stored)] == ["data.hub_token", "data.readers.0.url"]


def test_a_file_of_somebody_else_is_written_anew(tmp_path):
    file = tmp_path / "multirun.yaml"
    file.write_text("hydra:\n  task: ['+data.hub_token=abc', seed=1]\ndata: {dir: '${paths.x}', hub_token: abc}\n")
    redact_yaml(file, ())
    assert yaml.safe_load(file.read_text()) == {
        "hydra": {"task": [f"+data.hub_token={HIDDEN}", "seed=1"]},
        "data": {"dir": "${paths.x}", "hub_token": HIDDEN},
    }
    redact_yaml(tmp_path / "none.yaml", ())
    assert [path.name for path in tmp_path.iterdir()] == ["multirun.yaml"]
