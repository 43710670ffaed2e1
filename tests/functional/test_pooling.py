import torch

from ner_lightning.functional.pooling import pool_words


def test_mean_equals_the_obvious_mean_and_its_gradient() -> None:
    torch.manual_seed(0)
    hidden = torch.randn(9, 4, requires_grad=True)
    first, count = torch.tensor([[1, 3, 4], [6, 0, 0]]), torch.tensor([[2, 1, 2], [3, 0, 0]])
    pooled = pool_words(hidden, first, count, "mean")
    obvious = torch.stack([hidden[1:3].mean(0), hidden[3], hidden[4:6].mean(0), hidden[6:9].mean(0)])
    ours = torch.stack([*pooled[0], pooled[1, 0]])
    assert torch.allclose(ours, obvious, atol=1e-6)
    weights = torch.randn(4, 4)
    (expected,) = torch.autograd.grad((obvious * weights).sum(), hidden)
    (found,) = torch.autograd.grad((ours * weights).sum(), hidden)
    assert torch.allclose(found, expected, atol=1e-6)


def test_half_precision_comes_out_as_it_went_in() -> None:
    hidden = torch.ones(3, 2, dtype=torch.bfloat16)
    assert pool_words(hidden, torch.tensor([[0]]), torch.tensor([[3]]), "mean").dtype == torch.bfloat16
