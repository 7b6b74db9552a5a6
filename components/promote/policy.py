"""What is asked of a model before it may serve."""

from dataclasses import dataclass

from components.errors import UserError


@dataclass(frozen=True)
class Policy:
    """What a model must reach to become champion.

    Attributes:
        min_accuracy: Floor of the test accuracy, 0 to 1.
        significance: Level of the one-sided tests against the champion, between 0 and 0.5.
        require_improvement: Whether a model must be significantly better than the champion,
            not merely not significantly worse.
    """

    min_accuracy: float = 0.9
    significance: float = 0.05
    require_improvement: bool = False

    def __post_init__(self) -> None:
        """Refuses values that make no sense.

        Raises:
            UserError: If one is out of range.
        """
        if not 0 <= self.min_accuracy <= 1:
            raise UserError(f"min_accuracy is {self.min_accuracy}; give a value from 0 to 1.")
        if not 0 < self.significance < 0.5:
            raise UserError(f"significance is {self.significance}; give one between 0 and 0.5.")
