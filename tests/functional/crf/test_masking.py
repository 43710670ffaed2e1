import pytest
import torch

from ner_lightning.functional.crf.chain import check_mask


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (torch.tensor([[True, True], [False, True]]), "row 1 has none; drop it"),
        (torch.tensor([[True, True], [False, False]]), "row 1 has none; drop it"),
        (torch.tensor([[True, False, False, True]]), "row 0 has a hole at position 1"),
        (torch.ones(2, 2, dtype=torch.uint8), "expected a bool mask, got torch.uint8"),
    ],
)
def test_known_bug_3_bad_masks_are_refused(mask, message):
    with pytest.raises(ValueError, match=message):
        check_mask(mask)


def test_good_masks_pass():
    check_mask(torch.tensor([[True, True, True], [True, False, False]]))
    check_mask(torch.empty(0, 3, dtype=torch.bool))
    check_mask(torch.tensor([[True, False, True]], device="meta"))  # elsewhere nobody looks
