"""Which features each taught detector sees, and which campaigns it is taught to find.

Each sees only what its finding is about, so that its reasons are about that too. A detector is taught with the
campaigns of the others left out, neither to be found nor to be passed over.
"""

from __future__ import annotations

from dataclasses import dataclass

# Amounts, and what the answers are like beside the slice's own, the organisation's and all others'.
MASS = (
    "output", "output_week", "output_month", "output_own", "output_usual", "output_organization", "output_record",
    "output_sigmas", "requests_own", "requests_usual", "share", "output_rank", "output_week_rank",
    "output_month_rank", "usual_rank",
)  # fmt: skip
SHAPE = (
    "length", "length_week", "length_month", "length_peers", "length_week_peers", "length_month_peers", "length_own",
    "length_organization", "ratio", "ratio_peers", "ratio_own", "ratio_organization", "length_rank", "ratio_rank",
    "input",
)  # fmt: skip
STANDING = ("slice_kind", "slice_days", "active_28", "age", "own_days", "is_new")
RHYTHM = ("hours", "hours_own", "slots_an_hour", "pace", "pace_rank")
PROMPTS = ("new_prompts", "new_prompts_week", "cached", "templates", "end_users", "requests_a_user")
PARAMETERS = ("cut_share", "multi_share", "logprobs_share", "cold_share")
REFUSALS = ("failed_share", "failed_own", "limited_share")
NEW = ("new_key_share", "new_template_share", "new_model_share", "new_network_share", "new_region_share")
RELEASE = ("released_share", "released_excess", "model_age")
REPEATS = (
    "repeat_days", "same_requests", "same_requests_share", "same_prompts", "same_prompts_share", "near_prompts_share",
    "is_suite_size",
)  # fmt: skip
SHARED = ("network_sharers", "template_sharers", "payment_sharers", "signup_sharers", "kinds_shared")
HOURS = (
    "own_days", "age", "output_3_day", "output_6_day", "output_so_far_day", "output_so_far_record", "requests_3_day",
    "requests_6_day", "requests_so_far_day", "output_6", "requests_6", "failed_3_share", "failed_6_share", "failed_6",
    "length_3_own", "input_3", "new_network_3_share", "new_region_3_share", "new_model_3_share", "networks_3",
    "hour_usual",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Detector:
    """One detector: the table of its features, their names, and the kinds of campaigns it is taught to find."""

    table: str
    features: tuple[str, ...]
    kinds: tuple[str, ...]


DETECTORS: dict[str, Detector] = {
    "harvest": Detector(
        "watch_features",
        (*MASS, *SHAPE, *STANDING, *RHYTHM, *PROMPTS, *PARAMETERS, *REFUSALS, *NEW),
        ("bulk", "low_and_slow", "quota_riding", "desensitised", "reseller", "launch_pivot", "assorted"),
    ),
    "stolen_key": Detector("watch_hour_features", HOURS, ("stolen_key",)),
    "coordinated": Detector(
        "watch_features",
        (*SHARED, *SHAPE, *STANDING, *RHYTHM, *PROMPTS, "output", "output_rank", "share"),
        ("hydra_synchronised", "hydra_unsynchronised"),
    ),
    "evaluation": Detector(
        "watch_features",
        (*REPEATS, *STANDING, *RHYTHM, *PROMPTS, "cold_share", "share", "requests_usual", "requests_own", "input"),
        ("evaluation_loop",),
    ),
    "launch_pivot": Detector(
        "watch_features",
        (*RELEASE, *SHAPE, *STANDING, *PROMPTS, "output", "output_usual", "share", "output_rank"),
        ("launch_pivot",),
    ),
}
