"""Named entity recognition with BERT and a CRF: train, sweep, compare, use."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ner_lightning.inference.tagger import Tagger

__all__ = ["Tagger"]


def __getattr__(name: str) -> Any:
    """Import `Tagger` on first use: importing the package alone must stay cheap."""
    if name == "Tagger":
        from ner_lightning.inference.tagger import Tagger

        return Tagger
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
