"""A request as one file to read without a server: what the page shows, and a way to answer it.

It lies beside the bundle's pictures, as ``parley review show --files`` writes them. Its script is
its own and knows the network as little as the rest: it writes the answer into a file, which
``parley review sign`` and ``parley review submit`` take from there.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from urllib.parse import quote

from dash import html
from dash.development.base_component import Component

from feedback.fields import JsonObject
from review.draft import ItemDraft
from review.following_view import follow_name, proposal_lines, said_before
from review.offline.choices import whole
from review.offline.markup import OWN, Writer
from review.parts import fact, plural
from review.pictures import picture_url
from review.pieces import Ready
from review.shown import AnyShown
from review.since_view import since_view

PAGE = "index.html"
"""Name of the page in its folder."""

TEMPLATE = "answer-template.json"
"""Name of the answer to fill in by hand, beside it."""


def offline_page(shown: AnyShown, template: Mapping[str, object]) -> bytes:
    """Write a request as a page that stands alone.

    Args:
        shown: The request.
        template: An answer without edits, as JSON, that quotes what is shown.

    Returns:
        The page. Its pictures are the files of the bundle, by their names, beside it.
    """
    places = {item: f"{OWN}item-{number}" for number, item in enumerate(shown.titles)}
    pictures = {picture_url(shown, name): quote(name) for name in shown.bundle.files}
    writer = Writer(lambda url: pictures.get(url), places)
    body = writer.write(
        html.Div(
            [
                _head(shown, places),
                _overview(shown),
                *(_item(shown, item, place) for item, place in places.items()),
                _answer(shown, template),
            ],
            className="offline",
            **{"data-channel": shown.bundle.channel},
        )
    )
    style, script = f"{_sheets(shown)}\n{writer.rules}", _own("answer.js")
    policy = (
        f"default-src 'none'; img-src 'self' file:; style-src '{_digest(style)}'; "
        f"script-src '{_digest(script)}'; base-uri 'none'; form-action 'none'"
    )
    title = escape(f"Review of {shown.bundle.model.name}")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n{body}\n"
        f"<script>{script}</script>\n</body>\n</html>\n"
    ).encode()


def _head(shown: AnyShown, places: Mapping[str, str]) -> Component:
    bundle, words = shown.bundle, shown.panel.WORDS
    deadline = f"answer by {bundle.deadline:%d %B %Y, %H:%M %Z}" if bundle.deadline else ""
    told = [
        follow_name(bundle.follows.number).capitalize() if bundle.follows else "",
        f"asked by {bundle.author}" if bundle.author else "",
        f"{bundle.created_at:%d %B %Y}",
        deadline,
        plural(len(bundle.items), words.item),
    ]
    links = [html.Li(html.A(shown.titles[item], href=f"#{at}")) for item, at in places.items()]
    return html.Header(
        [
            html.H1(f"Review of {bundle.model.name}"),
            html.P(" · ".join(filter(None, told)), className="lead"),
            html.P(
                "A frozen copy to read without a network. Where the request stands by now, and who "
                "has answered, is not in it.",
                className="quiet",
            ),
            html.Nav(
                html.Ul(
                    [*links, html.Li(html.A("Your answer", href=f"#{OWN}answer"))],
                    className="contents",
                )
            ),
        ]
    )


def _overview(shown: AnyShown) -> Component:
    bundle, own = shown.bundle, shown.panel.overview(shown)
    version = f"version {bundle.model.version}" if bundle.model.version else "not registered yet"
    facts = [
        *own.facts,
        fact("Model", bundle.model.name, note=version),
        fact("Dataset", bundle.dataset.md5[:8], note=f"{bundle.dataset.n_train:,} train"),
        fact("Round", str(bundle.round)),
    ]
    return html.Div(
        [
            html.Section([html.H2("Overview"), html.Dl(facts, className="facts")]),
            html.P(bundle.notes, className="notes") if bundle.notes else "",
            *said_before(shown, None),
            html.Section([html.H3("Since the champion"), *since_view(shown, own.earlier)]),
            *own.sections,
            *own.appendix,
        ],
        className="overview",
    )


def _item(shown: AnyShown, item: str, place: str) -> Component:
    return html.Article(
        [*_proposed(shown, item), shown.panel.printed(shown, item)],
        id=place,
        **{
            "data-item": item,
            "data-told": shown.titles[item],
            "data-answer": json.dumps(
                _response(shown, item, shown.panel.DRAFT()), ensure_ascii=False
            ),
        },
    )


def _proposed(shown: AnyShown, item: str) -> list[Component]:
    """Offer what the request before proposes of an item, taken over at first, as a draft has it."""
    proposal = shown.proposals.get(item)
    if proposal is None:
        return []
    title = shown.titles[item]
    return [
        html.Section(
            [
                html.P(html.Strong(f"Proposed of {title} from the request before")),
                proposal_lines(shown, item),
                whole(item, _response(shown, item, proposal), f"As proposed for {title}"),
                html.P(
                    "While this is ticked it is what you answer here, and your own choices and "
                    "remark below are switched off. Take the tick off to choose yourself, or to "
                    "say nothing.",
                    className="quiet",
                ),
            ],
            className="said",
        )
    ]


def _response(shown: AnyShown, item: str, said: ItemDraft) -> JsonObject:
    response = shown.panel.response_of(item, said, shown.evidence)
    dumped: JsonObject = response.model_dump(mode="json", by_alias=True)
    return dumped


def _answer(shown: AnyShown, template: Mapping[str, object]) -> Component:
    request_id = shown.bundle.request_id
    fixed = ("schema_version", "request_id", "bundle_sha256", "channel")
    frame = json.dumps({name: template[name] for name in fixed})
    commands = (
        f"parley review sign answer.json --key KEY --out signed.json\n"
        f"parley review submit {request_id} signed.json --bundle manifest.json"
    )
    return html.Section(
        [
            html.H2("Your answer", id=f"{OWN}answer"),
            Ready([["form", {"id": f"{OWN}form", "hidden": True, "data-answer": frame,
                             "className": "said"}, _fields(shown)]]),
            html.P(
                "Where signatures are asked for, sign it with your key, which needs no network. "
                "Then hand it in from where the store can be reached; it is checked first."
            ),
            html.Pre(commands),
            html.Details(
                [
                    html.Summary(f"The answer to fill in by hand, as in {TEMPLATE}"),
                    html.Pre(json.dumps(template, indent=2, ensure_ascii=False)),
                ],
                className="closed",
            ),
        ]
    )  # fmt: skip


def _fields(shown: AnyShown) -> list[object]:
    chosen = "proposed or chosen" if shown.proposals else "chosen"
    verdicts = (("approve", f"Approve, with the edits {chosen} above if there are any"),
                ("request_changes", "Request changes"), ("reject", "Reject"))  # fmt: skip
    ticks = [
        ["label", {"className": "tick"}, [
            ["input", {"type": "radio", "name": "verdict", "value": value}, []],
            ["span", {}, [told]],
        ]]
        for value, told in verdicts
    ]  # fmt: skip
    return [
        ["label", {"className": "field"}, [
            ["span", {}, ["Your name, as you are enrolled"]],
            ["input", {"type": "text", "name": "reviewer", "maxLength": "80"}, []],
        ]],
        ["fieldset", {}, [["legend", {}, ["Verdict"]], *ticks]],
        ["label", {"className": "field"}, [
            ["span", {}, ["Comment"]],
            ["textarea", {"name": "comment", "rows": "3", "maxLength": "4000"}, []],
        ]],
        ["div", {"className": "send"}, [
            ["button", {"type": "button", "className": "primary", "id": f"{OWN}save"},
             ["Save answer.json"]],
            ["span", {"id": f"{OWN}told", "role": "status"}, []],
        ]],
    ]  # fmt: skip


def _sheets(shown: AnyShown) -> str:
    """Join the style sheets of the page and of the channel with the one for paper."""
    assets = files("review").joinpath("assets")
    folders = [assets, assets.joinpath(shown.bundle.channel)]
    sheets = [
        entry.read_text(encoding="utf-8")
        for folder in folders
        if folder.is_dir()
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".css")
    ]
    return "\n".join([*sheets, _own("offline.css")])


def _own(name: str) -> str:
    return files("review.offline").joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
