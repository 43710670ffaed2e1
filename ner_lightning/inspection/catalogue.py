"""Every kind of finding, in the order of the report."""

from __future__ import annotations

from ner_lightning.inspection.findings.characters import INVISIBLE
from ner_lightning.inspection.findings.entity_types import ALIKE, FOREIGN, RARE
from ner_lightning.inspection.findings.mentions import AMBIGUOUS, UNMARKED, UNSEEN
from ner_lightning.inspection.findings.reading import DROPPED, ILLEGAL
from ner_lightning.inspection.findings.sentences import CONFLICTS, DOCUMENTS, DUPLICATES, LEAKAGE
from ner_lightning.inspection.findings.subwords import LONG, PIECELESS, UNKNOWN

FINDINGS = (
    LEAKAGE, DUPLICATES, DOCUMENTS, CONFLICTS, AMBIGUOUS, UNMARKED, ILLEGAL, *DROPPED, FOREIGN, ALIKE, RARE, UNSEEN,
    INVISIBLE, UNKNOWN, PIECELESS, LONG,
)  # fmt: skip
NAMES = tuple(kind.name for kind in FINDINGS)
