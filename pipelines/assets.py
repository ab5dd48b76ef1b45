"""The steps of the main job as Dagster assets, from landing to pages, with their checks.

Nothing is computed here: an asset calls its step and reports counts. Schedule and sensor belong
in `triggers.py`.
"""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliResource,
    dbt_assets,
)

from pipelines import build, warehouse
from pipelines.cases.decisions import load_decisions
from pipelines.home import Home
from pipelines.landing.contract import COLUMNS
from pipelines.landing.ingest import IngestSummary, ingest
from pipelines.landing.manifest import current_files, read_manifest
from pipelines.organizations.facts import read_facts
from pipelines.publish.exports import export_published, published_folder
from pipelines.run import breaches, build_pages, remember_finish, run_watch
from pipelines.settings import Settings, load_settings
from pipelines.sql import identifier, literal

OWNERS = {
    "landing": ["team:platform"],
    "rating": ["team:finance"],
    "marts": ["team:finance"],
    "watch": ["team:trust-safety"],
    "published": ["team:platform"],
}
POOL = "warehouse"
MOST_FAULTS = 100
# How long a step waits for another run on the same home (cron, a command) before it fails.
LOCK_SECONDS = 1800


class MeterhouseHome(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The home that the assets work on."""

    root: str

    def get(self) -> Home:
        """As the rest of the code knows it."""
        return Home(Path(self.root))


operator_prices = dg.AssetSpec(
    "operator_prices",
    group_name="rating",
    owners=OWNERS["rating"],
    description="The operator's own rate cards: prices/*.csv of the home.",
)

organization_facts = dg.AssetSpec(
    "organization_facts",
    group_name="watch",
    owners=OWNERS["watch"],
    description="What the operator knows of organisations: organizations.csv or organizations.yaml of the home.",
)

case_decisions = dg.AssetSpec(
    "case_decisions",
    group_name="watch",
    owners=OWNERS["watch"],
    description="What reviewers decided about cases: cases/decisions.yaml of the home.",
)

EVENT_SCHEMA = dg.TableSchema(columns=[dg.TableColumn(c.name, c.type.lower(), description=c.meaning) for c in COLUMNS])


@dg.asset(
    group_name="landing",
    owners=OWNERS["landing"],
    kinds={"python", "duckdb", "parquet"},
    pool=POOL,
    metadata={"dagster/column_schema": EVENT_SCHEMA},
    check_specs=[
        dg.AssetCheckSpec(
            "every_folder_is_a_source",
            asset="landed_events",
            description="Nothing lies under landing/ whose source or format cannot be told, or that was too large for "
            "the memory: what does is left, and all else is taken in.",
        )
    ],
    description="Takes every new file under landing/ in exactly once: canonical events as Parquet by day, "
    "bad records in quarantine with file, line, field and reason.",
)
def landed_events(home: MeterhouseHome) -> dg.MaterializeResult:  # type: ignore[type-arg] # with a check Dagster wants it bare
    """Events and manifest; metadata holds the counts of this run."""
    place = home.get()
    with warehouse.writer_lock(place, wait_seconds=LOCK_SECONDS):
        taken = ingest(place, load_settings(place))
        total = sum(f.accepted for f, _ in current_files(read_manifest(place)).values())
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": total,
            "files": taken.files,
            "records_read": taken.records_read,
            "accepted": taken.accepted,
            "duplicates": taken.duplicates,
            "amendments": taken.amendments,
            "quarantined": taken.quarantined,
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="every_folder_is_a_source", passed=not taken.unclear, metadata={"left": list(taken.unclear)}
            )
        ],
    )


@dg.asset_check(
    asset=landed_events,
    blocking=True,
    description="Per file: records read = accepted + duplicates + amendments + quarantined + dropped.",
)
def landing_conserves_records(home: MeterhouseHome) -> dg.AssetCheckResult:
    """Fails with the files that do not add up."""
    wrong = [
        f"{f.source}/{f.file}"
        for c in read_manifest(home.get())
        for f in c.files
        if f.records_read != f.accepted + f.duplicates + f.amendments + f.quarantined + f.dropped
    ]
    return dg.AssetCheckResult(passed=not wrong, metadata={"files": wrong})


class _Translator(DagsterDbtTranslator):
    """Groups and owners of dbt models by their folder; sources lead back to the landing assets."""

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        folders = dbt_resource_props["fqn"][1:-1]
        if "watch" in folders:
            return "watch"
        return {"seed": "rating"}.get(dbt_resource_props["resource_type"]) or (folders[0] if folders else "rating")

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        return OWNERS.get(self.get_group_name(dbt_resource_props), OWNERS["landing"])

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        if dbt_resource_props["resource_type"] == "source":
            return super().get_asset_key(dbt_resource_props)
        schema = dbt_resource_props["config"].get("schema") or "main"
        alias = dbt_resource_props.get("alias") or dbt_resource_props["name"]
        return dg.AssetKey([schema, alias])


def manifest_of(home: Home) -> Path:
    """dbt's manifest for the graph, parsed again only when the project's files changed.

    Dagster's processes load the graph at the same moment: each parses beside, and what it made is put in place whole.
    """
    folder = home.work / "dbt-graph"
    manifest, stamp = folder / "manifest.json", folder / "project.digest"
    digest = build.project_digest()
    if not manifest.exists() or not stamp.exists() or stamp.read_text(encoding="utf-8") != digest:
        home.make_work()
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.work, prefix="dbt-graph-") as beside:
            build.lend_parsing(folder, Path(beside))
            environment = build.dbt_environment(home) | {"DBT_TARGET_PATH": beside}
            subprocess.run(  # noqa: S603 - our own executable and arguments
                [build.dbt_executable(), "--quiet", "parse", "--project-dir", str(build.DBT_PROJECT)],
                env=environment,
                check=True,
            )
            (Path(beside) / stamp.name).write_text(digest, encoding="utf-8")
            made = sorted((p for p in Path(beside).iterdir() if p.is_file()), key=lambda p: p.name == stamp.name)
            for path in made:
                path.replace(folder / path.name)
    return manifest


def build_dbt_assets(home: Home) -> dg.AssetsDefinition:
    """Every seed and model as an asset and every dbt test as an asset check, in one step."""

    # Several tables of the schema `run` come from the one landing asset.
    translator = _Translator(DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True))

    @dbt_assets(manifest=manifest_of(home), dagster_dbt_translator=translator, name="dbt", pool=POOL)
    def dbt(context: dg.AssetExecutionContext, home: MeterhouseHome) -> Iterator[Any]:
        place = home.get()
        settings = load_settings(place)
        with warehouse.writer_lock(place, wait_seconds=LOCK_SECONDS):
            plan = build.plan_build(place, settings)
            build.prepare(place, settings, plan)
            # The environment names the warehouse; dagster-dbt hands it on to dbt.
            for name, value in build.dbt_environment(place).items():
                _set_environment(name, value)
            resource = DbtCliResource(
                project_dir=str(build.DBT_PROJECT),
                profiles_dir=str(build.DBT_PROJECT),
                dbt_executable=build.dbt_executable(),
            )
            # In a folder of its own: what dbt remembers hangs on the path by which it is told of the warehouse.
            target = place.work / "dbt-job"
            build.lend_parsing(place.work / "dbt-graph", target)
            call = resource.cli(_one_word_exclude(build.dbt_arguments(plan)), context=context, target_path=target)
            events, failure = _collect(call.stream())
            # A few tables chosen in the UI are not a build: the next run still has all to do.
            if failure is None and not context.is_subset:
                build.remember(place, plan)
            counts = _row_counts(place)
        for event in events:
            if isinstance(event, dg.Output) and event.metadata.get("unique_id") is not None:
                yield event.with_metadata({**event.metadata, **_count_of(event, counts)})
            else:
                yield event
        if failure is not None:
            raise failure

    return dbt


def _one_word_exclude(arguments: list[str]) -> list[str]:
    """dbt's arguments with all names after --exclude, its last option, as one: dagster-dbt takes one word only.

    What is left out is not materialised, and nothing outside the dbt step depends on it alone.
    """
    if "--exclude" not in arguments:
        return arguments
    names = arguments.index("--exclude") + 1
    return [*arguments[:names], " ".join(arguments[names:])]


def _collect(stream: Iterator[Any]) -> tuple[list[Any], Exception | None]:
    """All events of a dbt call, also of one that fails: its failed checks must show."""
    events: list[Any] = []
    try:
        events.extend(stream)
    except Exception as error:  # noqa: BLE001 - raised again once its events are out
        return events, error
    return events, None


def _set_environment(name: str, value: str) -> None:
    import os

    os.environ[name] = value


def _row_counts(home: Home) -> dict[str, int]:
    """Rows of every table and view of the warehouse by `schema.name`, in one query."""
    with warehouse.connect(home, read_only=True) as con:
        names = con.execute("""
            select table_schema, table_name from information_schema.tables
            where table_schema in ('rating', 'marts', 'watch', 'published') order by all""").fetchall()
        parts = [
            f"select '{schema}.{name}', count(*) from {identifier(schema)}.{identifier(name)}" for schema, name in names
        ]
        return dict(con.execute(" union all ".join(parts)).fetchall()) if parts else {}


def _count_of(event: dg.Output[Any], counts: dict[str, int]) -> dict[str, int]:
    name = event.output_name.removesuffix("__result")
    for table, rows in counts.items():
        if name.endswith(table.replace(".", "__")):
            return {"dagster/row_count": rows}
    return {}


@dg.asset(
    group_name="watch",
    owners=OWNERS["watch"],
    kinds={"python", "duckdb"},
    pool=POOL,
    deps=[
        dg.AssetKey(["marts", "activity_daily"]),
        dg.AssetKey(["marts", "activity_hourly"]),
        dg.AssetKey(["marts", "activity_10min"]),
        dg.AssetKey(["marts", "activity_places_daily"]),
        dg.AssetKey(["marts", "activity_slices_daily"]),
        dg.AssetKey(["marts", "activity_places_hourly"]),
        organization_facts,
        case_decisions,
    ],
    description="Ranks unusual harvesting-like usage at a fixed alert budget, with reasons and counter-evidence. "
    "A flag is a lead for review. Decisions about cases count, and an audit sample stands beside the budget; so does "
    "usage after suspensions and outside licences.",
)
def extraction_flags(home: MeterhouseHome) -> dg.MaterializeResult[Any]:
    """Flags of all detectors; metadata holds how many, and the organisation-days scored."""
    place = home.get()
    with warehouse.writer_lock(place, wait_seconds=LOCK_SECONDS):
        scored = run_watch(place, load_settings(place))
        with warehouse.connect(place, read_only=True) as con:
            flags = (con.execute("select count(*) from published.extraction_flags").fetchone() or (0,))[0]
            certain = (con.execute("select count(*) from published.enforcement_flags").fetchone() or (0,))[0]
    return dg.MaterializeResult(
        metadata={"dagster/row_count": flags, "organization_days": scored, "enforcement_flags": certain}
    )


@dg.asset_check(
    asset=extraction_flags,
    description="Every row of the facts about organisations is sound: a faulty one does not count, and stops nothing.",
)
def organization_facts_are_sound(home: MeterhouseHome) -> dg.AssetCheckResult:
    """Fails with the faults, each with file, line, field and what to do."""
    faults = [fault.paragraph() for fault in read_facts(home.get()).faults]
    return dg.AssetCheckResult(
        passed=not faults, severity=dg.AssetCheckSeverity.ERROR, metadata={"faults": faults[:MOST_FAULTS]}
    )


@dg.asset_check(
    asset=extraction_flags,
    description="The decisions about cases verify: none was edited, moved or removed, by their digests and the head.",
)
def decisions_verify(home: MeterhouseHome) -> dg.AssetCheckResult:
    """Fails with what does not verify. It does not block: billing goes on, without any allow-note."""
    decisions = load_decisions(home.get())
    return dg.AssetCheckResult(
        passed=not decisions.faults,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={
            "faults": [str(fault) for fault in decisions.faults],
            "decisions": len(decisions.entries),
            "not_sealed": decisions.unsealed,
            "head": decisions.head.digest,
        },
    )


@dg.asset(
    group_name="published",
    owners=OWNERS["published"],
    kinds={"duckdb", "parquet"},
    pool=POOL,
    deps=[
        extraction_flags,
        dg.AssetKey(["published", "rated_usage"]),
        landed_events,
        dg.AssetKey(["published", "spend_daily"]),
        dg.AssetKey(["published", "ingested_files"]),
        dg.AssetKey(["published", "quarantined_records"]),
        dg.AssetKey(["published", "price_book"]),
        dg.AssetKey(["published", "spend_reported"]),
        dg.AssetKey(["published", "tuned_models"]),
        dg.AssetKey(["published", "serving_days"]),
        dg.AssetKey(["published", "build"]),
    ],
    description="The published tables as Parquet under exports/published/, audited (events = rated = marts to "
    "the last digit) and swapped in by one rename.",
)
def published_exports(home: MeterhouseHome) -> dg.MaterializeResult[Any]:
    """Rows by table; a failed audit fails the run and publishes nothing."""
    place = home.get()
    with warehouse.writer_lock(place, wait_seconds=LOCK_SECONDS):
        plan = build.plan_build(place, load_settings(place))
        summary = export_published(place, plan)
    return dg.MaterializeResult(metadata={"dagster/row_count": sum(summary.rows.values()), **summary.rows})


@dg.asset(
    group_name="published",
    owners=OWNERS["published"],
    kinds={"python", "plotly"},
    pool=POOL,
    deps=[published_exports],
    check_specs=[
        dg.AssetCheckSpec(
            "within_limits",
            asset="pages",
            description="No limit of meterhouse.toml is passed: records quarantined by the last landing that found "
            "files, and requests without a price.",
        )
    ],
    description="Static pages by audience: finance, platform, trust-safety and one bundle an organisation.",
)
def pages(home: MeterhouseHome) -> dg.MaterializeResult:  # type: ignore[type-arg] # with a check Dagster wants it bare
    """The site; metadata holds the number of pages and where they are."""
    place = home.get()
    settings = load_settings(place)
    with warehouse.writer_lock(place, wait_seconds=LOCK_SECONDS):
        count = build_pages(place, settings)
        remember_finish(place, settings, build.plan_build(place, settings))
        passed_limits = _passed_limits(place, settings)
    return dg.MaterializeResult(
        metadata={
            "pages": count,
            "finance": dg.MetadataValue.path(str(place.site / "finance" / "index.html")),
            "platform": dg.MetadataValue.path(str(place.site / "platform" / "index.html")),
            "trust-safety": dg.MetadataValue.path(str(place.site / "trust-safety" / "index.html")),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="within_limits",
                passed=not passed_limits,
                severity=dg.AssetCheckSeverity.ERROR,
                metadata={"breaches": passed_limits},
            )
        ],
    )


def _passed_limits(home: Home, settings: Settings) -> list[str]:
    """Limits that the latest manifest entry and the exported spend pass, a sentence each."""
    commits = read_manifest(home)
    files = commits[-1].files if commits else []
    taken = IngestSummary(
        records_read=sum(f.records_read for f in files), quarantined=sum(f.quarantined for f in files)
    )
    spend = literal(published_folder(home) / "spend_daily.parquet")
    with warehouse.connect(home, in_memory=True) as con:
        requests, unpriced = con.execute(f"""
            select coalesce(sum(requests), 0)::bigint, coalesce(sum(unpriced_requests), 0)::bigint
            from read_parquet({spend})""").fetchone() or (0, 0)
    return breaches(settings, taken, requests, unpriced)


@dg.asset_check(asset=pages, description="Each audience has its entry page.")
def pages_exist_for_every_audience(home: MeterhouseHome) -> dg.AssetCheckResult:
    """Fails with the audiences that have none."""
    site = home.get().site
    missing = [a for a in ("finance", "platform", "trust-safety") if not (site / a / "index.html").exists()]
    return dg.AssetCheckResult(passed=not missing, metadata={"missing": json.dumps(missing)})


MAIN_JOB = dg.define_asset_job(
    "main_job",
    selection=dg.AssetSelection.all()
    - dg.AssetSelection.assets("operator_prices", "organization_facts", "case_decisions"),
    description="Landing to pages: what `meterhouse run` does.",
    executor_def=dg.in_process_executor,
)
