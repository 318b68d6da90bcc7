"""What tests need of the machine beside Python: skipped without, unless it must be there.

``PARLEY_REQUIRE_BROWSER=1``, ``PARLEY_REQUIRE_POSTGRES=1``, ``PARLEY_REQUIRE_S3=1`` and
``PARLEY_REQUIRE_PROXY=1`` say so; ``.ci/run`` sets each where it could install the program.
"""

import os
from typing import NoReturn

import pytest


def is_demanded(what: str) -> bool:
    """Tell whether ``PARLEY_REQUIRE_<what>`` is 1."""
    return os.environ.get(f"PARLEY_REQUIRE_{what}") == "1"


def missing(what: str, why: str) -> NoReturn:
    """Skip the test, or fail it when ``PARLEY_REQUIRE_<what>`` is 1.

    Args:
        what: BROWSER, POSTGRES, S3 or PROXY.
        why: What was looked for and how to get it.
    """
    if is_demanded(what):
        pytest.fail(f"{why}; PARLEY_REQUIRE_{what}=1 lets no test be skipped for it", pytrace=False)
    pytest.skip(why)
