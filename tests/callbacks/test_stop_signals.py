import signal

import pytest
from pytorch_lightning.utilities.exceptions import SIGTERMException

from ner_lightning.callbacks.stop_signals import WATCHED, StopSignals, leave


def test_signals_are_noted_and_given_back() -> None:
    before = {number: signal.getsignal(number) for number in WATCHED}
    for number in WATCHED:
        signals = StopSignals()
        signals.watch()
        signals.watch()
        assert signals.asked is None
        signal.raise_signal(number)
        assert signals.asked == number
        signals.release()
        assert {n: signal.getsignal(n) for n in WATCHED} == before


def test_a_second_interruption_ends_at_once() -> None:
    signals = StopSignals()
    signals.watch()
    try:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    finally:
        signals.release()


def test_a_run_ends_as_its_signal_would_have_it() -> None:
    with pytest.raises(KeyboardInterrupt):
        leave(signal.SIGINT)
    with pytest.raises(SIGTERMException):
        leave(signal.SIGTERM)
