"""The notice to an organisation: what was seen, what is asked, how to answer and by when. Facts, no accusation.

Nothing of the detectors' figures, of peers or of other accounts is in it. How it looks belongs in templates/.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from pipelines.cases.evidence import Pack
    from pipelines.settings import Settings

QUESTIONS = (
    "What is this usage for? A batch job, a migration, an evaluation, a launch or a busy season often explains it.",
    "Who runs it: you, a contractor, or customers of yours?",
    "What becomes of the answers of the model?",
    "Do you know the API keys and networks it came from as yours? If not, please replace the keys at once.",
)
_MODELS = 5


@dataclass(frozen=True, slots=True)
class Notice:
    """All that the templates say."""

    sender: str
    organization: str
    case_id: str
    dated: date
    answer_by: date
    days_to_answer: int
    contact: str
    seen: tuple[str, ...]
    questions: tuple[str, ...]
    is_demo: bool


def make_notice(pack: Pack, settings: Settings, dated: date) -> Notice | None:
    """The notice about a pack; None where nobody is named to answer to."""
    contact = one_line(settings.watch.notice_contact)
    if not contact:
        return None
    days = settings.watch.notice_days
    return Notice(
        sender=settings.site.title,
        organization=pack["case"]["organization_id"],
        case_id=pack["case"]["case_id"],
        dated=dated,
        answer_by=dated + timedelta(days=days),
        days_to_answer=days,
        contact=contact,
        seen=_seen(pack),
        questions=QUESTIONS,
        is_demo=pack["is_demo"],
    )


def one_line(text: str) -> str:
    """A text from data without what could begin a line of its own, or hide one."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _seen(pack: Pack) -> tuple[str, ...]:
    case, usual = pack["case"], pack["usual_before"]
    requests = sum(row["requests"] for row in pack["usage"])
    output = sum(row["output_tokens"] for row in pack["usage"])
    span = f"From {case['first_seen']} to {case['last_seen']} (days in UTC)"
    said = [f"{span} your account made {requests:,} requests, whose answers came to {output:,} output tokens."]
    inside = [day for day in pack["days"] if day["in_case"]]
    if inside:
        peak = max(inside, key=lambda day: (day["output_tokens"], day["usage_date"]))
        said.append(f"The day with most output was {peak['usage_date']}: {peak['output_tokens']:,} output tokens.")
    if usual["active_days"]:
        said.append(
            f"On the {usual['active_days']} active days in the four weeks before, the middle day had "
            f"{usual['median_output_tokens']:,} output tokens in {usual['median_requests']:,} requests."
        )
    else:
        said.append("In the four weeks before, there was no usage to compare it with.")
    models = list(dict.fromkeys(row["model"] for row in pack["models"]))
    if models:
        more = f" and {len(models) - _MODELS} more" if len(models) > _MODELS else ""
        said.append(f"Models used: {', '.join(models[:_MODELS])}{more}.")
    return tuple(said)
