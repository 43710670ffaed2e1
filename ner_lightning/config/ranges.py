"""Numbers with their range, for annotations: `batch_size: Count`. The command line reads them off the source.

>>> Between(0, 1).holds(0.5), Between(0, 1).holds(2), Between(0, 1).holds(float("nan"))
(True, False, False)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class Between:
    """A range.

    Args:
        least: the smallest number of it.
        most: the largest; None: there is none.
        strictly: whether both are outside of it.
    """

    least: float
    most: float | None = None
    strictly: bool = False

    def holds(self, value: float) -> bool:
        """Whether a number is in the range; what is no number, or infinite, never is."""
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
