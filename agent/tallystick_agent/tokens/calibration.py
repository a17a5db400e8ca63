"""What reported usage teaches about our estimates. Owns the learned factor of a model; pure.

The factor is a moving average of reported ÷ estimated, held within 0.5…2 so that one odd report cannot break a budget.
"""

from dataclasses import dataclass

WEIGHT = 0.4
"""Share of the newest observation: three calls bring the factor within 5 % of a constant truth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    factor: float = 1.0
    observations: int = 0

    def observe(self, *, estimated: int, reported: int) -> "Calibration":
        """The factor after one more request; small requests teach nothing, their framing outweighs them."""
        if estimated < 50 or reported <= 0:
            return self
        seen = reported / estimated * self.factor
        weight = 1.0 if self.observations == 0 else WEIGHT
        factor = self.factor + (seen - self.factor) * weight
        return Calibration(factor=min(2.0, max(0.5, factor)), observations=self.observations + 1)
