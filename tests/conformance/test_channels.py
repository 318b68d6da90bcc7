"""What every channel must do, whatever it is about."""

import importlib
import inspect

import pytest
from pydantic import BaseModel, ValidationError

from feedback.channel import load_feedback_channel
from feedback.errors import MalformedDocumentError
from flows.channel import FUNCTIONS, Channel, available_channels, load_channel, missing_parts
from flows.params import channel_params_class, load_params
from review.actions import ItemAction, Look, read_action
from review.draft import ItemDraft, empty_draft, read_draft
from review.panel import Panel, available_panels, load_panel
from review.viewing import View, read_view

pytestmark = pytest.mark.parametrize("name", available_channels())


def test_it_is_complete(name):
    assert missing_parts(name) == ()


def test_its_functions_take_what_the_flow_gives_them(name):
    channel = load_channel(name)
    for function in FUNCTIONS:
        expected = list(inspect.signature(getattr(Channel, function)).parameters)[1:]
        found = inspect.signature(getattr(channel, function))
        assert list(found.parameters) == expected
        assert (
            found.return_annotation
            == inspect.signature(getattr(Channel, function)).return_annotation
        )


def test_its_parameters_have_defaults_descriptions_and_no_unknown_names(name):
    params = channel_params_class(name)
    assert load_params(None, (f"channel={name}",)).of_channel() == params()
    with pytest.raises(ValidationError):
        params(no_such_parameter=1)

    def described(model: type[BaseModel]) -> None:
        for field_name, field in model.model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
                described(field.annotation)
            else:
                assert field.description, f"{model.__name__}.{field_name}"

    described(params)


def test_its_documents_are_checked_without_heavy_libraries(name):
    module = importlib.import_module(f"feedback.channels.{name}")
    assert load_feedback_channel(name) is module


def test_its_page_is_complete_and_takes_what_the_page_around_it_gives(name):
    assert name in available_panels()
    panel = load_panel(name)
    for part, wanted in inspect.getmembers(Panel, inspect.isfunction):
        if not part.startswith("_"):
            expected = list(inspect.signature(wanted).parameters)[1:]
            assert list(inspect.signature(getattr(panel, part)).parameters) == expected, part
    for part, base in (("DRAFT", ItemDraft), ("VIEW", View), ("LOOK", Look)):
        assert issubclass(getattr(panel, part), base)
    assert all(issubclass(action, ItemAction) for action in panel.ACTIONS)


def test_its_drafts_and_messages_are_its_own(name):
    panel = load_panel(name)
    nothing = panel.DRAFT()
    assert (nothing.n_edits, nothing.speaks, nothing.mark) == (0, False, "")
    digest = "a" * 64
    said = {"item": nothing.model_copy(update={"comment": "seen"})}
    draft = empty_draft(panel.DRAFT, digest).model_copy(update={"items": said})
    assert read_draft(draft.model_dump(mode="json"), panel.DRAFT, digest) == draft
    assert read_view(panel.VIEW(item="item").model_dump(mode="json"), panel.VIEW).item == "item"
    for message in ({"kind": "undo"}, {"kind": "look"}, {"kind": "reset", "item": "item"}):
        assert read_action(message, panel.LOOK, panel.ACTIONS).kind == message["kind"]
    for message in ({"kind": "promote"}, {"kind": "look", "elsewhere": 1}):
        with pytest.raises(MalformedDocumentError):
            read_action(message, panel.LOOK, panel.ACTIONS)
