"""The review page: a Dash application over one store, served on one machine or behind a proxy."""

import logging

from dash import Dash, dcc, html

from feedback.objects import ObjectStore
from review.callbacks import register
from review.desk import Desk
from review.guard import guard
from review.packing import pack_answers
from review.panel import available_panels, load_panel
from review.parts import place
from review.pictures import picture_routes
from review.settings import PageSettings

logger = logging.getLogger(__name__)


def create_app(store: ObjectStore, settings: PageSettings) -> Dash:
    """Make the page.

    Args:
        store: Where requests lie and answers go.
        settings: How it is served.

    Returns:
        The application; ``app.server`` is the WSGI application for a production server.

    Raises:
        IncompleteChannelError: If a channel's panel lacks a part.
    """
    desk = Desk(store, settings.policy)
    app = Dash(
        __name__,
        title="Parley · Review",
        update_title="",
        suppress_callback_exceptions=True,
        add_log_handler=False,
        enable_mcp=False,
        meta_tags=[{"name": "color-scheme", "content": "light dark"}],
        index_string=_INDEX,
    )
    app.layout = html.Div(
        [
            dcc.Location(id="address"),
            dcc.Store(id="action"),
            dcc.Store(id="heard"),
            html.A("Skip to the content", href="#content", className="skip"),
            html.Div(
                [
                    dcc.Link("Parley", href="/", className="brand"),
                    html.Span(className="spring"),
                    html.Button(
                        "Shortcuts",
                        type="button",
                        className="plain",
                        id="help",
                        **{
                            "data-open": "help-dialog",
                            "data-key": "?",
                            "aria-label": "Keyboard shortcuts",
                        },
                    ),
                ],
                className="topbar",
            ),
            html.Div(id="page"),
            place("page-notice", id="notice", role="alert", className="notice"),
            html.Dialog(
                [
                    html.H2("Shortcuts", id="help-title"),
                    html.Dl(id="shortcuts", className="shortcuts"),
                    html.Button("Close", type="button", **{"data-close": "help-dialog"}),
                ],
                id="help-dialog",
                className="dialog",
                **{"aria-labelledby": "help-title"},
            ),
        ],
        className="app",
    )
    register(app, desk, settings)
    for name in available_panels():
        load_panel(name).register(app, desk)
    app.server.register_blueprint(picture_routes(desk))
    pack_answers(app.server)
    guard(app.server, settings, list(app.csp_hashes()))
    return app


def serve(store: ObjectStore, settings: PageSettings) -> None:
    """Serve the page until the process is stopped.

    Args:
        store: Where requests lie and answers go.
        settings: How it is served.
    """
    from werkzeug.serving import make_server

    app = create_app(store, settings)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = make_server(settings.host, settings.port, app.server, threaded=True)
    try:
        server.serve_forever()
    finally:
        server.server_close()


_INDEX = """<!DOCTYPE html>
<html lang="en">
    <head>
        {%metas%}
        <title>{%title%}</title>
        {%favicon%}
        {%css%}
    </head>
    <body>
        {%app_entry%}
        <footer>
            {%config%}
            {%scripts%}
            {%renderer%}
        </footer>
    </body>
</html>"""
