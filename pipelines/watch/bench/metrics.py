"""What a score is worth at a fixed budget of false alerts, campaign by campaign.

Budgets are false alerts per 1,000 benign active organisation-days. Nothing is adjusted in a detector's favour: a
campaign that was not found has lost all its output, and a day that is flagged counts on that day alone. What the
figures mean stands in `docs/watch_bench.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipelines.watch.bench.truth import Truth

BUDGETS = (0.2, 1.0, 5.0)
# A group counts as found when so large a part of its accounts is, and at least so many.
GROUP_PART, GROUP_LEAST = 0.10, 3
REPLICATES = 200
LAST_HOUR = 23
# Precision is told for a fleet like this: organisations, and campaigns that begin among as many in a week.
FLEET, ORGANIZATIONS_A_CAMPAIGN = 50_000, 5_000


@dataclass(frozen=True, slots=True)
class Judged:
    """One score on one population.

    days       truth.days with `score`
    scores     organization_id, usage_date, score, hour: what was known at the end of which hour (23: of the day)
    campaigns  truth.campaigns with `source` and `detection`: the highest threshold at which it is still found
    """

    truth: Truth
    days: pd.DataFrame
    scores: pd.DataFrame
    campaigns: pd.DataFrame


def judge(truth: Truth, scores: pd.DataFrame) -> Judged:
    """Hold scores (organization_id, usage_date, score) against the truth; a day without a score is below all others.

    Scores with an `hour` (0 to 23, or none: known at the end of the day) may be several a day; the highest counts.
    """
    scores = scores.assign(hour=scores["hour"].fillna(LAST_HOUR) if "hour" in scores else LAST_HOUR)
    highest = scores.groupby(["organization_id", "usage_date"], as_index=False)["score"].max()
    days = truth.days.merge(highest, how="left", on=["organization_id", "usage_date"])
    days["score"] = days["score"].astype(float).fillna(-np.inf)
    best = days[days["label"] != ""].groupby(["label", "organization_id"])["score"].max()
    ranked = best.sort_values(ascending=False, kind="stable").reset_index()
    ranked["place"] = ranked.groupby("label").cumcount() + 1
    campaigns = truth.campaigns.assign(needed=needed(truth.campaigns["organizations"].to_numpy()))
    found = ranked.rename(columns={"place": "needed", "score": "detection"})[["label", "needed", "detection"]]
    campaigns = campaigns.merge(found, how="left", on=["label", "needed"])
    campaigns["detection"] = campaigns["detection"].fillna(-np.inf)
    return Judged(truth, days, scores, campaigns)


def needed(organizations: NDArray[np.integer]) -> NDArray[np.integer]:
    """How many accounts of a campaign have to be flagged for it to count as found."""
    group = np.maximum(GROUP_LEAST, np.ceil(GROUP_PART * organizations)).astype(np.int64)
    return np.where(organizations > 1, np.minimum(group, organizations), 1)


def threshold(benign: NDArray[np.floating], budget: float, weights: NDArray[np.floating] | None = None) -> float:
    """The lowest value that no more than the budget of benign organisation-days exceed."""
    order = np.argsort(-benign, kind="stable")
    weight = np.ones(len(benign)) if weights is None else weights[order]
    above = np.searchsorted(np.cumsum(weight), budget * weight.sum() / 1000, side="right")
    return float(benign[order[min(int(above), len(order) - 1)]]) if len(order) else float("inf")


def benign_scores(judged: Sequence[Judged]) -> pd.DataFrame:
    """Benign organisation-days of all populations: source, score."""
    return pd.concat([j.days.loc[j.days["benign"], ["source", "score"]] for j in judged], ignore_index=True)


def outcomes(judged: Judged, above: float) -> pd.DataFrame:
    """What became of each campaign when organisation-days with a score above are flagged.

    Columns beside those of the campaigns: heads (share of its accounts that were flagged), is_found, days (from its
    first day to the flag, counted from 1), gone (share of its output that was gone at the end of the flag's hour; 1
    where it was not found). A group is flagged on the day on which it counts as found.
    """
    days = judged.days
    hits = days[(days["label"] != "") & (days["score"] > above)][["label", "organization_id", "usage_date"]]
    hits = hits.merge(judged.scores[judged.scores["score"] > above], on=["organization_id", "usage_date"])
    firsts = hits.sort_values(["label", "usage_date", "hour"], kind="stable")
    firsts = firsts.drop_duplicates(["label", "organization_id"])
    firsts["needed"] = firsts.groupby("label").cumcount() + 1
    told = judged.campaigns.merge(
        firsts.rename(columns={"usage_date": "flagged_on", "hour": "flagged_hour"})[
            ["label", "needed", "flagged_on", "flagged_hour"]
        ],
        how="left",
        on=["label", "needed"],
    )
    told["heads"] = told["label"].map(firsts.groupby("label").size()).fillna(0) / told["organizations"]
    told["is_found"] = told["flagged_on"].notna()
    told["days"] = (told["flagged_on"] - pd.to_datetime(told["first_day"])).dt.days + 1
    spent = judged.truth.output.merge(told[["label", "flagged_on", "flagged_hour"]], on="label")
    before = (spent["usage_date"] < spent["flagged_on"]) | (
        (spent["usage_date"] == spent["flagged_on"]) & (spent["hour"] <= spent["flagged_hour"])
    )
    spent = spent[before].groupby("label")["output_tokens"].sum()
    gone = told["label"].map(spent).fillna(0) / told["output_tokens"].clip(lower=1)
    told["gone"] = np.where(told["is_found"], gone, 1.0)
    return told


def by_kind(told: pd.DataFrame) -> pd.DataFrame:
    """By variant and kind: campaigns, recall, heads, days to the flag (median of the found), share gone (mean)."""
    return told.groupby(["variant", "kind"], as_index=False).agg(
        campaigns=("label", "size"),
        recall=("is_found", "mean"),
        heads=("heads", "mean"),
        days=("days", "median"),
        gone=("gone", "mean"),
    )


def macro(kinds: pd.DataFrame, variant: str) -> float:
    """Mean recall over the kinds of a variant."""
    return float(kinds.loc[kinds["variant"] == variant, "recall"].mean())


def macros(judged: Judged, budget: float) -> dict[str, float]:
    """Macro recall of one population by variant, at its own threshold."""
    above = threshold(benign_scores([judged])["score"].to_numpy(), budget)
    kinds = by_kind(outcomes(judged, above))
    return {variant: round(macro(kinds, variant), 4) for variant in sorted(set(kinds["variant"]))}


def interval(judged: Sequence[Judged], budget: float, variant: str, seed: int = 0) -> tuple[float, float]:
    """Middle 90 % of the macro recall when source customers, and campaigns of newcomers, are drawn again.

    Copies of a customer are not independent of each other, so they are drawn together, in all populations at once.
    """
    rng = np.random.default_rng([seed, 4])
    benign = benign_scores(judged)
    campaigns = pd.concat([j.campaigns for j in judged], ignore_index=True)
    campaigns = campaigns[campaigns["variant"] == variant]
    most = int(max(benign["source"].max(), campaigns["source"].max())) + 1
    kinds = campaigns["kind"].astype("category")
    found = []
    for _ in range(REPLICATES):
        # Row -1 stands for planted newcomers: honest ones stay as they are, campaigns are drawn one by one.
        drawn = np.append(rng.multinomial(most, np.full(most, 1 / most)), 1.0)
        above = threshold(benign["score"].to_numpy(), budget, drawn[benign["source"].to_numpy()])
        weights = np.where(
            campaigns["source"] >= 0, drawn[campaigns["source"].to_numpy()], rng.poisson(1, len(campaigns))
        )
        hit = (campaigns["detection"] > above).to_numpy()
        all_of, of_found = (
            np.bincount(kinds.cat.codes, weights=w, minlength=len(kinds.cat.categories))
            for w in (weights, weights * hit)
        )
        # A kind of which none was drawn says nothing.
        if all_of.any():
            found.append(np.mean(of_found[all_of > 0] / all_of[all_of > 0]))
    low, high = np.quantile(found, [0.05, 0.95])
    return float(low), float(high)


def look_alikes(judged: Judged, above: float) -> pd.DataFrame:
    """Look-alikes by label: weeks of an organisation in them, and those of them with a flag."""
    days = judged.days[judged.days["look_alike"] != ""]
    week = (days["usage_date"] - days["usage_date"].min()).dt.days // 7
    weeks = days.assign(week=week, flagged=days["score"] > above)
    weeks = weeks.groupby(["look_alike", "organization_id", "week"], as_index=False)["flagged"].max()
    weeks["kind"] = weeks["look_alike"].str.split("/").str[0]
    return weeks.groupby("kind", as_index=False).agg(weeks=("flagged", "size"), flagged=("flagged", "sum"))


def precision(judged: Sequence[Judged], alerts_a_day: int) -> float:
    """Share of the top alerts of a day that are of campaigns, in a large fleet with few campaigns.

    The score at which a fleet of `FLEET` organisations has so many alerts a day is found from the rates of benign
    and of campaigns' organisation-days above it; one campaign begins a week among `ORGANIZATIONS_A_CAMPAIGN`.
    """
    benign = np.sort(benign_scores(judged)["score"].to_numpy())
    days = pd.concat([j.days[j.days["label"] != ""] for j in judged], ignore_index=True)
    # A campaign of many accounts is one alert a day.
    attacks = days.groupby(["label", "usage_date"])["score"].max()
    campaigns = pd.concat([j.campaigns for j in judged])
    length = float(np.mean(len(attacks) / len(campaigns)))
    running = FLEET / ORGANIZATIONS_A_CAMPAIGN / 7 * length
    active = sum(len(j.days) for j in judged) / sum(
        j.days["organization_id"].nunique() * j.days["usage_date"].nunique() for j in judged
    )
    marks = np.unique(np.append(attacks.to_numpy(), benign))[::-1]
    true = running * (1 - np.searchsorted(np.sort(attacks.to_numpy()), marks, "left") / len(attacks))
    false = FLEET * active * (1 - np.searchsorted(benign, marks, "left") / len(benign))
    at = int(np.searchsorted(true + false, alerts_a_day))
    if at >= len(marks):
        at = len(marks) - 1
    return float(true[at] / max(true[at] + false[at], 1e-9))


def named_right(judged: Sequence[Judged], budget: float, right: dict[str, tuple[str, ...]]) -> dict[str, float]:
    """Of the campaigns that are found, by kind: the share whose first flag is of a detector that knows the kind.

    For a group it is the share of its flagged accounts.
    """
    above = threshold(benign_scores(judged)["score"].to_numpy(), budget)
    found = []
    for one in judged:
        hits = one.scores[one.scores["score"] > above].merge(
            one.days.loc[one.days["label"] != "", ["organization_id", "usage_date", "label"]],
            on=["organization_id", "usage_date"],
        )
        first = hits.sort_values(["usage_date", "score"], ascending=[True, False], kind="stable")
        found.append(first.drop_duplicates(["label", "organization_id"])[["label", "detector"]])
    flags = pd.concat(found, ignore_index=True)
    flags["kind"] = flags["label"].str.split("/").str[0]
    flags["right"] = [d in right.get(k, ()) for k, d in zip(flags["kind"], flags["detector"], strict=True)]
    return {kind: round(float(share), 4) for kind, share in flags.groupby("kind")["right"].mean().items()}


def calibration(teaching: Sequence[Judged], held_out: Sequence[Judged], bins: int = 15) -> dict[str, Any]:
    """How well probabilities hold: log-odds are brought to the prevalence of the teaching days by a logistic curve
    (Platt 1999), and what it promises on days held out is set against what came true there.

    `ece` is the mean gap, weighted by organisation-days (expected calibration error); `curve` has promised, true, days.
    """
    taught, held = (
        pd.concat([j.days[j.days["benign"] | (j.days["label"] != "")] for j in part], ignore_index=True)
        for part in (teaching, held_out)
    )
    slope, offset = _logistic(_finite(taught["score"]), (taught["label"] != "").to_numpy(float))
    promised = 1 / (1 + np.exp(-(slope * _finite(held["score"]) + offset)))
    true = (held["label"] != "").to_numpy(float)
    edges = np.concatenate([[0], np.logspace(-4, 0, bins)])
    place = np.clip(np.searchsorted(edges, promised, "right") - 1, 0, bins - 1)
    days = np.bincount(place, minlength=bins)
    means = [np.bincount(place, v, bins) / np.maximum(days, 1) for v in (promised, true)]
    return {
        "ece": round(float((np.abs(means[0] - means[1]) * days).sum() / days.sum()), 5),
        "prevalence": round(float(true.mean()), 5),
        "curve": [[round(float(p), 5), round(float(t), 5), int(n)] for p, t, n in zip(*means, days, strict=True) if n],
    }


def _finite(score: pd.Series) -> NDArray[np.float64]:
    """Scores, those of days that no detector looked at as the lowest that is asked about."""
    found: NDArray[np.float64] = np.maximum(score.to_numpy(np.float64), -15.0)
    return found


def _logistic(score: NDArray[np.float64], true: NDArray[np.float64]) -> tuple[float, float]:
    """Slope and offset of the logistic curve of highest likelihood, by Newton's method."""
    table = np.column_stack([score, np.ones(len(score))])
    found = np.array([1.0, np.log(max(true.mean(), 1e-6))])
    for _ in range(50):
        promised = 1 / (1 + np.exp(-table @ found))
        spread = np.maximum(promised * (1 - promised), 1e-9)
        step = np.linalg.solve((table * spread[:, None]).T @ table + 1e-9 * np.eye(2), table.T @ (true - promised))
        found += np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-9:
            break
    return float(found[0]), float(found[1])
