"""The page of what the watch is worth tells the kept figures, misses too."""

from __future__ import annotations

from decimal import Decimal

from dashboards.pages import worth
from pipelines.publish import numbers
from pipelines.watch.measured import WATCH, measured


def percent(share: float) -> str:
    return numbers.percent(Decimal(str(round(share, 4))))


def test_figures_of_the_page_are_the_kept_ones() -> None:
    found, page = measured(), worth.page()
    told = found["contenders"][WATCH]["budgets"]
    assert page.context["tiles"][0].value == percent(told["1.0"]["macro"]["plain"])
    assert page.context["tiles"][1].value == percent(told["5.0"]["macro"]["evasive"])
    cards = {card.id: card for card in page.context["cards"]}
    rows = {row[0].text: [cell.text for cell in row] for row in cards["kinds"].tables[0].rows}
    for kind in told["5.0"]["kinds"]:
        row = rows[kind["kind"].replace("_", " ")]
        assert percent(kind["recall"]) == row[2 if kind["variant"] == "plain" else 3]
    others = {row[0].text: row[1].text for row in cards["contenders"].tables[0].rows}
    assert others["3-sigma"] == percent(found["contenders"]["3-sigma"]["budgets"]["0.2"]["macro"]["plain"])
    alike = {row[0].text for row in cards["alike"].tables[0].rows}
    assert {"launch", "own evaluation", "synthetic data, honestly made"} <= alike
    assert cards["blind"].items


def test_date_bench_and_version_are_on_the_page_and_the_queue() -> None:
    found, page = measured(), worth.page()
    facts = {fact.label: fact.text for card in page.context["cards"] for fact in card.facts}
    assert (facts["Measured on"], facts["Bench"]) == (found["date"], found["digest"])
    assert facts["Detectors"] == found["detectors"]["version"]
    assert found["digest"] in worth.summary()
    assert found["date"] in worth.summary()


def test_kinds_never_shown_stand_beside_those_shown() -> None:
    found = measured()
    cards = {card.id: card for card in worth.page().context["cards"]}
    if found["never_shown"]:
        assert len(cards["never-shown"].tables[0].rows) == len(found["never_shown"])
    else:
        assert "never-shown" not in cards


def test_titles_are_findings_of_the_same_figures() -> None:
    found = measured()
    told, cards = found["contenders"], {card.id: card for card in worth.page().context["cards"]}
    mine = told[WATCH]["budgets"]
    assert cards["kinds"].title.startswith(percent(mine["5.0"]["macro"]["plain"]))
    assert cards["contenders"].title.startswith(percent(mine["1.0"]["macro"]["plain"]))
    best = max(told[n]["budgets"]["1.0"]["macro"]["plain"] for n in ("CUSUM", "3-sigma", "mass x shape", "IForest"))
    assert percent(best) in cards["contenders"].title
    alike = mine["5.0"]["look_alikes"]
    assert max(alike, key=lambda n: alike[n]).replace("_", " ") in cards["alike"].title.lower()
    # What is flagged most stands first.
    shares = [row[1].raw for row in cards["alike"].tables[0].rows]
    assert shares == sorted(shares, key=float, reverse=True)
    low = min(one["macro"]["plain"] for one in found["populations"])
    assert percent(low) in cards["populations"].title
