"""The words for what a taught detector saw: by feature a code, a sentence, a unit and how its number is read.

`{slice}` stands for the slice (through a key, with a template, on a model; nothing where it is all). A feature without
words of its own is spoken of by the one it is a view of (`OF`). Which of them are shown belongs in `reasons.py`.
"""

from __future__ import annotations

from typing import NamedTuple


class Said(NamedTuple):
    """How a feature is told.

    `reading`: 'log' (a logarithm), 'beside' (the same, less that of `own`), 'share' (0 to 1) or 'number'; `own`: the
    column of what is usual.
    """

    code: str
    text: str
    unit: str
    reading: str
    own: str = ""


FEATURES: dict[str, Said] = {
    "output": Said("much_output", "Output of the day {slice}", "output tokens", "log", "usual_output"),
    "output_week": Said("much_output", "Output of seven days {slice}", "output tokens in 7 days", "log"),
    "output_month": Said("much_output", "Output of four weeks {slice}", "output tokens in 28 days", "log"),
    "output_usual": Said(
        "more_output",
        "Output of the day {slice}, beside the organisation's usual day",
        "output tokens",
        "beside",
        "organization_usual_output",
    ),
    "output_organization": Said(
        "more_output",
        "Output of the day in all, beside the organisation's usual day",
        "output tokens",
        "beside",
        "organization_usual_output",
    ),
    "output_record": Said(
        "record_output",
        "Output of the day in all, beside the highest day of the four weeks before",
        "output tokens",
        "beside",
        "most_output",
    ),
    "requests_own": Said("more_requests", "Requests of the day {slice}", "requests", "beside", "usual_requests"),
    "requests_usual": Said(
        "more_requests",
        "Requests of the day {slice}, beside the organisation's usual day",
        "requests",
        "beside",
        "organization_usual_requests",
    ),
    "share": Said("share_of_output", "Share of the organisation's output {slice}", "share of output", "share"),
    "length": Said("long_answers", "Mean answer {slice}", "output tokens an answer", "log", "usual_length"),
    "length_week": Said(
        "long_answers", "Mean answer of seven days {slice}", "output tokens an answer", "log", "usual_length"
    ),
    "length_month": Said("long_answers", "Mean answer of four weeks {slice}", "output tokens an answer", "log"),
    "length_peers": Said(
        "long_answers",
        "Mean answer {slice}, beside the middle organisation on the same model",
        "output tokens an answer",
        "beside",
        "peer_length",
    ),
    "length_organization": Said(
        "longer_answers",
        "Mean answer {slice}, beside the organisation's usual one",
        "output tokens an answer",
        "beside",
        "organization_usual_length",
    ),
    "ratio": Said(
        "output_over_input",
        "Output for each input token {slice}",
        "output tokens per input token",
        "log",
        "usual_ratio",
    ),
    "ratio_peers": Said(
        "output_over_input",
        "Output for each input token {slice}, beside the middle organisation on the same model",
        "output tokens per input token",
        "beside",
        "peer_ratio",
    ),
    "ratio_organization": Said(
        "output_over_input",
        "Output for each input token {slice}, beside the organisation's usual one",
        "output tokens per input token",
        "beside",
        "organization_usual_ratio",
    ),
    "input": Said("input_length", "Mean input {slice}", "input tokens a request", "log", "usual_input"),
    "slice_days": Said("new_slice", "Days of the last four weeks with use {slice} before", "days", "number"),
    "active_28": Said("steady_use", "Active days of the last four weeks {slice}", "days", "number"),
    "age": Said(
        "new_account", "Days since the organisation was first seen (28 = four weeks or more)", "days", "number"
    ),
    "own_days": Said("new_account", "Active days of the organisation in the four weeks before", "days", "number"),
    "hours": Said("flat_day", "Hours of the day with use {slice}", "hours", "number", "usual_hours"),
    "slots_an_hour": Said("steady_pace", "Ten-minute slots with use in an active hour {slice}", "slots of 6", "number"),
    "pace": Said("fast_pace", "Requests in a ten-minute slot with use {slice}", "requests", "log"),
    "new_prompts": Said("new_prompts", "Distinct prompts per request {slice}", "share of requests", "share"),
    "new_prompts_week": Said(
        "new_prompts", "Distinct prompts per request in seven days {slice}", "share of requests", "share"
    ),
    "cached": Said("cache_use", "Input read from the prompt cache {slice}", "share of input tokens", "share"),
    "templates": Said("one_template", "Prompt templates of the day {slice}", "templates", "log"),
    "end_users": Said("end_users", "End users named {slice}", "end users", "log"),
    "requests_a_user": Said("requests_a_user", "Requests an end user {slice}", "requests", "log"),
    "cut_share": Said("length_limit", "Answers cut at the length limit {slice}", "share of answers", "share"),
    "multi_share": Said("probing_parameters", "Requests for several answers {slice}", "share of requests", "share"),
    "logprobs_share": Said(
        "probing_parameters", "Requests for token probabilities {slice}", "share of requests", "share"
    ),
    "cold_share": Said("temperature_zero", "Requests at temperature 0 {slice}", "share of requests", "share"),
    "failed_share": Said("failed", "Requests that failed {slice}", "share of requests", "share", "usual_failed"),
    "limited_share": Said("rate_limited", "Requests above the rate limit {slice}", "share of requests", "share"),
    "new_key_share": Said(
        "new_key", "Output through keys first seen within three days, among the largest", "share of output", "share"
    ),
    "new_template_share": Said(
        "new_template",
        "Output with templates first seen within three days, among the largest",
        "share of output",
        "share",
    ),
    "new_model_share": Said(
        "new_model", "Output of models that are new to the organisation", "share of output", "share"
    ),
    "new_network_share": Said(
        "new_network", "Requests from networks first seen within three days", "share of requests", "share"
    ),
    "new_region_share": Said(
        "new_region", "Requests from regions first seen within three days", "share of requests", "share"
    ),
    "released_share": Said(
        "launch_pivot", "Output of models that came out within two weeks", "share of output", "share"
    ),
    "model_age": Said("launch_pivot", "Days since the model came out", "days", "number"),
    "same_requests": Said(
        "repeated_size",
        "Days of the four weeks before with the same number of requests, or a whole multiple, {slice}",
        "days",
        "number",
        "repeat_days",
    ),
    "same_prompts": Said(
        "repeated_size",
        "Days of the four weeks before with the same number of distinct prompts {slice}",
        "days",
        "number",
        "repeat_days",
    ),
    "near_prompts_share": Said(
        "repeated_size",
        "Days of the four weeks before with nearly the same number of distinct prompts {slice}",
        "share of days",
        "share",
    ),
    "is_suite_size": Said(
        "suite_size", "Requests or prompts of the day are the size of a public suite {slice}", "1 = yes", "number"
    ),
    "network_sharers": Said("shared_client_network", "New accounts on one network", "accounts", "number"),
    "template_sharers": Said("shared_template", "New accounts with one template", "accounts", "number"),
    "payment_sharers": Said("shared_payment", "New accounts that pay alike", "accounts", "number"),
    "signup_sharers": Said("shared_signup", "New accounts that signed up from one network", "accounts", "number"),
    "kinds_shared": Said("shared_attributes", "Kinds of things shared with two or more new accounts", "of 4", "number"),
    "output_3_day": Said("sudden_output", "Output of three hours", "output tokens in 3 h", "beside", "usual_output"),
    "output_6_day": Said("sudden_output", "Output of six hours", "output tokens in 6 h", "beside", "usual_output"),
    "output_so_far_day": Said(
        "sudden_output", "Output of the day until that hour", "output tokens", "beside", "usual_output"
    ),
    "output_so_far_record": Said(
        "record_output",
        "Output of the day until that hour, beside the highest day before",
        "output tokens",
        "beside",
        "most_output",
    ),
    "requests_3_day": Said("sudden_requests", "Requests of three hours", "requests in 3 h", "beside", "usual_requests"),
    "requests_6_day": Said("sudden_requests", "Requests of six hours", "requests in 6 h", "beside", "usual_requests"),
    "requests_so_far_day": Said(
        "sudden_requests", "Requests of the day until that hour", "requests", "beside", "usual_requests"
    ),
    "failed_3_share": Said("failed", "Requests of three hours that failed", "share of requests", "share"),
    "failed_6_share": Said("failed", "Requests of six hours that failed", "share of requests", "share"),
    "failed_6": Said("failed", "Failed requests of six hours", "requests", "log"),
    "length_3_own": Said(
        "longer_answers", "Mean answer of three hours", "output tokens an answer", "beside", "usual_length"
    ),
    "input_3": Said("input_length", "Mean input of three hours", "input tokens a request", "log"),
    "new_network_3_share": Said(
        "new_network",
        "Requests of three hours from networks first seen within three days",
        "share of requests",
        "share",
    ),
    "new_region_3_share": Said(
        "new_region", "Requests of three hours from regions first seen within three days", "share of requests", "share"
    ),
    "new_model_3_share": Said(
        "new_model", "Requests of three hours for models that are new to the organisation", "share of requests", "share"
    ),
    "networks_3": Said("networks", "Networks within an hour", "networks", "number"),
    "hour_usual": Said(
        "unusual_hour", "Share of days on which the organisation is active at that hour", "share of days", "share"
    ),
}

# Features that are another view of one above.
OF: dict[str, str] = {
    "output_own": "output", "output_sigmas": "output_organization", "output_rank": "output",
    "output_week_rank": "output_week", "output_month_rank": "output_month", "usual_rank": "output_usual",
    "length_week_peers": "length_week", "length_month_peers": "length_month", "length_own": "length",
    "length_rank": "length_peers", "ratio_own": "ratio", "ratio_rank": "ratio_peers", "hours_own": "hours",
    "pace_rank": "pace", "failed_own": "failed_share", "released_excess": "released_share",
    "same_requests_share": "same_requests", "same_prompts_share": "same_prompts", "is_new": "slice_days",
    "repeat_days": "active_28", "output_6": "output_6_day", "requests_6": "requests_6_day", "slice_kind": "share",
}  # fmt: skip
