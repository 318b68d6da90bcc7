"""A store with enrolled people, a page, a published request, and answers by them."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from feedback.bundle import ReviewBundle
from feedback.document import FeedbackDocument, parse_document
from feedback.layout import upload_key
from feedback.policy import Policy
from feedback.publishing import publish
from feedback.reviewers import ReviewerKey, ReviewerRecord, enrol
from feedback.signing import SigningKey, generate_key, sign_document
from feedback.upload import SignedDocument
from feedback.watching import WatchReport, watch_once
from tests.feedback.memory import MemoryStore
from tests.review_request import FILES, NOW, make_answer, make_bundle

ROLES = {"ada": ("domain",), "bob": ("ml",), "cyd": ("lead",), "dan": (), "eve": ("domain", "ml")}
PAIR = Policy.model_validate(
    {
        "name": "pair",
        "roles": {"domain": {}, "ml": {"signatures": ["own"]}},
        "deadline_hours": 72,
        "reminders": [24],
        "escalation": [{"hours_before": 12, "to": ["lead"]}],
    }
)


@dataclass
class Office:
    """One store, its clock, its people and their keys."""

    bundle: ReviewBundle = field(default_factory=lambda: make_bundle(author="eve"))
    now: datetime = NOW
    keys: dict[str, SigningKey] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = MemoryStore(lambda: self.now)
        publish(self.store, self.bundle, FILES)
        for name, roles in ROLES.items():
            self.enrol(name, roles)
        self.enrol("page", (), kind="page")

    def enrol(self, name: str, roles: tuple[str, ...], kind: str = "person") -> None:
        key = self.keys.setdefault(name, generate_key())
        record = ReviewerRecord.model_validate(
            {
                "id": name,
                "kind": kind,
                "roles": roles,
                "keys": [
                    ReviewerKey(key_id=key.key_id, public_key=key.public_key, enrolled_at=NOW)
                ],
                "enrolled_by": "root",
                "enrolled_at": NOW,
            }
        )
        enrol(self.store, record)

    def document(self, reviewer: str, nonce: str, **changes: object) -> FeedbackDocument:
        values: dict[str, object] = {
            "reviewer": reviewer,
            "nonce": nonce,
            "created_at": self.now.isoformat(),
        }
        return parse_document(make_answer(self.bundle, **{**values, **changes}))

    def signed(
        self, reviewer: str, nonce: str, *, by: str | None = None, page: bool = False,
        late: float = 0.0, **changes: object,
    ) -> bytes:  # fmt: skip
        """Return an answer signed by its reviewer, by another one, or by the page."""
        document = self.document(reviewer, nonce, **changes)
        signature = sign_document(
            document,
            self.keys["page" if page else by or reviewer],
            signed_at=self.now - timedelta(seconds=late),
            attested_by="page" if page else None,
        )
        return SignedDocument(document=document, signature=signature).to_json()

    def upload(self, reviewer: str, nonce: str, data: bytes | None = None) -> str:
        key = upload_key(self.bundle.request_id, reviewer, nonce)
        self.store.put(key, self.signed(reviewer, nonce) if data is None else data)
        return key


def step(office: Office, policy: Policy = PAIR, store: MemoryStore | None = None) -> WatchReport:
    """Let a watcher look once at the office's store, or at another one."""
    return watch_once(store or office.store, policy, office.now)
