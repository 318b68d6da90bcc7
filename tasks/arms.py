"""What a channel compares: the networks before and after a correction, and its controls."""

from pydantic import BaseModel, ConfigDict


class Arms(BaseModel):
    """What a channel compares.

    Attributes:
        titles: What people call each arm, by its key: the original first, the candidate last.
        class_ids: Classes that were corrected; the others are guarded.
        drawn: Classes whose confusion is drawn; none draws the corrected ones.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    titles: tuple[tuple[str, str], ...]
    class_ids: tuple[int, ...]
    drawn: tuple[int, ...] = ()

    @property
    def original(self) -> str:
        """Key of the arm before the correction."""
        return self.titles[0][0]

    @property
    def candidate(self) -> str:
        """Key of the corrected arm."""
        return self.titles[-1][0]

    @property
    def versions(self) -> tuple[str, str]:
        """Keys of the arms that become registered versions."""
        return self.original, self.candidate

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Return what is compared: the candidate with all others, all with the original."""
        keys = [key for key, _ in self.titles]
        return (
            *((self.candidate, key) for key in keys[:-1]),
            *((key, self.original) for key in keys[1:-1]),
        )
