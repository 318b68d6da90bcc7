"""How the review page is served, from the installation's settings and the command line."""

from feedback.policy_file import load_policy
from feedback.signing import load_key
from review.settings import PageSettings
from tasks.settings import Settings


def page_settings(
    settings: Settings, *, host: str, port: int, reviewer: str | None, policy: str = ""
) -> PageSettings:
    """Join settings and options.

    Args:
        settings: The installation's settings.
        host: Address to listen on.
        port: Port to listen on.
        reviewer: Who is at this machine; None where a proxy names people.
        policy: The gate's rule, by name or file; empty takes the setting ``PARLEY_POLICY``.

    Returns:
        How the page is served.

    Raises:
        ParamsError: If nobody, or anybody, could answer under these settings.
        PolicyError: If the policy cannot be read.
        ReviewerError: If the page's key cannot be used.
    """
    return PageSettings(
        host=host,
        port=port,
        reviewer=reviewer,
        identity_header=settings.page_identity_header or None,
        proxies=_listed(settings.page_proxies),
        hosts=_listed(settings.page_hosts),
        page_name=settings.page_name,
        key=None if settings.page_key is None else load_key(settings.page_key),
        policy=load_policy(policy or settings.policy),
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
