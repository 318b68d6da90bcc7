"""What every channel must do, whatever it is about."""

import importlib
import inspect

import pytest
from pydantic import BaseModel, ValidationError

from feedback.channel import load_feedback_channel
from flows.channel import FUNCTIONS, Channel, available_channels, load_channel, missing_parts
from flows.params import channel_params_class, load_params

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
