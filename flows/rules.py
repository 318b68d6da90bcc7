"""Which rule decides, where several could name it."""

from flows.params import ReviewParams
from tasks.settings import Settings


def chosen_rule(review: ReviewParams, settings: Settings, policy: str = "") -> str:
    """Return the rule by which requests are decided and close, by name or file.

    Args:
        review: Parameters of the runs.
        settings: The installation's settings.
        policy: What the command line names; empty for nothing.
    """
    if policy:
        return policy
    return review.policy if "policy" in review.model_fields_set else settings.policy


def rules_of_run(review: ReviewParams, settings: Settings) -> tuple[str, ...]:
    """Return the rules whose decisions a run takes, by name or file; the first decides.

    A run that asks people goes by the installation's rule unless its parameters name another, for
    the watcher decides by that. The simulated reviewer signs nothing and is in no rule of a team.

    Args:
        review: Parameters of the run.
        settings: The installation's settings.
    """
    asks_people = review.reviewer != "simulated"
    first = chosen_rule(review, settings) if asks_people else review.policy
    return (first, *review.trusted_policies)
