"""The schemas that people and other programs rely on, and documents written by earlier versions."""

import json
from pathlib import Path

import pytest
from pydantic import BaseModel

from feedback.audit import AuditEntry
from feedback.bundle import ReviewBundle
from feedback.channel import load_feedback_channel
from feedback.channels.concept_graph import GraphEdit, GraphEvidence
from feedback.channels.saliency_grid import CellMarks, SaliencyEvidence
from feedback.decision import Decision
from feedback.document import FeedbackDocument, parse_document, read_responses
from feedback.intake import IntakeReceipt
from feedback.notices import Notice
from feedback.policy import Policy
from feedback.previews import Preview, PreviewRequest
from feedback.receipts import Receipt
from feedback.rejections import Rejection
from feedback.reviewers import ReviewerRecord
from feedback.upload import SignedDocument

HERE = Path(__file__).parent
MODELS: dict[str, type[BaseModel]] = {
    "bundle": ReviewBundle,
    "document": FeedbackDocument,
    "decision": Decision,
    "rejection": Rejection,
    "signed_document": SignedDocument,
    "reviewer": ReviewerRecord,
    "receipt": Receipt,
    "notice": Notice,
    "policy": Policy,
    "audit_entry": AuditEntry,
    "preview": Preview,
    "preview_request": PreviewRequest,
    "intake_receipt": IntakeReceipt,
    "concept_graph_evidence": GraphEvidence,
    "concept_graph_response": GraphEdit,
    "saliency_grid_evidence": SaliencyEvidence,
    "saliency_grid_response": CellMarks,
}


def write_schema(model: type[BaseModel]) -> str:
    return json.dumps(model.model_json_schema(), indent=2, sort_keys=True) + "\n"


@pytest.mark.parametrize("name", MODELS)
def test_the_schema_is_the_one_that_was_promised(name: str) -> None:
    # A change here is a change for every reviewer's tool: raise schema_version when it is not
    # purely additive, then write the files anew with `python tests/contract/test_schemas.py`.
    promised = (HERE / "schemas" / f"{name}.json").read_text(encoding="utf-8")
    assert write_schema(MODELS[name]) == promised


@pytest.mark.parametrize("path", sorted((HERE / "v1").glob("*.json")), ids=lambda path: path.stem)
def test_documents_of_version_1_are_still_read(path: Path) -> None:
    document = parse_document(path.read_bytes())
    assert document.schema_version == 1
    read_responses(document.responses, load_feedback_channel(document.channel).RESPONSE)


if __name__ == "__main__":
    (HERE / "schemas").mkdir(exist_ok=True)
    for name, model in MODELS.items():
        (HERE / "schemas" / f"{name}.json").write_text(write_schema(model), encoding="utf-8")
