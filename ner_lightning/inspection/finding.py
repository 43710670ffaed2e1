"""One thing that is worth knowing about a corpus: how much of it, how much is too much, and where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ner_lightning.inspection.settings import InspectionSettings

Cell = str | int | float | None


class FindingKind(NamedTuple):
    """All that is said of a finding but what was found; declared beside what finds it.

    Attributes:
        name: under which it has a limit and can fail a build.
        title: its name for people.
        unit: what is counted: so many of so many `unit`.
        meaning: what it means and what to do.
        limit: the largest share that is not marked, unless `inspection.limits` says otherwise.
    """

    name: str
    title: str
    unit: str
    meaning: str
    limit: float


@dataclass(frozen=True)
class Part:
    """A count of something, of so many: `Part("test", 126, 3453)`."""

    name: str
    count: int
    total: int

    @property
    def share(self) -> float:
        """The count as a share, 0 where there is nothing to count in."""
        return self.count / self.total if self.total else 0.0


@dataclass(frozen=True)
class Listing:
    """Places of a finding.

    Attributes:
        columns: headings.
        rows: a cell a column, the most telling first.
        unlisted: rows left out.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    unlisted: int = 0

    @classmethod
    def first(cls, listed: int, columns: tuple[str, ...], rows: Sequence[tuple[Cell, ...]], total: int) -> Listing:
        """The first rows of `total` ones, which need not all have been made."""
        kept = tuple(rows[:listed])
        return cls(columns, kept, total - len(kept))


@dataclass(frozen=True)
class Finding:
    """What was counted under one name.

    Attributes:
        kind: what it is called, counts and means.
        parts: the counts, by split or pair of splits; none where it cannot be told.
        limit: the largest share of any part that is not marked.
        listing: places.
        why_not: what is missing where it cannot be told.
    """

    kind: FindingKind
    parts: tuple[Part, ...]
    limit: float
    listing: Listing = Listing()
    why_not: str = ""

    @classmethod
    def of(
        cls,
        settings: InspectionSettings,
        kind: FindingKind,
        parts: tuple[Part, ...],
        listing: Listing = Listing(),
        why_not: str = "",
    ) -> Finding:
        """A finding under the limit that the settings have for it."""
        return cls(kind, parts, settings.limit_of(kind), listing, why_not)

    @property
    def name(self) -> str:
        """Its name among the reasons to fail."""
        return self.kind.name

    @property
    def count(self) -> int:
        """All parts together."""
        return sum(part.count for part in self.parts)

    @property
    def worst(self) -> Part | None:
        """The part with the largest share; None where it cannot be told."""
        return max(self.parts, key=lambda part: part.share, default=None)

    @property
    def share(self) -> float:
        """The share of the worst part."""
        return self.worst.share if self.worst else 0.0

    @property
    def is_over(self) -> bool:
        """Whether a part is beyond the limit."""
        return self.share > self.limit

    def sentence(self) -> str:
        """What is said where it is beyond its limit.

        >>> leakage = FindingKind("leakage", "Leakage", "sentences", "They also stand in train.", 0.0)
        >>> Finding(leakage, (Part("test in train", 126, 3453),), 0.0).sentence()
        'leakage: test in train 126 of 3,453 (3.65 %) sentences, limit 0 %'
        """
        over = [part for part in self.parts if part.share > self.limit]
        said = ", ".join(f"{p.name} {p.count:,} of {p.total:,} ({100 * p.share:.3g} %)" for p in over)
        return f"{self.name}: {said} {self.kind.unit}, limit {100 * self.limit:g} %"

    def to_json(self) -> dict[str, Any]:
        """Plain containers."""
        return {
            "name": self.name,
            "title": self.kind.title,
            "about": self.kind.meaning,
            "told": bool(self.parts),
            "why_not": self.why_not,
            "what": self.kind.unit,
            "parts": [{**asdict(part), "share": round(part.share, 6)} for part in self.parts],
            "share": round(self.share, 6),
            "limit": self.limit,
            "over": self.is_over,
            "columns": list(self.listing.columns),
            "rows": [list(row) for row in self.listing.rows],
            "unlisted": self.listing.unlisted,
        }
