"""The account that a run gives of itself: to MLflow while it goes, and as one report at the end."""

from types import TracebackType
from typing import Self

from pydantic import JsonValue

from feedback.decision import Decision
from flows.context import RunContext
from models.report import RunReport
from tasks.evaluation import Evaluation
from tasks.exchange import save_report
from tasks.records import Param, Record, Tag
from tasks.registry import VersionRef
from tasks.stage import StageResult
from tasks.tracking import Tracker, stage_records, start_tracking, without_password


class RunReporter:
    """Collects what happens during a run, and closes the tracking run whatever happens.

    Attributes:
        tracker: The run in MLflow.
    """

    def __init__(self, run: RunContext) -> None:
        self._run = run
        self._request: str | None = None
        self.tracker: Tracker = start_tracking(
            run.workplace.settings,
            run.run_id,
            {
                "parley.run": run.run_id,
                "parley.channel": run.params.channel,
                "dvc.md5": run.dataset.md5,
                "dvc.path": str(run.dataset.path),
            },
        )

    def __enter__(self) -> Self:
        run = self._run
        self.tracker.log(_flat(run.params.model_dump(mode="json")))
        self.tracker.log_dataset(run.params.data_path.name, run.dataset.md5, run.dataset.n_train)
        run.workplace.on_finished = (*run.workplace.on_finished, self._stage)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._run.workplace.on_finished = tuple(
            listener for listener in self._run.workplace.on_finished if listener != self._stage
        )
        self.tracker.finish(failed=kind is not None)

    def asked(self, decision: Decision) -> None:
        """Note the review request, the decision on it and who made it."""
        self._request = decision.request_id
        self.tracker.log(
            [
                Tag("review.request_id", decision.request_id),
                Tag("review.state", decision.state.value),
                Tag("review.decision_sha256", decision.digest),
                Tag("review.reviewers", ", ".join(_reviewers(decision))),
            ]
        )

    def evaluated(self, evaluation: Evaluation) -> None:
        """Write the comparison's numbers and figures."""
        self.tracker.log(evaluation.records)

    def version_tags(self, decision: Decision) -> dict[str, str]:
        """Return what a registered version says of its origin."""
        return {
            "parley.arm": "edited_graph",
            "parley.run": self._run.run_id,
            "review.request_id": decision.request_id,
            "review.decision_sha256": decision.digest,
            "review.reviewers": ", ".join(_reviewers(decision)),
        }

    def finished(
        self, evaluation: Evaluation, version: VersionRef, alias: str, *, promoted: bool
    ) -> dict[str, JsonValue]:
        """Close the account of a run that came to its end.

        Args:
            evaluation: What was compared.
            version: The corrected network's version.
            alias: The alias that points to it.
            promoted: Whether it is champion now.

        Returns:
            The run's report.
        """
        self.tracker.log([Tag("parley.promoted", str(promoted).lower())])
        return self._close(
            evaluation.report
            | {
                "decision": {"promote": evaluation.promote, "reasons": list(evaluation.reasons)},
                "model": {"name": version.name, "version": version.version, "alias": alias},
            }
        )

    def stopped(self, decision: Decision) -> dict[str, JsonValue]:
        """Close the account of a run whose reviewers did not approve: a result, not a failure."""
        reason = "; ".join(
            response.document.comment
            for response in decision.responses
            if response.document.comment
        )
        return self._close(
            {
                "decision": {
                    "promote": False,
                    "reasons": [
                        f"the review ended {decision.state.value}: {reason or decision.reason}"
                    ],
                }
            }
        )

    def _close(self, parts: dict[str, JsonValue]) -> dict[str, JsonValue]:
        run = self._run
        content: dict[str, JsonValue] = {
            "run": run.run_id,
            "dataset": {
                "path": str(run.dataset.path),
                "md5": run.dataset.md5,
                "classes": len(run.dataset.classes),
                "train": run.dataset.n_train,
                "test": run.dataset.n_test,
                "pool": run.dataset.n_pool,
            },
            "stages": [
                {"name": stage.name, "seconds": stage.seconds, "reused": stage.reused}
                for stage in run.workplace.results
            ],
            "request": self._request,
            **parts,
            "tracking": {
                "uri": without_password(run.workplace.settings.mlflow_uri()),
                "run": self.tracker.run_id,
                "experiment": self.tracker.experiment_id,
            },
        }
        report: dict[str, JsonValue] = RunReport.model_validate(content, strict=False).model_dump(
            mode="json"
        )
        save_report(run.workplace, run.run_id, report)
        return report

    def _stage(self, result: StageResult) -> None:
        records: list[Record] = stage_records(self._run.workplace, result)
        self.tracker.log_stage(self._run.workplace, result, records)


def _reviewers(decision: Decision) -> list[str]:
    return [response.document.reviewer for response in decision.responses]


def _flat(tree: dict[str, JsonValue], prefix: str = "") -> list[Record]:
    records: list[Record] = []
    for name, value in tree.items():
        if isinstance(value, dict):
            records += _flat(value, f"{prefix}{name}.")
        else:
            records.append(Param(f"{prefix}{name}", value))
    return records
