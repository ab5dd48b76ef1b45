"""Organisations and their everyday products: who there is, how large, when and with what.

Sizes are heavy-tailed: weight of rank r is (r + 2)^-1.55 times a little noise, which gives the ten
largest of 200 about 60 % of the requests. Campaigns and look-alikes belong in `campaigns.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipelines.simulate.catalogue import (
    AGENTS,
    ANIMALS,
    HOSTILE_NAME,
    KIND_WEIGHTS,
    KINDS,
    UNKNOWN_MODEL,
    ZONES,
)
from pipelines.simulate.streams import Codes, Stream, window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Organization:
    """One customer. `rank` 0 is the largest; days count from the start of the period."""

    id: str
    number: int
    rank: int
    weight: float
    zone: float
    first_day: int
    last_day: int
    networks: tuple[int, int]


def name_of(number: int) -> str:
    """A readable, fictional organisation id, unique by number."""
    return f"org-{ANIMALS[number * 7 % len(ANIMALS)]}-{number:03d}"


def pick(rng: Generator, choices: Sequence[tuple[object, float]]) -> int:
    """Index of a weighted choice."""
    weights = np.array([w for _, w in choices], dtype=np.float64)
    return int(rng.choice(len(choices), p=weights / weights.sum()))


def settle(
    rng: Generator, codes: Codes, numbers: Sequence[int], *, days: int, hostile_names: bool
) -> list[Organization]:
    """One customer a number, largest first (numbers come shuffled: an id does not tell the size).

    From rank 8 on a tenth joins and a fourteenth leaves within the period.
    """
    organizations = len(numbers)
    ranks = np.arange(organizations)
    weights = (ranks + 3.0) ** -1.55 * np.exp(rng.normal(0, 0.15, organizations))
    people: list[Organization] = []
    for rank in range(organizations):
        first, last = 0, days - 1
        fate = rng.random()
        if rank >= 8 and days >= 6:
            if fate < 0.10:
                first = int(rng.integers(days // 5, max(days // 5 + 1, days * 4 // 5)))
            elif fate < 0.17:
                last = int(rng.integers(days // 4, max(days // 4 + 1, days * 4 // 5)))
        number = numbers[rank]
        hostile = hostile_names and rank == min(3, organizations - 1)
        people.append(
            Organization(
                id=HOSTILE_NAME if hostile else name_of(number),
                number=number,
                rank=rank,
                weight=float(weights[rank]),
                zone=ZONES[pick(rng, ZONES)][0],
                first_day=first,
                last_day=last,
                networks=(codes.take("networks", 3), int(rng.integers(1, 4))),
            )
        )
    return people


def tuned_model(base: str, organization: Organization) -> str:
    """The organisation's own fine-tuned model, in the provider's five-part form."""
    slug = ANIMALS[organization.number * 7 % len(ANIMALS)]
    return f"ft:{base}:{slug}::A{organization.number * 7919 % 0xFFFFFF:06x}"


def product(
    rng: Generator,
    codes: Codes,
    organization: Organization,
    kind_name: str,
    *,
    weight: float,
    envelope: NDArray[np.float64],
    suffix: str = "",
) -> Stream:
    """An ordinary product of that kind, its lengths and habits its own."""
    kind = KINDS[kind_name]
    name = kind.names[int(rng.integers(len(kind.names)))]
    models = [kind.models[pick(rng, kind.models)][0] for _ in range(2)]
    served = [tuned_model(m[3:], organization) if m.startswith("ft:") else m for m in models]
    users = max(1, int(kind.users * np.exp(rng.normal(0, 0.8)))) if kind.users else 0
    cap = kind.max_output[int(rng.integers(len(kind.max_output)))]
    batch = rng.random() < kind.batch
    return Stream(
        organization_id=organization.id,
        product_id=f"{name}-{organization.number:03d}{suffix}",
        kind=kind_name,
        operation=kind.operation,
        models=(served[0], served[1]),
        second_model_share=float(rng.choice([0.0, 0.0, 0.05, 0.2])),
        weight=weight,
        envelope=envelope,
        rhythm=kind.rhythms[int(rng.integers(len(kind.rhythms)))],
        zone=organization.zone,
        prefix=int(rng.integers(kind.prefix[0], kind.prefix[1] + 1)),
        input_median=float(kind.input_median * np.exp(rng.normal(0, 0.35))),
        input_spread=kind.input_spread,
        output_median=float(kind.output_median * np.exp(rng.normal(0, 0.3))),
        output_spread=kind.output_spread,
        max_output=cap,
        keys=(codes.take("keys", 4), int(rng.integers(1, 5))),
        users=(codes.take("users", users), users),
        networks=organization.networks,
        templates=(codes.take("templates", 6), int(rng.integers(1, 7))),
        agent=AGENTS[int(rng.integers(len(AGENTS)))],
        temperature=kind.temperature,
        repeat=float(np.clip(kind.repeat * np.exp(rng.normal(0, 0.5)), 0, 0.8)),
        prompt_pool=int(rng.integers(50, 5_000)),
        batch_share=float(rng.choice([0.5, 0.9])) if batch else 0.0,
        cache_share=float(rng.uniform(0.2, 0.75)) if kind.operation == "chat" else 0.0,
        failure_share=float(rng.uniform(0.002, 0.012)),
        limited_share=float(rng.choice([0.0, 0.002, 0.01])),
        logprobs=kind_name == "labelling" and rng.random() < 0.3,
        day_noise=float(rng.uniform(0.12, 0.55)),
        burst=float(rng.choice([2.0, 4.0, 8.0, 20.0])),
        rhythm_group=codes.take("rhythm_groups"),
    )


def everyday(rng: Generator, codes: Codes, people: Sequence[Organization], *, days: int) -> list[Stream]:
    """One to five products for each organisation; one product uses the unknown model."""
    kinds = list(KIND_WEIGHTS.items())
    streams: list[Stream] = []
    for organization in people:
        most = 5 if organization.rank < max(3, len(people) // 8) else 3
        shares = rng.dirichlet(np.full(int(rng.integers(1, most + 1)), 1.2))
        alive = window(days, organization.first_day, organization.last_day)
        for ordinal, share in enumerate(shares):
            made = product(
                rng,
                codes,
                organization,
                kinds[pick(rng, kinds)][0],
                weight=organization.weight * float(share),
                envelope=alive,
                suffix=f"-{'abcde'[ordinal]}" if ordinal else "",
            )
            streams.append(made)
    _unknown_model(streams)
    return streams


def _unknown_model(streams: list[Stream]) -> None:
    """A middling product sends a quarter of its calls to a model that no price book knows."""
    chats = [s for s in streams if s.operation == "chat"]
    if not chats:
        return
    size = np.array([s.weight * s.envelope.mean() for s in chats])
    tried = chats[int(np.argmin(np.abs(size - 0.015 * sum(s.weight for s in streams))))]
    tried.models = (tried.models[0], UNKNOWN_MODEL)
    tried.second_model_share = 0.25
