"""The account that a run gives of itself.

To MLflow and to the orchestrator while it goes, and as one report at the end.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType, TracebackType
from typing import Self

from prefect.exceptions import Pause
from pydantic import JsonValue

from feedback.channel import load_feedback_channel
from feedback.decision import Decision
from feedback.recording import load_decisions
from flows.context import RunContext
from models.report import RunReport
from models.report_text import to_markdown
from tasks.champion import EARLIER_TAG
from tasks.evaluation import Evaluation
from tasks.exchange import save_report
from tasks.orchestration import ProgressArtifacts
from tasks.promotion import Promotion
from tasks.records import Param, Record, Tag
from tasks.stage import StageResult
from tasks.tracking import Tracker
from tasks.tracking_store import start_tracking, without_password
from tasks.version_pages import VersionRef, compare_page, describe_version, figures_page


class RunReporter:
    """Collects what happens during a run, and closes the tracking run whatever happens.

    Attributes:
        tracker: The run in MLflow.
    """

    def __init__(self, run: RunContext) -> None:
        self._run = run
        self._request: str | None = None
        self._earlier: list[str] = []
        self._bars = ProgressArtifacts()
        self._dataset = run.dataset.path.absolute().name
        self.tracker: Tracker = start_tracking(
            run.workplace.settings,
            _run_name(self._dataset, run.run_id, datetime.now(UTC)),
            {
                "parley.run": run.run_id,
                "parley.channel": run.params.channel,
                "dvc.md5": run.dataset.md5,
                "dvc.path": str(run.dataset.path),
            },
            goes_on=run.flow_run is not None,
        )
        # An earlier process of the same run has told of these stages.
        self._told = self.tracker.logged_stages() if run.flow_run else set[str]()

    def __enter__(self) -> Self:
        run = self._run
        self.tracker.log(_flat(run.params.model_dump(mode="json")))
        self.tracker.log_dataset(self._dataset, run.dataset.md5, run.dataset.n_train)
        run.workplace.on_finished = (*run.workplace.on_finished, self._stage)
        run.workplace.listeners = (*run.workplace.listeners, self._bars)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        workplace = self._run.workplace
        workplace.on_finished = tuple(told for told in workplace.on_finished if told != self._stage)
        workplace.listeners = tuple(told for told in workplace.listeners if told is not self._bars)
        if kind is not None and issubclass(kind, Pause):
            self.tracker.suspend()
        else:
            self.tracker.finish(failed=kind is not None)

    def asked(self, decisions: Iterable[Decision], *, instead: bool = False) -> Decision | None:
        """Note review requests, the decisions on them and who made them, up to one that refuses.

        Args:
            decisions: In the order of their rounds.
            instead: Whether they take the place of what was decided last, which has gone stale.

        Returns:
            The first decision that does not approve; None when all do.
        """
        for decision in decisions:
            if self._request is not None and not instead:
                self._earlier.append(self._request)
            self._request = decision.request_id
            self.tracker.log(
                [
                    Tag("review.request_id", decision.request_id),
                    Tag("review.state", decision.state.value),
                    Tag("review.decision_sha256", decision.digest),
                    Tag("review.reviewers", _reviewers(self._closing(decision))),
                ]
            )
            if not decision.is_approved:
                return decision
        return None

    def evaluated(self, evaluation: Evaluation) -> None:
        """Write the comparison's numbers and figures."""
        self.tracker.log(evaluation.records)

    def version_records(self, records: Iterable[Record]) -> tuple[Record, ...]:
        """Return what a version's run carries: its own records and the run's parameters."""
        return (*_flat(self._run.params.model_dump(mode="json")), *records)

    def version_tags(self, decision: Decision, arm: str) -> dict[str, str]:
        """Return what a registered version says of its origin."""
        approval = self._closing(decision)
        return {
            "parley.arm": arm,
            "parley.run": self._run.run_id,
            "review.request_id": decision.request_id,
            "review.decision_sha256": approval.digest,
            "review.reviewers": _reviewers(approval),
            **({"review.by_rule": decision.policy} if decision.by_rule else {}),
            "review.edits": str(_n_edits(decision)),
            "dvc.md5": self._run.dataset.md5,
            **({EARLIER_TAG: ",".join(self._earlier)} if self._earlier else {}),
        }

    def finished(
        self,
        evaluation: Evaluation,
        original: VersionRef,
        version: VersionRef,
        promotion: Promotion,
        refusal: Decision | None = None,
    ) -> dict[str, JsonValue]:
        """Close the account of a run that came to its end.

        Args:
            evaluation: What was compared.
            original: The version of the network before the correction.
            version: The corrected network's version.
            promotion: What became of that version.
            refusal: What was said when a stale approval was asked about again, if not yes.

        Returns:
            The run's report.
        """
        self.tracker.log([Tag("parley.promoted", str(promotion.promoted).lower())])
        reasons: list[JsonValue] = [*evaluation.reasons]
        if promotion.stale:
            reasons.append(promotion.stale)
        if refusal is not None:
            reasons.append(_ended(refusal))
        report = self._close(
            evaluation.report
            | {
                "decision": {
                    "promote": evaluation.promote and not promotion.stale,
                    "reasons": reasons,
                },
                "model": {
                    "name": version.name,
                    "version": version.version,
                    "alias": promotion.alias,
                },
            },
            {
                "compare_versions": compare_page(original, version),
                "compare_figures": figures_page(self.tracker, original, version),
            },
        )
        describe_version(self.tracker, version, to_markdown(RunReport.model_validate(report)))
        return report

    def stopped(self, decision: Decision) -> dict[str, JsonValue]:
        """Close the account of a run whose reviewers did not approve: a result, not a failure."""
        return self._close({"decision": {"promote": False, "reasons": [_ended(decision)]}})

    def _closing(self, decision: Decision) -> Decision:
        """Return the decision that closed the request; those that follow it name no answer."""
        if decision.sequence == 1:
            return decision
        return load_decisions(self._run.workplace.objects, decision.request_id)[0]

    def _close(
        self, parts: dict[str, JsonValue], pages: Mapping[str, str] = MappingProxyType({})
    ) -> dict[str, JsonValue]:
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
                **pages,
            },
        }
        checked = RunReport.model_validate(content, strict=False)
        self.tracker.log([Tag("mlflow.note.content", to_markdown(checked))])
        report: dict[str, JsonValue] = checked.model_dump(mode="json")
        save_report(run.workplace, run.run_id, report)
        return report

    def _stage(self, result: StageResult) -> None:
        if result.key in self._told:
            return
        self.tracker.log_stage(self._run.workplace, result)


def _ended(decision: Decision) -> str:
    said = "; ".join(
        response.document.comment for response in decision.responses if response.document.comment
    )
    return f"the review ended {decision.state.value}: {said or decision.reason}"


def _reviewers(decision: Decision) -> str:
    """Name who answered; no person can be called as an approval by rule is."""
    if decision.by_rule:
        return f"nobody: rule of policy {decision.policy}"
    return ", ".join(response.document.reviewer for response in decision.responses)


def _n_edits(decision: Decision) -> int:
    """Count edits as people do: a response may hold many, or say that all is right as it is."""
    edit_of = load_feedback_channel(decision.channel).edit_of
    return sum(edit_of(response).n_edits for response in decision.edits)


def _run_name(dataset: str, run_id: str, now: datetime) -> str:
    """Return what a person calls a run: its dataset, when it was, and enough to find it again."""
    return f"{dataset} {now:%Y-%m-%d %H:%M} {run_id.rsplit('-', 1)[-1]}"


def _flat(tree: dict[str, JsonValue], prefix: str = "") -> list[Record]:
    records: list[Record] = []
    for name, value in tree.items():
        if isinstance(value, dict):
            records += _flat(value, f"{prefix}{name}.")
        else:
            records.append(Param(f"{prefix}{name}", value))
    return records
