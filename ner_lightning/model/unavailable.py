"""The one error for an encoder that cannot be had."""

from ner_lightning.errors import UserError


class EncoderUnavailable(UserError, RuntimeError):
    """A pretrained encoder or its tokenizer cannot be loaded; the message is one sentence with the ways out."""
