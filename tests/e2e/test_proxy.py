"""Who is let in where, and under whose name: Apache itself under ``infra/proxy/parley.conf``."""

import contextlib
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.e2e.proxy import ASKING, DOMAIN, OPENING, PAGES, Browser, Echo, need_proxy, proxy
from tests.e2e.servers import PARLEY, answers_at_all, environment, free_port, process, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(120)]

REVIEWERS, OPERATORS = "parley-reviewers", "parley-operators"
PEOPLE = {
    "ada": {"sub": "s-1", "preferred_username": "ada", "groups": ["staff", REVIEWERS]},
    "olga": {"sub": "s-2", "preferred_username": "olga", "groups": [OPERATORS]},
    "both": {"sub": "s-3", "preferred_username": "both", "groups": [OPERATORS, REVIEWERS]},
    # Names of groups that only begin or end like ours, and no groups at all.
    "rita": {
        "sub": "s-4",
        "preferred_username": "rita",
        "groups": [f"former-{REVIEWERS}", f"{REVIEWERS}-2", f"{OPERATORS}-2"],
    },
    "sven": {"sub": "s-5", "preferred_username": "sven"},
    "anon": {"sub": "s-6", "groups": [REVIEWERS, OPERATORS]},
    "spaced": {"sub": "s-7", "preferred_username": "ada lovelace", "groups": [REVIEWERS]},
}
FORGED = [
    ("X-Forwarded-User", "mallory"),
    ("x-forwarded-user", "eve"),
    ("X-FORWARDED-USER", "grace"),
    ("x-Forwarded-uSER", "grace"),
]


@pytest.fixture(scope="module")
def up():
    """Give the proxy and the three pages behind it."""
    need_proxy()
    with contextlib.ExitStack() as stack:
        pages = {page: Echo() for page in PAGES}
        ports = {page: stack.enter_context(echo.listening()) for page, echo in pages.items()}
        yield stack.enter_context(proxy(PEOPLE, ports)), pages


@pytest.fixture
def pages(up):
    """Give the pages as if nobody had asked them before."""
    for echo in up[1].values():
        echo.seen.clear()
    return up[1]


@pytest.fixture
def browser(up):
    with Browser(up[0]) as opened:
        yield opened


def nobody_asked(pages):
    return all(echo.seen == [] for echo in pages.values())


def cookies_of(browser):
    """Return the cookies of the review page as one would carry them elsewhere."""
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.jar("review"))


@pytest.mark.parametrize("page", PAGES)
def test_who_has_no_session_is_sent_to_the_provider(up, pages, browser, page):
    told = browser.open(page, "/requests/r-1?a=b")
    there = urlsplit(told.headers["Location"])
    asked = {name: value for name, (value,) in parse_qs(there.query).items()}
    assert told.status_code == 302
    assert f"{there.scheme}://{there.netloc}{there.path}" == f"{up[0].provider.issuer}/authorize"
    assert asked["redirect_uri"] == f"https://{page}.{DOMAIN}/oidc/callback"
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert nobody_asked(pages)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    "headers",
    [
        {"Accept": "*/*", "X-Requested-With": "XMLHttpRequest"},
        {"Accept": "*/*", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},  # as Dash asks
        ASKING,
    ],
)
def test_a_script_without_a_session_is_told_so(pages, browser, page, headers):
    url = f"https://{page}.{DOMAIN}/_dash-update-component"
    told = browser.ask(url, headers.items(), method="POST", json={})
    assert told.status_code == 401
    assert not {"location", "set-cookie"} & set(told.headers)
    assert nobody_asked(pages)


def test_a_reviewer_comes_back_to_what_they_opened_and_is_named_by_the_claim(up, pages, browser):
    told = browser.sign_in("review", "ada", "/requests/r-1?a=b%20c")
    assert (told.status_code, told.json()) == (200, {"path": "/requests/r-1?a=b%20c"})
    assert pages["review"].names() == ["ada"]
    browser.ask(f"https://review.{DOMAIN}/act", ASKING.items(), method="POST", json={"n": 1})
    assert (pages["review"].seen[-1][:2], pages["review"].names()) == (("POST", "/act"), ["ada"])
    assert len(pages["review"].seen) == 2
    wait_for(lambda: " s-1 [" in up[0].told(), 5, "the request to be logged")
    assert up[0].provider.codes
    assert not any(code in up[0].told() for code in up[0].provider.codes)


def test_a_session_is_kept_in_a_cookie_that_no_script_and_no_plain_message_carries(pages, browser):
    browser.sign_in("review", "ada")
    (cookie,) = [c for c in browser.jar("review") if c.name == "mod_auth_openidc_session"]
    assert cookie.secure
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") in ("Lax", "Strict")
    assert cookie.domain_specified is False  # of this host alone


@pytest.mark.parametrize("page", PAGES)
def test_a_name_that_a_browser_sends_reaches_nobody(pages, browser, page):
    assert browser.open(page, headers=FORGED).status_code == 302
    asked = browser.ask(f"https://{page}.{DOMAIN}/", [*ASKING.items(), *FORGED], method="POST")
    assert asked.status_code == 401
    assert nobody_asked(pages)
    assert browser.sign_in(page, "both", headers=FORGED).status_code == 200
    for forged in (FORGED, FORGED[:1], [*FORGED, ("Connection", "X-Forwarded-For")]):
        assert browser.open(page, headers=forged).status_code == 200
    assert len(pages[page].seen) == 4
    named = [pages[page].names(request) for request in range(4)]
    assert named == [["both"] if page == "review" else []] * 4


def test_who_strips_the_proxys_own_header_is_nobody(pages, browser):
    browser.sign_in("review", "ada")
    browser.open("review", headers=[("Connection", "close, X-Forwarded-User"), *FORGED])
    assert len(pages["review"].seen) == 2
    assert pages["review"].names() == []


@pytest.mark.parametrize(
    ("page", "person", "is_let_in"),
    [
        ("review", "ada", True),
        ("review", "both", True),
        ("review", "olga", False),
        ("review", "rita", False),
        ("review", "sven", False),
        ("prefect", "olga", True),
        ("prefect", "both", True),
        ("prefect", "ada", False),
        ("prefect", "rita", False),
        ("prefect", "sven", False),
        ("mlflow", "olga", True),
        ("mlflow", "both", True),
        ("mlflow", "ada", False),
        ("mlflow", "rita", False),
        ("mlflow", "sven", False),
    ],
)
def test_groups_open_pages(pages, browser, page, person, is_let_in):
    told = browser.sign_in(page, person)
    again = browser.open(page, headers=FORGED)
    assert (told.status_code, again.status_code) == ((200, 200) if is_let_in else (401, 401))
    assert len(pages[page].seen) == (2 if is_let_in else 0)
    assert [echo.seen for name, echo in pages.items() if name != page] == [[], []]


def test_who_has_no_name_in_the_claim_gets_no_session(pages, browser):
    for page in PAGES:
        browser.sign_in(page, "anon", headers=FORGED)
        assert browser.open(page).status_code == 302
    assert nobody_asked(pages)


def test_a_session_of_one_page_opens_no_other(up, pages, browser):
    browser.sign_in("review", "both")
    mine = cookies_of(browser)
    with Browser(up[0]) as other:
        assert other.open("review", headers=[("Cookie", mine)]).status_code == 200
    pages["review"].seen.clear()
    for page in ("prefect", "mlflow"):
        assert browser.open(page, headers=[("Cookie", mine)]).status_code == 401
    assert nobody_asked(pages)


@pytest.mark.parametrize(
    "name", [DOMAIN, f"www.{DOMAIN}", f"review.{DOMAIN}.evil.example", "evil.example", "127.0.0.1"]
)
def test_under_another_name_nobody_gets_anything(pages, browser, name):
    browser.sign_in("review", "both")
    mine = cookies_of(browser)
    pages["review"].seen.clear()
    for path in ("/", "/oidc/callback", "/oidc/callback?code=a&state=b"):
        for headers in (OPENING, ASKING, {**OPENING, "Cookie": mine}):
            told = browser.ask(
                f"https://review.{DOMAIN}{path}", [*headers.items(), ("Host", name), *FORGED]
            )
            assert told.status_code == 403
            assert not {"location", "set-cookie"} & set(told.headers)
    assert nobody_asked(pages)


@pytest.mark.parametrize("port", ["", ":8443"])
def test_people_come_back_to_the_name_and_port_that_their_browser_used(browser, port):
    forged = [
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Port", "1"),
        ("X-Forwarded-Proto", "http"),
        ("Forwarded", "host=evil.example;proto=http"),
    ]
    url = f"https://review.{DOMAIN}{port}/"
    told = browser.ask(url, [*OPENING.items(), *forged])
    (back,) = parse_qs(urlsplit(told.headers["Location"]).query)["redirect_uri"]
    assert back == f"https://review.{DOMAIN}{port}/oidc/callback"


def test_whatever_is_answered_tells_browsers_to_stay_with_tls(browser):
    told = [
        browser.open("review"),
        browser.ask(f"https://mlflow.{DOMAIN}/", ASKING.items()),
        browser.open("www"),
        browser.sign_in("review", "ada"),
        browser.sign_in("prefect", "ada"),
    ]
    assert [answer.status_code for answer in told] == [302, 401, 403, 200, 401]
    for answer in told:
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_parleys_own_page_takes_the_proxys_word_alone(tmp_path):
    need_proxy()
    home, port = tmp_path / "home", free_port()
    home.mkdir()
    env = environment(
        home,
        PARLEY_PAGE_IDENTITY_HEADER="X-Forwarded-User",
        PARLEY_PAGE_HOSTS=f"review.{DOMAIN}",
    )
    command = (*PARLEY, "review", "serve", "--port", str(port))
    ports = {"review": port, "prefect": free_port(), "mlflow": free_port()}
    with process(command, env, home / "page.log"), proxy(PEOPLE, ports) as started:
        wait_for(lambda: answers_at_all(f"http://127.0.0.1:{port}/"), 60, "the page")
        with Browser(started) as ada:
            page = ada.sign_in("review", "ada")
            assert page.status_code == 200
            assert "<title>Parley · Review</title>" in page.text
            # Taken for the name, what is no name would be refused; servers may read _ as -.
            for header in ("X-Forwarded-User", "X_Forwarded_User", "x_forwarded-user"):
                assert ada.open("review", headers=[(header, "no name/")]).status_code == 200
            gone = ada.open("review", headers=[("Connection", "X-Forwarded-User"), *FORGED])
            assert gone.status_code == 401
            assert "(got '')" in gone.text
        with Browser(started) as other:
            told = other.sign_in("review", "spaced")
            assert told.status_code == 401
            assert "(got 'ada lovelace')" in told.text
