"""Great Expectations' data docs, built from stored results: what was expected of files, how often it failed.

For the data team. Stored results hold counts and row positions and never a value, so the pages can name nobody. Great
Expectations' own look comes from its host: where that can't be reached the pages are plain, and as complete.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from vpn_registry import settings

_SITE: Final = "deliveries"


@dataclass(frozen=True, slots=True)
class Judged:
    """One judged delivery: its number, revision and ISP, when it was judged (aware), and the stored result."""

    delivery_id: int
    revision: int
    isp: str
    judged_at: datetime
    result: Mapping[str, Any]


def write(folder: Path, judged: Iterable[Judged]) -> Path:
    """Build the pages of these deliveries in `folder`, which is replaced; the page to open.

    Raises ValueError when the folder holds something else than earlier data docs.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / "index.html").is_file():
        raise ValueError(f"{folder} holds other files than data docs; nothing was written")
    settings.provide({"GX_ANALYTICS_ENABLED": "false"})
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations as gx

    shutil.rmtree(folder, ignore_errors=True)
    context = gx.get_context(mode="ephemeral")
    for name in list(context.variables.data_docs_sites or {}):
        context.delete_data_docs_site(name)
    place = {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)}
    index = {"class_name": "DefaultSiteIndexBuilder"}
    site = {"class_name": "SiteBuilder", "store_backend": place, "site_index_builder": index}
    context.add_data_docs_site(site_name=_SITE, site_config=site)
    for one in judged:
        context.validation_results_store.add(*_entry(one))
    context.build_data_docs(site_names=[_SITE])
    return folder / "index.html"


def _entry(judged: Judged) -> tuple[Any, Any]:
    """Key and value as Great Expectations stores them; their classes are behind the slow import."""
    import great_expectations as gx
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    suite = str(judged.result["suite"]).replace(".", "_")  # a dot would part the address
    run = RunIdentifier(
        run_name=f"delivery {judged.delivery_id}, revision {judged.revision}", run_time=judged.judged_at
    )
    about = {"batch_spec": {}, "active_batch_definition": {}, "great_expectations_version": gx.__version__}
    results = [_result(entry) for entry in judged.result["results"]]
    met = sum(entry.success for entry in results)
    value = ExpectationSuiteValidationResult(
        success=bool(judged.result["success"]),
        results=results,
        suite_name=suite,
        statistics={
            "evaluated_expectations": len(results),
            "successful_expectations": met,
            "unsuccessful_expectations": len(results) - met,
            "success_percent": 100 * met / len(results) if results else None,
        },
        meta={"run_id": run, **about},
    )
    name = ExpectationSuiteIdentifier(suite)
    return ValidationResultIdentifier(expectation_suite_identifier=name, run_id=run, batch_identifier=judged.isp), value


def _result(entry: Mapping[str, Any]) -> Any:
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    count, code = int(entry["unexpected_count"]), str(entry["code"])
    is_set = entry["expectation"] == "expect_column_values_to_be_in_set"
    bound: dict[str, Any] = {"value_set": []} if is_set else {"max_value": 0}
    column = code if entry["column"] in (code, "rejected") else f"{code} {entry['column']}"
    return ExpectationValidationResult(
        success=bool(entry["success"]),
        expectation_config=ExpectationConfiguration(
            type=entry["expectation"],
            kwargs={"column": column, **bound},
            meta={"code": code},
            description=f"{code}, {entry['severity']}: {count} rows offend. {entry['remedy']}",
        ),
        result={"unexpected_count": count} if is_set else {"observed_value": count},
    )
