"""Uploads that must all be refused: drawn by a seeded generator, one kind of attack at a time."""

import json
from collections.abc import Callable
from random import Random

from feedback.document import FeedbackDocument
from feedback.layout import upload_key
from feedback.signing import generate_key, sign_document
from feedback.upload import SignedDocument
from tests.feedback.people import Office
from tests.review_request import CUT, make_bundle, make_edit

Upload = tuple[str, bytes]
"""Key and bytes."""

ODD_TEXTS = (
    "\u202eevorppa", "a\u0000b", "\u2066x\u2069", "a\u0007", "\u0430da", "ada\u200b", "ＡＤＡ",
    "../../ada", "ada/../bob", "ada\\bob", ".ada", "", " ", "a" * 81, "ada\n", "%2e%2e%2f",
    "ada\u0301", "$(id)",
    "<script>alert(1)</script>", "{{ 7*7 }}", "'; drop table", "\U0001f600", "con", "ada@ö",
)  # fmt: skip
ODD_NAMES = (
    "stray.json", "ada/short.json", "ada/deep/nonce-00001.json", "a b/nonce-00001.json",
    "ada/nonce-00001.json.exe", "ada/nonce-00001.JSON", "träger/nonce-00001.json",
    "ada%2F..%2Fbob/nonce-00001.json", "ada/nonce-00001.json ", "ada/%2e%2e/nonce-00001.json",
    "\u202eada/nonce-00001.json", "ada~/nonce-00001.json", "-/nonce-00001.json", "--/x.json",
    "ada/nonce-00001", "ada/no nonce.json", "ada/nonce-00001.json.json", "*/nonce-00001.json",
)  # fmt: skip
ODD_NUMBERS = ("NaN", "Infinity", "-Infinity", "1e999", "-0", "1" * 41, "1" * 5000, "0x1", "01")
ODD_VALUES: tuple[object, ...] = (
    None, True, 0, -1, 1.5, 10**30, "", "1", [], {}, [[]], {"$ref": "#"}, ["approve"],
    {"__prefect_kind": "jinja", "template": "{{ x }}"}, "approve ", "APPROVE", "__proto__",
)  # fmt: skip


class Attacker:
    """Somebody who can write every inbox and holds an enrolled key without a role."""

    def __init__(self, office: Office, seed: int) -> None:
        self.office, self.random = office, Random(seed)
        office.keys.setdefault("stranger", generate_key())
        office.keys.setdefault("mallory", generate_key())
        office.enrol("mallory", ())
        self.request = office.bundle.request_id
        self.other = make_bundle(author="eve", round=7)
        self._numbers = iter(range(10**9))
        self._attacks: tuple[Callable[[], Upload], ...] = (
            self.any_bytes, self.any_json, self.wrong_type, self.missing_field, self.unknown_field,
            self.huge, self.deep, self.odd_number, self.twice_the_same_key, self.odd_text,
            self.odd_encoding, self.odd_name, self.replayed, self.old, self.from_the_future,
            self.resigned, self.anothers_prefix, self.flipped, self.other_evidence,
            self.impossible_edit, self.unsigned, self.pages_word, self.torn_envelope,
            self.no_role, self.unknown_request, self.swapped_signature,
        )  # fmt: skip

    def draw(self) -> Upload:
        return self.random.choice(self._attacks)()

    # ---- what attacks are made of ----

    def nonce(self) -> str:
        return f"bad-{next(self._numbers):08d}"

    def key(self, reviewer: str, nonce: str) -> str:
        return upload_key(self.request, reviewer, nonce)

    def reviewer(self) -> str:
        return self.random.choice(("ada", "bob", "cyd", "eve"))

    def good(self, **changes: object) -> tuple[str, str, bytes]:
        """An answer that would be taken as it is (bob's key is good for his role)."""
        nonce = self.nonce()
        return "bob", nonce, self.office.signed("bob", nonce, **changes)  # type: ignore[arg-type]

    def parsed(self) -> tuple[str, str, dict[str, dict[str, object]]]:
        reviewer, nonce, data = self.good()
        return reviewer, nonce, json.loads(data)

    def put(self, reviewer: str, nonce: str, value: object) -> Upload:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        return self.key(reviewer, nonce), data

    def anything(self, depth: int = 0) -> object:
        choice = self.random.randrange(8 if depth < 4 else 5)
        if choice < 3:
            return self.random.choice(ODD_VALUES)
        if choice == 3:
            return self.random.choice(ODD_TEXTS)
        if choice == 4:
            return self.random.uniform(-1e9, 1e9)
        children = [self.anything(depth + 1) for _ in range(self.random.randrange(4))]
        if choice < 7:
            return children
        fields = (*FeedbackDocument.model_fields, "signature", "document", "x")
        return {self.random.choice(fields): child for child in children}

    # ---- attacks ----

    def any_bytes(self) -> Upload:
        return self.put(self.reviewer(), self.nonce(), self.random.randbytes(
            self.random.randrange(400)))  # fmt: skip

    def any_json(self) -> Upload:
        return self.put(self.reviewer(), self.nonce(), self.anything())

    def wrong_type(self) -> Upload:
        reviewer, nonce, value = self.parsed()
        part = self.random.choice((value, value["document"], value["signature"]))
        name = self.random.choice(list(part))
        before = part[name]
        odd = [v for v in ODD_VALUES if v != before and not (before == [] and v in ([], ()))]
        # None is what these fields are already.
        part[name] = self.random.choice([v for v in odd if v is not None or before is not None])
        if name == "seconds_spent" and part[name] in (0, 1.5):
            part[name] = -1
        return self.put(reviewer, nonce, value)

    def missing_field(self) -> Upload:
        reviewer, nonce, value = self.parsed()
        part = self.random.choice((value["document"], value["signature"]))
        optional = {"schema_version": 0, "comment": 0, "responses": 0, "seconds_spent": 0,
                    "algorithm": 0, "attested_by": 0, "identity": 0}  # fmt: skip
        del part[self.random.choice([name for name in part if name not in optional])]
        return self.put(reviewer, nonce, value)

    def unknown_field(self) -> Upload:
        reviewer, nonce, value = self.parsed()
        part = self.random.choice((value, value["document"], value["signature"]))
        part[self.random.choice(("x", "role", "seats", "state", "__class__", "from_"))] = {}
        return self.put(reviewer, nonce, value)

    def huge(self) -> Upload:
        reviewer, nonce, value = self.parsed()
        value["document"]["comment"] = "x" * self.random.choice((4001, 262_144, 400_000))
        return self.put(reviewer, nonce, value)

    def deep(self) -> Upload:
        levels = self.random.choice((18, 100, 20_000))
        opening, closing = self.random.choice((("[", "]"), ('{"a":', "}")))
        reviewer, nonce, value = self.parsed()
        value["document"]["responses"] = "@"  # type: ignore[assignment]
        text = json.dumps(value).replace('"@"', opening * levels + "1" + closing * levels)
        return self.put(reviewer, nonce, text.encode())

    def odd_number(self) -> Upload:
        reviewer, nonce, value = self.parsed()
        value["document"]["seconds_spent"] = "@"
        number = self.random.choice(ODD_NUMBERS)
        return self.put(reviewer, nonce, json.dumps(value).replace('"@"', number).encode())

    def twice_the_same_key(self) -> Upload:
        reviewer, nonce, data = self.good(verdict="reject")
        pair = self.random.choice(
            (b'"verdict":"approve","verdict":"reject"', b'"verdict":"reject","verdict":"reject"')
        )
        return self.put(reviewer, nonce, data.replace(b'"verdict":"reject"', pair))

    def odd_text(self) -> Upload:
        reviewer, nonce, value = self.parsed()
        document = value["document"]
        if self.random.random() < 0.3:
            document["comment"] = self.random.choice(("\u202e", "\x00", "\x1b[2J", "\u2069"))
        else:
            name = self.random.choice(("request_id", "reviewer", "nonce", "channel", "verdict"))
            document[name] = self.random.choice(ODD_TEXTS)
        return self.put(reviewer, nonce, value)

    def odd_encoding(self) -> Upload:
        reviewer, nonce, data = self.good()
        text = data.decode()
        return self.put(reviewer, nonce, self.random.choice((
            b"\xef\xbb\xbf" + data, text.encode("utf-16"), text.encode("utf-32"), data + b"\x00",
            data.replace(b'"comment":""', b'"comment":"\\ud800"'), data + data, data[:-1],
            data.replace(b'"comment":""', b'"comment":"\xff"'),
            data.replace(b'"comment":""', b'"comment":"\xc0\xaf"'),
        )))  # fmt: skip

    def odd_name(self) -> Upload:
        name = self.random.choice(ODD_NAMES).replace("nonce-00001", self.nonce())
        return f"inbox/{self.request}/{name}", self.good()[2]

    def replayed(self) -> Upload:
        """A good answer under another name, in another prefix, or on another request."""
        reviewer, nonce, data = self.good()
        return self.random.choice((
            (self.key(reviewer, self.nonce()), data),
            (self.key("ada", nonce), data),
            (upload_key(self.other.request_id, reviewer, nonce), data),
        ))  # fmt: skip

    def old(self) -> Upload:
        nonce = self.nonce()
        return self.put("bob", nonce, self.office.signed("bob", nonce, late=86_401 + 1e6))

    def from_the_future(self) -> Upload:
        nonce = self.nonce()
        return self.put("bob", nonce, self.office.signed("bob", nonce, late=-self.random.uniform(
            301, 1e8)))  # fmt: skip

    def resigned(self) -> Upload:
        reviewer, nonce = self.reviewer(), self.nonce()
        thief = self.random.choice(("mallory", "stranger", "page"))
        return self.put(reviewer, nonce, self.office.signed(reviewer, nonce, by=thief))

    def anothers_prefix(self) -> Upload:
        nonce = self.nonce()
        name = self.random.choice(("mallory", "bob"))
        return self.put("ada", nonce, self.office.signed(name, nonce))

    def flipped(self) -> Upload:
        reviewer, nonce, data = self.good()
        changed = bytearray(data)
        changed[self.random.randrange(len(changed))] ^= 1 << self.random.randrange(8)
        return self.put(reviewer, nonce, bytes(changed))

    def other_evidence(self) -> Upload:
        change = self.random.choice((
            {"bundle_sha256": "0" * 64}, {"bundle_sha256": self.other.digest},
            {"request_id": self.other.request_id}, {"channel": "saliency_grid"},
        ))  # fmt: skip
        reviewer, nonce, data = self.good(**change)
        return self.put(reviewer, nonce, data)

    def impossible_edit(self) -> Upload:
        edit = make_edit(CUT)
        changes: tuple[dict[str, object], ...] = (
            {"responses": [{**edit, "class_name": "sub"}]}, {"responses": [edit, edit]},
            {"responses": [{**edit, "base_cscg": "f" * 64}]}, {"responses": [{}]},
            {"responses": [make_edit({**CUT, "src": 9})]},
            {"responses": [make_edit(CUT, CUT)]}, {"responses": [make_edit(*[CUT] * 65)]},
            {"responses": [edit], "verdict": "reject"}, {"responses": [{"type": "mask"}]},
            {"responses": [make_edit({**CUT, "op": "eval"})]},
        )  # fmt: skip
        reviewer, nonce, data = self.good(**self.random.choice(changes))
        return self.put(reviewer, nonce, data)

    def unsigned(self) -> Upload:
        reviewer, nonce = self.reviewer(), self.nonce()
        return self.put(reviewer, nonce, self.office.document(reviewer, nonce).to_json())

    def pages_word(self) -> Upload:
        """The page for a role that does not take its word, or claims to be a page."""
        nonce = self.nonce()
        if self.random.random() < 0.5:
            return self.put("bob", nonce, self.office.signed("bob", nonce, page=True))
        document = self.office.document("ada", nonce)
        signature = sign_document(
            document, self.office.keys["mallory"], signed_at=self.office.now,
            attested_by=self.random.choice(("mallory", "page", "nobody")),
        )  # fmt: skip
        return self.put("ada", nonce, SignedDocument(document=document, signature=signature)
                        .to_json())  # fmt: skip

    def torn_envelope(self) -> Upload:
        reviewer, nonce, value = self.parsed()
        document, signature = value["document"], value["signature"]
        return self.put(reviewer, nonce, self.random.choice((
            {"document": document, "signature": signature}, {**document, "signature": signature},
            {**value, "signature": None}, {**value, "signature": [signature]},
            {**value, "document": json.dumps(document)}, {**value, "document": value},
            {**value, "schema_version": 2}, {**value, "schema_version": True},
            [value], {"document": document}, {**value, **document}, {**value, "document": {}},
        )))  # fmt: skip

    def no_role(self) -> Upload:
        nonce = self.nonce()
        name = self.random.choice(("mallory", "dan", "cyd", "page", "stranger"))
        return self.put(name, nonce, self.office.signed(name, nonce))

    def unknown_request(self) -> Upload:
        reviewer, nonce, data = self.good()
        place = self.random.choice(("none", "r 1", "träger", "x" * 100, "--", "a/b/c", "~"))
        return f"inbox/{place}/{reviewer}/{nonce}.json", data

    def swapped_signature(self) -> Upload:
        reviewer, nonce, value = self.parsed()
        _, _, other = self.parsed()
        return self.put(reviewer, nonce, {**value, "signature": other["signature"]})
