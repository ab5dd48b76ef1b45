"""What planters of campaigns and look-alikes share: the stage and the list of plots."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelines.simulate.population import Organization, name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator

    from pipelines.simulate.streams import Codes, Stream


@dataclass(slots=True)
class Plots:
    """What was planted: streams, shares of all requests by budget, and kind by label."""

    streams: list[Stream] = field(default_factory=list)
    budgets: dict[str, float] = field(default_factory=dict)
    campaigns: dict[str, str] = field(default_factory=dict)
    look_alikes: dict[str, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Stage:
    """What the planters below share."""

    rng: Generator
    codes: Codes
    people: Sequence[Organization]
    days: int
    spare_numbers: list[int]  # for organisations that only a campaign creates

    everyday: Sequence[Stream]

    def choose(self, plots: Plots, low: float, high: float, *, chatting: bool = False) -> Organization:
        """A settled organisation of that size range (shares of the ranking) not in a plot yet.

        `chatting` asks for one with an everyday chat product. Falls back on any size, then on any.
        """
        size, last = len(self.people), self.days - 1
        chats = {s.organization_id for s in self.everyday if s.operation == "chat"}
        fit = [
            o for o in self.people if o.id not in plots.taken and o.last_day == last and (not chatting or o.id in chats)
        ]
        band = [o for o in fit if low * size <= o.rank < max(low * size + 1, high * size)]
        whole = [o for o in band if o.first_day == 0]
        pool = whole or band or fit or list(self.people)
        chosen = pool[int(self.rng.integers(len(pool)))]
        plots.taken.add(chosen.id)
        return chosen

    def main_chat(self, organization: Organization) -> Stream | None:
        """The organisation's largest everyday chat product."""
        own = [s for s in self.everyday if s.organization_id == organization.id]
        return max((s for s in own if s.operation == "chat"), key=lambda s: s.weight, default=None)

    def begin(self, length: int) -> int:
        """First day of something `length` days long: after a third of the period if it fits."""
        low = min(self.days // 3, max(0, self.days - length))
        return int(self.rng.integers(low, max(low + 1, self.days - length + 1)))

    def newcomer(self) -> Organization:
        """A fresh organisation, under one of the numbers kept free for it."""
        number = self.spare_numbers.pop()
        return Organization(
            id=name_of(number),
            number=number,
            rank=len(self.people),
            weight=0.0,
            zone=8.0,
            first_day=0,
            last_day=self.days - 1,
            networks=(self.codes.take("networks", 3), 1),
        )


def add(
    register: dict[str, str],
    plots: Plots,
    label: str,
    kind: str,
    streams: Sequence[Stream],
    share: float,
) -> None:
    """Files streams under a label of `register`, with their share of all requests."""
    register[label] = kind
    plots.streams.extend(streams)
    plots.budgets[label] = share
