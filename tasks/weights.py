"""Reading published weights into a network, strictly by name.

Only safetensors files and checkpoints readable with ``weights_only`` are opened, so that no file
can run code.
"""

import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Final

from feedback.errors import WeightsError
from models.params import ClassifierParams

if TYPE_CHECKING:
    from torch import Tensor

    from models.classifier import Classifier

_logger = logging.getLogger(__name__)

_KINDS: Final = ("imagenet", "caffe_bgr", "symmetric")
_N_SHOWN: Final = 5

# The original Caffe release calls the last convolution differently from torchvision.
_SQUEEZENET_RENAMED: Final = {
    "classifier.weight": "classifier.1.weight",
    "classifier.bias": "classifier.1.bias",
}


def load_weights(model: "Classifier", path: str | Path) -> None:
    """Load a checkpoint into a network, strictly by name and shape, as float32.

    A last layer of another number of classes keeps its random weights, which the log says;
    everything else must fit. A network that was built with ``preprocess: auto`` takes over the
    input normalisation of the weights.

    Args:
        model: Network to fill, on any device.
        path: A ``.safetensors`` file, or a checkpoint of tensors written by ``torch.save``.

    Raises:
        WeightsError: If the file is missing or unreadable, or does not fit; nothing is changed
            then.
    """
    tensors, metadata = _read(Path(path))
    state = _torchvision_names(tensors)
    expected = model.state_dict()
    _check_arch(model, metadata, path)
    replaced = _replaced_head(model.classifier_name, state, expected)
    for name in replaced:
        state[name] = expected[name]
    # Counters that torchvision's oldest checkpoints lack and no forward pass reads.
    for name in expected.keys() - state.keys():
        if name.endswith("num_batches_tracked"):
            state[name] = expected[name]
    problems = _differences(state, expected)
    if problems:
        shown = "; ".join(problems[:_N_SHOWN])
        more = f"; and {len(problems) - _N_SHOWN} more" if len(problems) > _N_SHOWN else ""
        raise WeightsError(
            f"expected weights of {model.arch} at width {model.width:g} in {path} "
            f"(got {shown}{more}); set classifier.arch and classifier.width to those of the file"
        )
    model.load_state_dict({n: v.float() if v.is_floating_point() else v for n, v in state.items()})
    if model.preprocess_asked == "auto":
        model.preprocess = _preprocess_of(tensors, metadata)
    if replaced:
        _logger.info("the last layer starts from random weights: it has another number of classes")


def check_weights(params: ClassifierParams, n_classes: int) -> None:
    """Make sure that the network can be built and its initial weights fit, without keeping either.

    Args:
        params: Architecture, layers and weights; None of them always fits.
        n_classes: Classes that the network tells apart.

    Raises:
        ParamsError: If a layer does not exist.
        WeightsError: If the weights are missing, unreadable or of another shape.
    """
    from models.classifier import build_classifier

    network = build_classifier(params, n_classes, seed=0)
    if params.weights is not None:
        load_weights(network, params.weights)


def weights_digest(path: str | Path | None) -> str:
    """Return the sha256 of a file of weights, empty for none.

    Raises:
        WeightsError: If the file cannot be read.
    """
    if path is None:
        return ""
    digest = hashlib.sha256()
    try:
        with Path(path).open("rb") as stream:
            while block := stream.read(2**20):
                digest.update(block)
    except OSError as error:
        raise WeightsError(
            f"expected a file of weights at {path} (got: {error.strerror}); "
            "check classifier.weights"
        ) from error
    return digest.hexdigest()


def resolve_preprocess(params: ClassifierParams) -> ClassifierParams:
    """Replace ``preprocess: auto`` by what the weights expect.

    A safetensors file says so in its metadata (``preprocess``); without, a SqueezeNet with the
    Caffe release's names expects ``caffe_bgr``, and everything else, random weights included,
    ``imagenet``.

    Args:
        params: Parameters of a classifier.

    Returns:
        The same parameters with a definite ``preprocess``.

    Raises:
        WeightsError: If the weights cannot be read.
    """
    if params.preprocess != "auto":
        return params
    kind = "imagenet" if params.weights is None else _preprocess_of(*_read(Path(params.weights)))
    return params.model_copy(update={"preprocess": kind})


def _read(path: Path) -> tuple[dict[str, "Tensor"], dict[str, str]]:
    """Return the tensors and the metadata of a checkpoint."""
    import torch
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise WeightsError(f"expected a file of weights (got {path}); check classifier.weights")
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, "pt") as file:
                return {n: file.get_tensor(n) for n in file.keys()}, file.metadata() or {}  # noqa: SIM118
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise WeightsError(
            f"expected safetensors or a checkpoint of plain tensors in {path} "
            f"(got {reason}); convert it to safetensors"
        ) from error
    if isinstance(content, Mapping) and isinstance(content.get("state_dict"), Mapping):
        content = content["state_dict"]
    is_plain = isinstance(content, Mapping) and all(
        isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in content.items()
    )
    if not is_plain:
        raise WeightsError(
            f"expected a state dict of named tensors in {path} (got something else); "
            "save model.state_dict() as safetensors"
        )
    return dict(content), {}


def _torchvision_names(tensors: Mapping[str, "Tensor"]) -> dict[str, "Tensor"]:
    if not _is_caffe_squeezenet(tensors):
        return dict(tensors)
    return {_SQUEEZENET_RENAMED.get(name, name): value for name, value in tensors.items()}


def _is_caffe_squeezenet(tensors: Mapping[str, "Tensor"]) -> bool:
    return "classifier.weight" in tensors and "features.3.squeeze.weight" in tensors


def _preprocess_of(tensors: Mapping[str, "Tensor"], metadata: Mapping[str, str]) -> str:
    kind = metadata.get("preprocess")
    if kind in _KINDS:
        return kind
    return "caffe_bgr" if _is_caffe_squeezenet(tensors) else "imagenet"


def _check_arch(model: "Classifier", metadata: Mapping[str, str], path: str | Path) -> None:
    arch = metadata.get("arch", model.arch)
    if arch != model.arch:
        raise WeightsError(
            f"expected weights of {model.arch} (got {arch} in {path}); "
            f"set classifier.arch to {arch}"
        )


def _replaced_head(
    layer: str, state: Mapping[str, "Tensor"], expected: Mapping[str, "Tensor"]
) -> list[str]:
    """Name the last layer's entries if they differ in the number of classes and nothing else."""
    names = [f"{layer}.weight", f"{layer}.bias"]
    if any(name not in state for name in names):
        return []
    same_inputs = all(state[name].shape[1:] == expected[name].shape[1:] for name in names)
    same_classes = all(state[name].shape == expected[name].shape for name in names)
    return names if same_inputs and not same_classes else []


def _differences(state: Mapping[str, "Tensor"], expected: Mapping[str, "Tensor"]) -> list[str]:
    """Describe every entry that is missing, unknown or of another shape, missing ones first."""
    missing = [f"no {name}" for name in expected if name not in state]
    shapes = [
        f"{name} of shape {tuple(state[name].shape)}, not {tuple(expected[name].shape)}"
        for name in expected
        if name in state and state[name].shape != expected[name].shape
    ]
    unknown = [f"an unknown {name}" for name in state if name not in expected]
    return missing + shapes + unknown
