"""The stage of one bench population: who there is, what is planted in it, and the truth about that.

Campaigns and look-alikes ask it for hosts, newcomers and days, and add pieces or change the rates of the fleet before
these are drawn. What each kind does is in the modules that are named after them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pipelines.watch.bench.customers import SLOTS
from pipelines.watch.bench.everyday import habits_of
from pipelines.watch.bench.world import draw_unsent, draw_world

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from pipelines.watch.bench.fleet import Fleet
    from pipelines.watch.bench.pieces import Habits, Piece, Pools
    from pipelines.watch.bench.world import World

# Days of history before the first that is scored.
HISTORY = 7
PROGRAMMES = ("", "start-up", "education", "research")


@dataclass(frozen=True, slots=True)
class Account:
    """Facts about an organisation that only its provider has. `source` is the customer it is made of, -1 if none."""

    source: int
    first_day: int
    payment: int
    signup: int
    programme: str
    home_region: int


@dataclass(frozen=True, slots=True)
class Evasion:
    """How a campaign hides: in its host's hours, with shorter answers, less a day, padded prompts and more keys.

    A `disguised` one also takes on some of its host's habits: templates, repeated prompts, cache, end users.
    """

    own_hours: bool = False
    answers: float = 1.0
    amount: float = 1.0
    padding: float = 1.0
    keys: int = 1
    disguised: bool = False


PLAIN = Evasion()
EVASIVE = Evasion(own_hours=True, answers=0.35, amount=1 / 3, padding=3.0, keys=3, disguised=True)


@dataclass(frozen=True, slots=True)
class Planted:
    """What is known of a campaign or look-alike: its kind, the organisations that take part and its days."""

    label: str
    kind: str
    variant: str
    organizations: tuple[int, ...]
    first_day: int
    last_day: int


@dataclass
class Scene:
    """A fleet about to act. Organisations beyond it are newcomers that were planted."""

    rng: Generator
    pools: Pools
    fleet: Fleet
    pieces: list[Piece] = field(default_factory=list)
    planted: list[Planted] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    habits: list[Habits] = field(default_factory=list)
    unsent: list[frozenset[str]] = field(default_factory=list)
    world: World = field(init=False)
    _taken: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        rng, fleet = self.rng, self.fleet
        self.world = draw_world(rng)
        self._daily = fleet.rates.sum(axis=2)
        for row in range(len(fleet)):
            self.habits.append(habits_of(rng, self.pools, self.world, reasoning=bool(fleet.reasoning[row])))
            self.unsent.append(draw_unsent(rng, self.world))
            self.accounts.append(self._account(int(fleet.source[row]), int(fleet.first_day[row])))

    def _account(self, source: int, first_day: int) -> Account:
        """An honest one: in every twelfth case paid for or signed up by somebody who has others too."""
        rng, pools = self.rng, self.pools
        others = self.accounts
        payment = signup = None
        if others and rng.random() < 1 / 12:
            payment = others[int(rng.integers(len(others)))].payment
        if others and rng.random() < 1 / 12:
            signup = others[int(rng.integers(len(others)))].signup
        return Account(
            source,
            # Those that were there before came up to two years before.
            first_day or -int(rng.integers(30, 730)),
            payment or pools.take("payments"),
            signup or pools.take("signups"),
            str(rng.choice(PROGRAMMES, p=[0.85, 0.07, 0.05, 0.03])),
            int(rng.integers(6)),
        )

    @property
    def days(self) -> int:
        """Days in all, history included."""
        return self.fleet.days

    def start(self, length: int) -> int:
        """A first day, so that `length` scored days are left."""
        return int(self.rng.integers(HISTORY, max(HISTORY, self.days - length) + 1))

    def host(self, least: float, most: float, first_day: int, length: int) -> int:
        """An organisation with so many requests on the middle one of these days, active on most and before.

        Each is taken but once. Where none has so many, the nearest in size is taken.
        """
        span = self._daily[:, first_day : first_day + length]
        usual = np.median(span, axis=1)
        fit = ((span > 0).mean(axis=1) > 0.6) & (self.fleet.first_day < max(first_day - 3, 1))
        fit[list(self._taken)] = False
        if not fit.any():
            raise ValueError("the fleet has too few organisations for what is to be planted in it")
        within = np.flatnonzero(fit & (usual >= least) & (usual <= most))
        if not len(within):
            far = np.abs(np.log10(np.maximum(usual, 0.1)) - np.log10(np.sqrt(max(least, 1) * most)))
            within = np.argsort(np.where(fit, far, np.inf))[:1]
        chosen = int(self.rng.choice(within))
        self._taken.add(chosen)
        return chosen

    def newcomer(
        self, first_day: int, habits: Habits, *, payment: int = 0, signup: int = 0, programme: str = ""
    ) -> int:
        """A new organisation without traffic of its own; its number."""
        self.habits.append(habits)
        self.unsent.append(draw_unsent(self.rng, self.world))
        self.accounts.append(
            Account(
                -1,
                first_day,
                payment or self.pools.take("payments"),
                signup or self.pools.take("signups"),
                programme,
                habits.region,
            )
        )
        return len(self.accounts) - 1

    def usual_day(self, organization: int, first_day: int) -> float:
        """Requests expected on the middle active day before `first_day`."""
        before = self._daily[organization, :first_day]
        return float(np.median(before[before > 0])) if (before > 0).any() else 0.0

    def hours_of(self, organization: int) -> NDArray[np.floating]:
        """How the organisation's requests are spread over a day, by slot; even if it has none."""
        spread = self.fleet.rates[organization].sum(axis=0) if organization < len(self.fleet) else np.zeros(SLOTS)
        # Over two hours, so that a single burst is no habit.
        smooth = np.convolve(np.tile(spread, 3), np.ones(13) / 13, "same")[SLOTS : 2 * SLOTS]
        return smooth / smooth.sum() if smooth.sum() > 0 else np.full(SLOTS, 1 / SLOTS)


def spread_out(
    rng: Generator, amounts: NDArray[np.floating], hours: NDArray[np.floating], evenness: float
) -> NDArray[np.int64]:
    """Requests of each slot (days x 144) for amounts a day; `evenness` is the shape of the gamma noise on slots."""
    shares = hours[None, :] * rng.gamma(evenness, 1 / evenness, (len(amounts), SLOTS))
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1e-12)
    return rng.poisson(np.asarray(amounts)[:, None] * shares).astype(np.int64)
