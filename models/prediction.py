"""What a network says about whole sets of images, outside of training.

B images · N classes.
"""

import torch
from torch import Tensor
from torch.nn import functional

from models.classifier import Classifier, evaluating
from models.imageset import ImageSet
from models.precision import forward_precision
from models.preprocessing import to_float


def predict_logits(
    model: Classifier, images: Tensor, batch_size: int = 64, *, precision: str = "float32"
) -> Tensor:
    """Run images through a network in evaluation mode, on the network's device.

    Args:
        model: The network; its mode is restored.
        images: Pixels (B, 3, H, W), uint8.
        batch_size: Images per forward pass.
        precision: ``auto`` or ``bfloat16`` let a GPU compute in bfloat16; what is subtracted from
            other logits wants ``float32``.

    Returns:
        Logits (B, N), float32, on the CPU.
    """
    device = next(model.parameters()).device
    logits = torch.empty(len(images), model.n_classes)
    with evaluating(model), torch.no_grad():
        for start in range(0, len(images), batch_size):
            batch = to_float(images[start : start + batch_size].to(device))
            batch = batch.contiguous(memory_format=torch.channels_last)
            with forward_precision(device, precision):
                found = model(batch).logits
            logits[start : start + len(batch)] = found.float().cpu()
    return logits


def evaluate_classifier(
    model: Classifier, data: ImageSet, batch_size: int = 64
) -> dict[str, float]:
    """Measure a network on labelled images.

    Args:
        model: The network.
        data: Labelled images.
        batch_size: Images per forward pass.

    Returns:
        ``accuracy``, the mean over the classes present of the share of their images that is
        classified correctly, and ``validation_loss``, the mean cross-entropy per image.
    """
    logits = predict_logits(model, data.images, batch_size)
    correct = (logits.argmax(1) == data.labels).float()
    per_class = [correct[data.labels == c].mean() for c in torch.unique(data.labels)]
    return {
        "accuracy": float(torch.stack(per_class).mean()),
        "validation_loss": float(functional.cross_entropy(logits, data.labels)),
    }
