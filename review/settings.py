"""How the page is served: to whom, under which name, signed by which key."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address

from feedback.errors import IdentityError, ParamsError
from feedback.policy import Policy, single_policy
from feedback.signing import SigningKey

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,79}")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,79}")


@dataclass(frozen=True)
class PageSettings:
    """What the page is told at its start.

    Attributes:
        host: Address to listen on.
        port: Port to listen on.
        reviewer: Who everybody at this page is; allowed on this machine alone.
        identity_header: Header in which a proxy names the reviewer.
        proxies: Addresses that may send that header.
        hosts: Names that the proxy is called by, beside this machine's own.
        page_name: Name that the page is enrolled by.
        key: Key that the page signs with; None hands answers in unsigned.
        policy: The gate's rule, which says when a request closes.
    """

    host: str = "127.0.0.1"
    port: int = 8050
    reviewer: str | None = None
    identity_header: str | None = None
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    hosts: tuple[str, ...] = ()
    page_name: str = "page"
    key: SigningKey | None = None
    policy: Policy = field(default_factory=single_policy)

    def __post_init__(self) -> None:
        """Refuse settings under which anybody could answer as anybody."""
        if (self.reviewer is None) == (self.identity_header is None):
            raise ParamsError(
                "expected either a reviewer's name or a header in which a proxy names the reviewer "
                f"(got {'none' if self.reviewer is None else 'both'}); give --reviewer NAME on "
                "your own machine, or set PARLEY_PAGE_IDENTITY_HEADER behind a proxy"
            )
        for what, name in (("reviewer", self.reviewer), ("page_name", self.page_name)):
            if name is not None and not _IDENTIFIER.fullmatch(name):
                raise ParamsError(
                    f"expected {what} of at most 80 letters, digits, '_', '.', '@', '-' "
                    f"(got {name[:80]!r}); choose another name"
                )
        if self.identity_header is not None and not _HEADER.fullmatch(self.identity_header):
            raise ParamsError(
                f"expected a header such as X-Forwarded-User (got {self.identity_header[:80]!r})"
            )
        if self.reviewer is not None and not is_loopback(self.host):
            raise ParamsError(
                f"expected a page for one named reviewer to stay on this machine (got host "
                f"{self.host!r}); listen on 127.0.0.1, or put a proxy in front that names people"
            )


def is_loopback(host: str) -> bool:
    """Tell whether an address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def who_asks(settings: PageSettings, header: Callable[[str, str], str], remote: str | None) -> str:
    """Tell who is at the page.

    Args:
        settings: How the page is served.
        header: Returns one of the message's headers, or what is given for one that is missing.
        remote: Address that it came from.

    Returns:
        The reviewer's name.

    Raises:
        IdentityError: If the proxy named nobody, or somebody else sent the message.
    """
    if settings.identity_header is None:
        return settings.reviewer or ""
    if remote not in settings.proxies:
        raise IdentityError(
            f"expected a message of the proxy (got one from {remote or 'nowhere'}); open the page "
            "through the proxy, or name its address in PARLEY_PAGE_PROXIES"
        )
    name = header(settings.identity_header, "")
    if not _IDENTIFIER.fullmatch(name):
        raise IdentityError(
            f"expected one plain name in {settings.identity_header} (got {ascii(name)[:80]}); sign "
            "in again, or let the proxy send the name that reviewers are enrolled by"
        )
    return name
