"""What was tried, and what came of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Outcomes:
    """Of each thing that was tried, how often, and how often it cost something; and what that was."""

    tried: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)
    """The jobs that ran when a signal came."""

    def add(self, *things: str, lost: bool = False) -> None:
        """Note that something was tried."""
        self.tried.update(things)
        if lost:
            self.lost.update(things)

    @staticmethod
    def say(title: str, problems: list[str]) -> None:
        """Show at once what was lost, if anything was."""
        if problems:
            print("\n    ".join([f"LOST {title}", *problems]), flush=True)

    def __add__(self, other: Outcomes) -> Outcomes:
        return Outcomes(self.tried + other.tried, self.lost + other.lost, self.struck + other.struck)

    def table(self) -> str:
        """A row per thing."""
        width = max(map(len, self.tried), default=0)
        rows = [f"{'':{width}}  tried  survived  lost"]
        for thing, tried in sorted(self.tried.items()):
            lost = self.lost[thing]
            rows.append(f"{thing:{width}}  {tried:5}  {tried - lost:8}  {lost:4}")
        if self.struck:
            moments = ", ".join(f"{rule} {count}" for rule, count in self.struck.most_common())
            rows.append(f"Jobs that ran when a signal came: {moments}")
        return "\n".join(rows)
