from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ner_lightning.model.encoder import Encoder
from ner_lightning.model.pretrained.hub import load_from
from ner_lightning.model.pretrained.names import EncoderUnavailable, load_tokenizer

NAME = "google-bert/no-such-bert-anywhere"


def assert_ways_out(message: str) -> None:
    assert "\n" not in message
    for way in (NAME, "local folder", "model/encoder=minilm", "pip install 'ner-lightning[encoders]'", "HF_HOME"):
        assert way in message


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A hub here, that knows nothing but answers; gives the list of what it was asked."""
    asked: list[str] = []

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    yield asked
    server.shutdown()
    server.server_close()


@pytest.fixture
def silent_endpoint(endpoint: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A hub that takes the call and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        yield


@pytest.mark.usefixtures("silent_endpoint")
@pytest.mark.parametrize("load", [load_tokenizer, Encoder])
def test_an_unreachable_hub_answers_within_three_seconds(load: type) -> None:
    load("package:minilm")  # imports take their time too, and are not what is measured
    start = time.monotonic()
    with pytest.raises(EncoderUnavailable, match="does not answer") as error:
        load(NAME)
    assert time.monotonic() - start < 3
    assert_ways_out(str(error.value))


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_a_hub_that_is_switched_off_is_not_asked(
    endpoint: list[str], monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "1")
    with pytest.raises(EncoderUnavailable, match=f"{variable} is set") as error:
        load_tokenizer(NAME)
    assert_ways_out(str(error.value))
    assert endpoint == []


def test_the_cache_is_enough(endpoint: list[str]) -> None:
    assert load_from(NAME, lambda local: ("loaded", local), "encoder") == ("loaded", True)
    assert endpoint == []


def test_reading_the_cache_never_touches_the_network(endpoint: list[str]) -> None:
    from huggingface_hub import constants

    def load(local_files_only: bool) -> bool:
        assert local_files_only
        return constants.HF_HUB_OFFLINE

    before = constants.HF_HUB_OFFLINE
    assert load_from(NAME, load, "encoder") is True
    assert before == constants.HF_HUB_OFFLINE


def test_what_the_cache_lacks_comes_from_a_hub_that_answers(endpoint: list[str]) -> None:
    def load(local_files_only: bool) -> str:
        if local_files_only:
            raise OSError("not in the cache")
        return "downloaded"

    assert load_from(NAME, load, "encoder") == "downloaded"
    assert endpoint == ["/"]


def test_a_hub_that_refuses_the_name_is_one_sentence_too(endpoint: list[str]) -> None:
    def load(local_files_only: bool) -> str:
        raise OSError("404 no such repository.\nIf this is private, log in.")

    with pytest.raises(EncoderUnavailable, match="404 no such repository:") as error:
        load_from(NAME, load, "encoder")
    assert_ways_out(str(error.value))
