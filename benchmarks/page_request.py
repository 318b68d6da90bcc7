"""A request of the size that the page promises to bear, of pictures and numbers drawn by chance."""

import io
from datetime import UTC, datetime, timedelta

import numpy as np
from PIL import Image

from feedback.bundle import DatasetVersion, ModelVersion, ReviewBundle, build_bundle
from feedback.canonical import sha256_hex
from feedback.channels.concept_graph import (
    ClassEvidence,
    ConceptCard,
    EdgeEvidence,
    ExampleEvidence,
    Exemplar,
    GraphEvidence,
    LocatedConcept,
    pack_evidence,
)
from tasks.channels.concept_graph.examples import to_digits

N_CLASSES, N_CANDIDATES, N_SLOTS, N_PICTURES = 37, 100, 4, 300
N_EXAMPLES = 2 * N_CLASSES
"""As a run chooses them: of each class one image that is certain and one that is not."""


def large_request() -> tuple[ReviewBundle, dict[str, bytes]]:
    """Make a request of the size that the page promises to bear."""
    rng = np.random.default_rng(0)
    files = {f"crops/{number:03d}.png": _picture(rng) for number in range(N_PICTURES)}
    names = [f"breed_{number:02d}" for number in range(N_CLASSES)]
    pictures = list(files)

    def card(name: str, number: int) -> ConceptCard:
        shown = rng.choice(pictures, 4, replace=False)
        return ConceptCard(
            concept_id=f"{name}/k{number:02d}",
            class_name=name,
            tcav_score=0.8,
            tcav_low=0.7,
            tcav_high=0.9,
            tcav_magnitude=1.5,
            p_value=0.01,
            significant=True,
            detection_rate=float(rng.random()),
            background_share=float(rng.random()),
            n_images=20,
            popular=True,
            uniqueness=float(2 * rng.random()),
            exemplars=tuple(
                Exemplar(image=f"{file}.jpg", box=(0, 0, 48, 48), file=file) for file in shown
            ),
        )

    classes = tuple(
        ClassEvidence(
            class_name=name,
            base_cscg=sha256_hex(name.encode()),
            slots=tuple(f"{name}/k{slot:02d}" for slot in range(N_SLOTS)),
            edges=tuple(
                EdgeEvidence(src=i, dst=j, contribution=float(rng.normal()))
                for i in range(N_SLOTS)
                for j in range(N_SLOTS)
                if i != j
            ),
            candidates=tuple(card(name, number) for number in range(N_CANDIDATES)),
        )
        for name in names
    )
    evidence = GraphEvidence(
        agreement=0.91,
        l1=0.1,
        confusion=tuple(
            tuple(20 if i == j else int(rng.integers(0, 3)) for j in range(N_CLASSES))
            for i in range(N_CLASSES)
        ),
        classes=classes,
        examples=tuple(_example(rng, names, number) for number in range(N_EXAMPLES)),
    )
    files |= {one.file: _picture(rng, side=480) for one in evidence.examples}
    shown, items = pack_evidence(evidence, {name: float(rng.random()) for name in names})
    now = datetime.now(UTC)
    bundle = build_bundle(
        channel="concept_graph",
        model=ModelVersion(name="benchmark", digest="d" * 64),
        dataset=DatasetVersion(md5="0" * 32 + ".dir", classes=tuple(names)),
        items=items,
        evidence=shown,
        files=files,
        created_at=now,
        deadline=now + timedelta(days=2),
    )
    return bundle, files


def _example(rng: np.random.Generator, names: list[str], number: int) -> ExampleEvidence:
    """Make an image in which every concept of every class was looked for."""
    true = names[number % N_CLASSES]
    concepts = tuple(
        LocatedConcept(
            class_name=name,
            slot=slot,
            present=bool(rng.random() < 0.3),
            position=(float(rng.random()), float(rng.random())),
            contributions=_numbers(rng, N_CLASSES),
        )
        for name in names
        for slot in range(N_SLOTS)
    )
    return ExampleEvidence(
        image=f"{true}/{number:03d}.jpg",
        file=f"examples/{number:02d}.png",
        true_class=true,
        predicted_class=names[int(rng.integers(N_CLASSES))],
        reasoner_class=names[int(rng.integers(N_CLASSES))],
        logits=_numbers(rng, N_CLASSES),
        concepts=concepts,
        deletion=tuple(
            float(rng.normal()) if one.class_name == true and one.present else None
            for one in concepts
        ),
    )


def _numbers(rng: np.random.Generator, count: int) -> tuple[float, ...]:
    return to_digits(rng.normal(size=count).tolist())


def _picture(rng: np.random.Generator, side: int = 96) -> bytes:
    coarse = rng.integers(0, 255, (6, 6, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC).save(buffer, "PNG")
    return buffer.getvalue()
