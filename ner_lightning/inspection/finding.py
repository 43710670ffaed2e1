"""A finding: one thing worth knowing about a corpus, with its amount, its limit and its places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from ner_lightning.inspection.settings import InspectionSettings

Cell = str | int | float | None


class FindingKind(NamedTuple):
    """The description of a kind of finding, declared beside the code that finds it.

    Attributes:
        name: its name in limits and in reasons to fail a build.
        title: its name for people.
        unit: what is counted, as in "3 of 10 sentences".
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
    """A count of something out of a total: `Part("test", 126, 3453)`."""

    name: str
    count: int
    total: int

    @property
    def share(self) -> float:
        """The count as a share; 0 if the total is 0."""
        return self.count / self.total if self.total else 0.0


@dataclass(frozen=True)
class Listing:
    """Places of a finding.

    Attributes:
        columns: headings.
        rows: one cell per column, the most telling rows first.
        unlisted: number of rows left out.
    """

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    unlisted: int = 0

    @classmethod
    def first(cls, listed: int, columns: tuple[str, ...], rows: Sequence[tuple[Cell, ...]], total: int) -> Listing:
        """Make a listing of the first of `total` rows, which need not all have been made."""
        kept = tuple(rows[:listed])
        return cls(columns, kept, total - len(kept))


@dataclass(frozen=True)
class Finding:
    """A finding, with what was counted.

    Attributes:
        kind: its name, unit and meaning.
        parts: the counts, by split or pair of splits; none if it cannot be determined.
        limit: the largest share of any part that is not marked.
        listing: places.
        why_not: what is missing if it cannot be determined.
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
        """Make a finding with the limit from the settings."""
        return cls(kind, parts, settings.limit_of(kind), listing, why_not)

    @property
    def name(self) -> str:
        """Its name among the reasons to fail."""
        return self.kind.name

    @property
    def count(self) -> int:
        """The sum of all parts."""
        return sum(part.count for part in self.parts)

    @property
    def worst(self) -> Part | None:
        """The part with the largest share; None if it cannot be determined."""
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
        """Describe how it exceeds its limit.

        >>> leakage = FindingKind("leakage", "Leakage", "sentences", "They also stand in train.", 0.0)
        >>> Finding(leakage, (Part("test in train", 126, 3453),), 0.0).sentence()
        'leakage: test in train 126 of 3,453 (3.65 %) sentences, limit 0 %'
        """
        over = [part for part in self.parts if part.share > self.limit]
        said = ", ".join(f"{p.name} {p.count:,} of {p.total:,} ({100 * p.share:.3g} %)" for p in over)
        return f"{self.name}: {said} {self.kind.unit}, limit {100 * self.limit:g} %"

    def to_json(self) -> dict[str, Any]:
        """Convert to plain containers."""
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
