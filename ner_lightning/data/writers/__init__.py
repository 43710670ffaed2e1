"""Writers: one small class per file format, and functions for our own two."""

from ner_lightning.data.writers.columns import ConllWriter, write_conll
from ner_lightning.data.writers.json_lines import JsonlWriter, sentence_record, write_jsonl

__all__ = ["ConllWriter", "JsonlWriter", "sentence_record", "write_conll", "write_jsonl"]
