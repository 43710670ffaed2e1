"""One small class a file format, and the functions that write the two of our own."""

from ner_lightning.data.writers.columns import ConllWriter, write_conll
from ner_lightning.data.writers.json_lines import JsonlWriter, sentence_record, write_jsonl

__all__ = ["ConllWriter", "JsonlWriter", "sentence_record", "write_conll", "write_jsonl"]
