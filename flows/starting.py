"""What a scheduled run does before its loop: images come in, and it looks what is new."""

from pydantic import JsonValue

from feedback.policy_file import load_policy
from flows.params import PipelineParams
from flows.rules import rules_of_run
from tasks.dataset.opening import identify_dataset
from tasks.freshness import save_start, starting_point, why_skip
from tasks.keeping import file_closed_reviews, take_in_images
from tasks.settings import Settings
from tasks.weights import weights_digest
from tasks.workplace import Workplace


def prepare_run(
    params: PipelineParams, workplace: Workplace, run_id: str, *, force: bool
) -> str | None:
    """File closed reviews, take in new images, and tell why the run would find nothing new to do.

    Args:
        params: All parameters.
        workplace: Stores and folders.
        run_id: The run.
        force: Go on although nothing changed.

    Returns:
        The reason for ending at once, or None.

    Raises:
        ParleyError: If the store does not answer, or the dataset is not as it was recorded.
    """
    file_closed_reviews(workplace, params.data_path)
    intake = params.intake
    if intake.enabled:
        take_in_images(
            workplace,
            params.data_path,
            max_images=intake.max_images,
            min_images=intake.min_images,
            max_bytes=intake.max_bytes,
        )
    point = starting_point(
        workplace.objects,
        identify_dataset(workplace, params.data_path, unversioned=params.unversioned_data),
        _content(params, workplace.settings),
        model=params.model_name,
        modules=("flows.retrain", f"flows.channels.{params.channel}"),
    )
    reason = None if force else why_skip(workplace.objects, params.model_name, run_id, point)
    if reason is None:
        save_start(workplace.objects, run_id, point)
    return reason


def _content(params: PipelineParams, settings: Settings) -> dict[str, JsonValue]:
    """Return the parameters with the content of the files that they name."""
    rules = rules_of_run(params.review, settings)
    policies: list[JsonValue] = [load_policy(name).digest for name in rules]
    weights = weights_digest(params.classifier.weights)
    given = params.model_dump(mode="json", exclude={"intake"})
    return {"params": given, "policies": policies, "weights": weights}
