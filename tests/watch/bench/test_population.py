"""What is planted is what its kind says: sizes, accounts, keys and days."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from pipelines.watch.bench.everyday import NEW_MODEL
from pipelines.watch.bench.misuse import SUITES
from pipelines.watch.bench.population import AMBIGUOUS, KINDS, LOOK_ALIKES, TEACHING
from pipelines.watch.bench.scene import HISTORY
from pipelines.watch.bench.world import NO_KEY
from tests.watch.bench.conftest import small_scene

if TYPE_CHECKING:
    from pipelines.watch.bench.pieces import Piece
    from pipelines.watch.bench.scene import Scene


def pieces_of(scene: Scene, start: str) -> list[Piece]:
    """Pieces whose label is this or begins so."""
    return [p for p in scene.pieces if p.label == start or p.label.startswith(f"{start}/")]


def output_of(pieces: list[Piece]) -> float:
    return sum(float((p.requests * p.output_mean).sum()) for p in pieces)


def test_every_kind_is_there_in_both_variants_and_every_look_alike(scene: Scene) -> None:
    kinds = {(p.kind, p.variant) for p in scene.planted}
    assert kinds == {(k, v) for k in KINDS for v in ("plain", "evasive")} | {(k, "look_alike") for k in LOOK_ALIKES}
    assert AMBIGUOUS in LOOK_ALIKES


def test_nothing_is_planted_in_the_days_of_history(scene: Scene) -> None:
    for planted in scene.planted:
        if planted.kind not in {"agency"}:
            assert HISTORY <= planted.first_day <= planted.last_day < scene.days, planted


def test_no_organisation_has_two_roles(scene: Scene) -> None:
    members = [o for p in scene.planted for o in p.organizations]
    assert len(members) == len(set(members))


def test_evasive_campaigns_take_less_and_hide_in_longer_prompts(scene: Scene) -> None:
    shorter, longer = [], []
    for kind in ("bulk", "low_and_slow", "quota_riding", "hydra_synchronised", "hydra_unsynchronised"):
        plain, evasive = (pieces_of(scene, f"{kind}/{v}") for v in ("plain", "evasive"))
        lengths = [np.mean([np.mean(p.output_mean) for p in side]) for side in (plain, evasive)]
        shorter.append(lengths[1] / lengths[0])
        longer.append(np.mean([p.input_mean for p in evasive]) / np.mean([p.input_mean for p in plain]))
    # 0.35 of the length and three times the prompt, of few campaigns with lengths of their own.
    assert 0.2 < np.median(shorter) < 0.6
    assert 1.5 < np.median(longer) < 6


def test_heads_of_a_hydra_are_new_accounts_that_share_what_operators_share(scene: Scene) -> None:
    for planted in scene.planted:
        if not planted.kind.startswith("hydra"):
            continue
        assert 40 <= len(planted.organizations) <= 400
        accounts = [scene.accounts[o] for o in planted.organizations]
        assert all(a.source == -1 and a.first_day > HISTORY - 4 for a in accounts)
        shared = len({a.payment for a in accounts}) / len(accounts)
        assert shared < 0.6
        a_day = [p.requests.sum() / len(p.requests) for p in pieces_of(scene, planted.label) if "cover" not in p.label]
        assert np.median(a_day) < 350


def test_heads_on_one_queue_act_at_the_same_time_and_others_do_not(scene: Scene) -> None:
    def likeness(kind: str) -> float:
        heads = [p for p in pieces_of(scene, f"{kind}/plain/0") if "cover" not in p.label and len(p.requests) >= 4]
        curves = np.array([p.requests[-3:].ravel() for p in heads[:40]], float)
        curves = curves[curves.sum(axis=1) > 50]
        return float(np.median(np.corrcoef(curves)[np.triu_indices(len(curves), 1)]))

    assert likeness("hydra_synchronised") > 0.2 > likeness("hydra_unsynchronised")


def test_an_evaluation_runs_a_known_suite_whole_unless_it_evades(scene: Scene) -> None:
    for piece in pieces_of(scene, "evaluation_loop/plain"):
        busy = piece.requests.sum(axis=1)
        sizes = [s for s in SUITES if all(day % s == 0 for day in busy)]
        assert len(sizes) >= 1
    for piece in pieces_of(scene, "evaluation_loop/evasive"):
        busy = piece.requests.sum(axis=1)
        assert any(day % s for day in busy for s in SUITES)


def test_a_stolen_key_is_one_that_its_owner_uses(scene: Scene) -> None:
    own = {p.key for p in scene.pieces if not p.label}
    new = 0
    for planted in scene.planted:
        unsent = scene.unsent[planted.organizations[0]] if planted.organizations else frozenset()
        if planted.kind == "stolen_key":
            stolen = pieces_of(scene, planted.label)
            assert {p.key for p in stolen} <= own
            if "region" not in unsent:
                assert all(p.habits.region != scene.habits[planted.organizations[0]].region for p in stolen)
            if "outcome" not in unsent:
                assert next(p for p in stolen if p.label.endswith("/probing")).habits.failed > 0.5
        elif planted.kind == "bulk" and "keys" not in unsent:
            new += not {p.key for p in pieces_of(scene, planted.label)} & own
    # A newcomer has no key but the campaign's; some of the customers' campaigns use a new one too.
    assert new


def test_a_pivot_replaces_and_an_adopter_keeps_its_answers(scene: Scene) -> None:
    for start in ("launch_pivot/plain", "early_adopter"):
        assert all(p.habits.model == NEW_MODEL for p in pieces_of(scene, start))
    pivot = next(p for p in scene.planted if p.kind == "launch_pivot" and p.variant == "plain")
    # What it begins anew is beside its usual requests.
    host = pivot.organizations[0]
    own = [p for p in scene.pieces if p.organization == host and not p.label and p.habits == scene.habits[host]]
    harvested = pieces_of(scene, pivot.label)[0].requests.sum()
    # A key may have been changed: a piece begins with its own first day.
    left = sum(
        p.requests[max(pivot.first_day - p.first_day, 0) : max(pivot.last_day + 1 - p.first_day, 0)].sum() for p in own
    )
    assert 0.6 < harvested / left < 1.6


def test_keys_of_a_desensitised_pipeline_live_for_four_days(scene: Scene) -> None:
    pieces = pieces_of(scene, "desensitised/plain")
    assert all(len(p.requests) <= 4 for p in pieces)
    if "keys" not in scene.unsent[pieces[0].organization]:
        assert len({p.key for p in pieces}) > 1
    if "product" not in scene.unsent[pieces[0].organization]:
        assert len({p.habits.product for p in pieces}) >= 2


def test_the_same_seed_makes_the_same_population() -> None:
    one, other, third = (small_scene(seed, organizations=250, campaigns=1) for seed in (4, 4, 5))
    totals = [[int(p.requests.sum()) for p in s.pieces] for s in (one, other, third)]
    assert totals[0] == totals[1] != totals[2]


def test_kinds_can_be_left_out_so_that_they_were_never_shown() -> None:
    scene = small_scene(campaigns=1, without=frozenset({"bulk", "hydra_synchronised"}))
    assert {p.kind for p in scene.planted} & set(KINDS) == set(KINDS) - {"bulk", "hydra_synchronised"}


def test_a_fleet_too_small_for_its_campaigns_is_an_error() -> None:
    with pytest.raises(ValueError, match="too few organisations"):
        small_scene(organizations=20)


def test_what_a_source_does_not_send_is_in_no_piece(scene: Scene) -> None:
    for piece in scene.pieces:
        unsent = scene.unsent[piece.organization]
        assert (piece.key == NO_KEY) == ("keys" in unsent)
        assert not ("digests" in unsent and (piece.habits.digests or piece.habits.templates[1]))
        assert not ("networks" in unsent and piece.habits.networks[1])


def test_honest_customers_change_keys_and_begin_new_things() -> None:
    scene = small_scene(seed=11, organizations=400, campaigns=1)
    honest = [p for p in scene.pieces if not p.label and "keys" not in scene.unsent[p.organization]]
    later = {p.organization for p in honest if p.first_day > HISTORY}
    assert len(later) > 0.1 * len({p.organization for p in honest})
    assert any(p.habits.users == (0, 0) and p.habits.templates[1] == 1 and p.first_day > HISTORY for p in honest)


def test_assorted_campaigns_are_for_teaching_alone() -> None:
    scene = small_scene(campaigns=1, others=6)
    planted = [p for p in scene.planted if p.kind == TEACHING]
    assert len(planted) == 6
    assert TEACHING not in KINDS
    assert all(pieces_of(scene, p.label) for p in planted)
