import io
import random

import numpy as np
import torch

from ner_lightning.callbacks.random_state import random_state, restore_random_state


def draw() -> list[float]:
    return [random.random(), random.gauss(), np.random.rand(), np.random.normal(), torch.rand(()).item()]


def test_every_generator_goes_on_from_a_file() -> None:
    draw()  # so that NumPy and Python keep half a pair of normal numbers
    file = io.BytesIO()
    torch.save(random_state(), file)
    expected = [draw() for _ in range(3)]
    assert [draw() for _ in range(3)] != expected
    restore_random_state(torch.load(io.BytesIO(file.getvalue()), weights_only=True))
    assert [draw() for _ in range(3)] == expected
