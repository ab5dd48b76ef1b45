"""The words of reasons: codes, sentences, units. What they apply to is decided in `reasons.py`."""

from __future__ import annotations

from typing import NamedTuple


class Words(NamedTuple):
    """Code, sentence and unit of a reason."""

    code: str
    text: str
    unit: str


# Measures of a day that support a case when they are high among peers.
HIGH_MEASURES: dict[str, Words] = {
    "answer_length": Words(
        "long_answers",
        "Answers are longer than those of comparable organisations",
        "output tokens an answer",
    ),
    "output_ratio": Words(
        "output_over_input",
        "More output for each input token than comparable organisations",
        "output tokens per input token",
    ),
    "hour_entropy": Words(
        "flat_day",
        "Requests spread evenly over the hours of the day",
        "bits (4.58 = all hours alike)",
    ),
    "top_template_share": Words(
        "one_template",
        "One prompt template makes up an unusual share of the requests",
        "share of requests",
    ),
    "new_prompt_share": Words(
        "new_prompts",
        "Prompts repeat less than those of comparable organisations",
        "distinct prompts per request",
    ),
    "length_share": Words("length_limit", "Answers run into the length limit unusually often", "share of answers"),
    "probing_share": Words(
        "probing_parameters",
        "Several answers or token probabilities asked for unusually often",
        "share of requests",
    ),
    "rate_limited_share": Words("rate_limited", "Often at the rate limit", "share of requests"),
}

# Measures that speak against a case when they are in the peers' lower half.
LOW_MEASURES: dict[str, Words] = {
    "answer_length": Words(
        "short_answers",
        "Answers are no longer than usual among comparable organisations",
        "output tokens an answer",
    ),
    "output_ratio": Words(
        "input_heavy",
        "Output per input token is not unusual among comparable organisations",
        "output tokens per input token",
    ),
    "hour_entropy": Words(
        "own_hours",
        "Keeps to some hours of the day, as products with human users do",
        "bits (4.58 = all hours alike)",
    ),
    "top_template_share": Words("many_templates", "Many prompt templates, none of them dominant", "share of requests"),
    "new_prompt_share": Words(
        "repeated_prompts",
        "Prompts repeat more than those of comparable organisations",
        "distinct prompts per request",
    ),
}
