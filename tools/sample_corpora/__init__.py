"""The grammar that wrote the sample corpora; not in the wheel."""
