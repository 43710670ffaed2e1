"""Numbers with their range, for annotations: `batch_size: Count`. The command line reads them from the source.

>>> Between(0, 1).holds(0.5), Between(0, 1).holds(2), Between(0, 1).holds(float("nan"))
(True, False, False)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class Between:
    """A range of numbers.

    Args:
        least: the smallest number in it.
        most: the largest number in it; None: no limit.
        strictly: whether the limits themselves are excluded.
    """

    least: float
    most: float | None = None
    strictly: bool = False

    def holds(self, value: float) -> bool:
        """Tell whether a number is in the range; anything infinite, or not a number, never is."""
        if not math.isfinite(value) or (self.strictly and value in (self.least, self.most)):
            return False
        return self.least <= value and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        if self.most is None:
            return f"above {self.least}" if self.strictly else f"from {self.least} on"
        return f"between {self.least} and {self.most}" if self.strictly else f"from {self.least} to {self.most}"


Count = Annotated[int, Between(1)]
Whole = Annotated[int, Between(0)]
Share = Annotated[float, Between(0, 1)]
Level = Annotated[float, Between(0, 1, True)]
Positive = Annotated[float, Between(0, None, True)]
