"""In what arithmetic networks compute: bfloat16 where the device has it and the result stands it.

Training runs its forward passes in it, with weights, losses and the optimiser in float32. Outside
of training it is for whole forward passes on a GPU alone, such as logits and concept features:
on a CPU results keep the bits that they had. Gradients of the head, Grad-CAM, blanking, attribution
and all statistics are float32 everywhere, for they are differences of numbers that are close.
"""

from collections.abc import Callable
from functools import partial
from typing import Final, Literal

import torch

Precision = Literal["auto", "float32", "bfloat16"]

FLOAT32: Final = 1e-2
"""How far a GPU's float32 results may be from the CPU's, as a share of the largest of a tensor:
convolutions there round what they multiply to ten bits (TF32), and sums have another order."""
BFLOAT16: Final = 3e-2
"""The same where a GPU computes in bfloat16. Measured by that arithmetic on a CPU, two trained
networks: logits 0.005, features 0.009."""
GRADIENTS: Final = 1e-1
"""The same for a tensor of gradients as a whole, by its norm: a unit at its threshold switches.
Measured as above 0.005 and 0.011; 0.06 for a toy network of a few units in TF32."""
LEARNED: Final = 5e-2
"""The same for what a network or reasoner says that learned for a few steps; weights themselves may
drift apart where a gradient is about 0."""
DECISIONS: Final = 2e-2
"""Share of decisions that may fall otherwise, being ties: class of an image, segment of a concept,
cell inside the gate. Measured as above: 0.006, 0.007 and 0.003."""


def training_precision(device: torch.device, precision: str) -> Callable[[], torch.autocast]:
    """Return the factory of the context in which a network that learns computes its logits.

    ``auto`` takes bfloat16 on devices that multiply it in hardware. Measured with AVX-512 BF16 at
    128 pixels, a training step takes 0.49 (ResNet-18 of half width), 0.56 (full width) and 0.61
    (SqueezeNet) of float32's time.

    Args:
        device: Where the network is.
        precision: ``auto``, ``float32`` or ``bfloat16``.
    """
    if device.type == "cuda":
        has_hardware = torch.cuda.is_bf16_supported()
    else:
        # Absent from older releases of torch, which then compute in float32.
        capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
        has_hardware = any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
    enabled = precision == "bfloat16" or (precision == "auto" and has_hardware)
    return partial(torch.autocast, device.type, dtype=torch.bfloat16, enabled=enabled)


def forward_precision(device: torch.device, precision: str) -> torch.autocast:
    """Return the context of a forward pass outside of training: bfloat16 on a GPU that has it.

    Args:
        device: Where the network is.
        precision: ``auto`` or ``bfloat16`` allow it, ``float32`` does not.
    """
    enabled = device.type == "cuda" and precision != "float32" and torch.cuda.is_bf16_supported()
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=enabled)
