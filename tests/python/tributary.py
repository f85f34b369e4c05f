"""The sync protocol of Tributary as `schemas/sync-protocol.md` describes it: bytes, hashes, signatures, merging.

Written from that page alone, so that it shows whether the page is enough. No I/O here; `client.py` talks to a server.
"""

import base64
import hashlib
import json

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256

# --- canonical bytes ---------------------------------------------------------------------------------------------


def cbor(value):
    """Deterministic CBOR of integers, bytes, text, lists, booleans and None."""

    def head(major, n):
        for extra, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
            if n < 24:
                return bytes([major << 5 | n])
            if n < 1 << (8 * size):
                return bytes([major << 5 | extra]) + n.to_bytes(size, "big")
        raise ValueError("too large")

    if value is None:
        return b"\xf6"
    if value is True:
        return b"\xf5"
    if value is False:
        return b"\xf4"
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        text = value.encode()
        return head(3, len(text)) + text
    return head(4, len(value)) + b"".join(cbor(item) for item in value)


def key_parts(key):
    """A key as its CBOR array; the arrays also sort in canonical order."""
    first, *rest = key.split(".")
    if first == "m":
        name = ["status", "assignee", "deleted", "comment"].index(rest[0])
        return [3, name] + [bytes.fromhex(part) for part in rest[1:]]
    if first[0] == "f":
        return [0, int(first[1:])]
    if first[0] == "g":
        group, row = int(first[1:]), bytes.fromhex(rest[0])
        return [2, group, row] if rest[1] == "row" else [1, group, row, int(rest[1][1:])]
    padded = rest[0] + "=" * (-len(rest[0]) % 4)
    return [int(first[1:]), base64.urlsafe_b64decode(padded)]


TAGS = [
    "null", "bool", "int", "decimal", "text", "code", "codes", "date", "time", "datetime", "geo", "attachment", None,
    "row", "deleted",
]  # fmt: skip


def value_parts(value):
    """A value as its CBOR array."""
    ((name, content),) = value.items()
    if name not in TAGS:
        return [int(name[1:]), base64.b64decode(content)]
    tag = TAGS.index(name)
    if name == "null":
        return [tag]
    if name == "geo":
        return [tag, *content]
    if name == "attachment":
        return [tag, bytes.fromhex(content["sha256"]), content["size"], content["type"]]
    if name == "row":
        parent, _, order = content.rpartition("/")
        return [tag, bytes.fromhex(parent) if parent else None, order]
    return [tag, content]


def canonical(change, actor):
    """The canonical bytes of a changeset in its JSON form."""
    seen = sorted([int(a), n] for a, n in change.get("seen", {}).items())
    writes = sorted([key_parts(k), value_parts(v)] for k, v in change["writes"].items())
    decisions = sorted(
        [key_parts(d["key"]), sorted(d["dots"]), d["reason"]] for d in change.get("decisions", [])
    )
    origin = change.get("origin")
    extensions = change.get("extensions", {})
    return cbor([
        bytes.fromhex(change["record"]),
        actor,
        change["seq"],
        change["clock"],
        bytes.fromhex(change["form"]),
        change.get("creates", False),
        bytes.fromhex(change["epoch"]),
        seen,
        writes,
        decisions,
        origin and [[origin["actor"], origin["seq"]], bytes.fromhex(origin["hash"])],
        sorted([int(name[1:]), base64.b64decode(b)] for name, b in extensions.items()),
    ])


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def item_hash(change, actor):
    return sha256(b"tributary-item-v1", canonical(change, actor))


def chain_start(organisation, actor, device_key):
    return sha256(b"tributary-chain-v1", organisation, actor.to_bytes(4, "big"), device_key)


def chain_next(before, seq, item):
    return sha256(before, seq.to_bytes(8, "big"), item)


# --- signatures --------------------------------------------------------------------------------------------------


def public_key(point):
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)


def signed_by(point, message, signature):
    """Whether the key at `point` made the ES256 signature `signature` (hexadecimal r ‖ s)."""
    raw = bytes.fromhex(signature)
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    try:
        public_key(point).verify(encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))
        return True
    except InvalidSignature:
        return False


def sign(private_key, message):
    r, s = decode_dss_signature(private_key.sign(message, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def key_message(organisation, purpose, key):
    return b"tributary-key-v1" + cbor([organisation, ["receipt", "inbox"].index(purpose), key])


def head_message(organisation, head):
    return b"tributary-head-v1" + cbor([
        organisation, bytes.fromhex(head["epoch"]), head["opened"], head["pos"], bytes.fromhex(head["hash"]),
        head["copied"],
    ])  # fmt: skip


def receipt_message(organisation, receipt):
    return b"tributary-receipt-v1" + cbor([
        organisation, receipt["actor"], receipt["seq"], bytes.fromhex(receipt["hash"]),
        bytes.fromhex(receipt["epoch"]), receipt["copied"], receipt["copied_seq"], receipt["attachments"],
    ])  # fmt: skip


def grant_message(organisation, profile, grant):
    return b"tributary-grant-v1" + cbor([
        organisation, profile, grant["actor"], bytes.fromhex(grant["epoch"]),
    ])  # fmt: skip


def tombstone_message(organisation, tombstone):
    return b"tributary-erased-v1" + cbor([organisation, bytes.fromhex(tombstone["hash"])])


class Keys:
    """The keys of an organisation, believed because the pinned root key vouches for them."""

    def __init__(self, organisation, keys, root_fingerprint):
        root = bytes.fromhex(keys["root"])
        if hashlib.sha256(root).hexdigest() != root_fingerprint:
            raise ValueError("the root key is not the one that was pinned")
        self.organisation = organisation
        self.receipt = []
        for signed in [keys["receipt"], keys["inbox"], *keys.get("earlier", [])]:
            point = bytes.fromhex(signed["key"])
            message = key_message(organisation, signed["purpose"], point)
            if not signed_by(root, message, signed["sig"]):
                raise ValueError("the root key does not vouch for a key")
            if signed["purpose"] == "receipt":
                self.receipt.append(point)

    def check(self, what, message, signature):
        if not any(signed_by(key, message, signature) for key in self.receipt):
            raise ValueError(f"the {what} is not signed by the organisation")

    def head(self, head):
        self.check("head", head_message(self.organisation, head), head["sig"])

    def receipt_of(self, receipt):
        self.check("receipt", receipt_message(self.organisation, receipt), receipt["sig"])

    def grant(self, profile, grant):
        self.check("grant", grant_message(self.organisation, profile, grant), grant["sig"])

    def tombstone(self, tombstone):
        self.check("tombstone", tombstone_message(self.organisation, tombstone), tombstone["sig"])


# --- proof of the device -----------------------------------------------------------------------------------------


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def assertion(private_key, profile, nonce, jti):
    """The JWT by which a device proves itself, for the answer to `POST /api/v1/auth/nonce`."""
    header = {"alg": "ES256", "typ": "client-authentication+jwt"}
    issued = nonce["issued_at"]
    claims = {
        "iss": profile, "sub": profile, "aud": nonce["audience"], "jti": jti, "nonce": nonce["nonce"],
        "iat": issued, "exp": issued + nonce["expires_in"],
    }  # fmt: skip
    signed = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    return f"{signed}.{base64url(sign(private_key, signed.encode()))}"


# --- merging -----------------------------------------------------------------------------------------------------


def before(a, b):
    """Whether clock `a` is wholly known to clock `b`, and `b` knows more."""
    return a != b and all(b.get(actor, 0) >= n for actor, n in a.items())


def join(clocks):
    out = {}
    for clock in clocks:
        for actor, n in clock.items():
            out[actor] = max(out.get(actor, 0), n)
    return out


class Record:
    """A merged record: for each key the live values, each with the dot and clock of its changeset."""

    def __init__(self, values=None, pos=0):
        self.values = values or {}
        self.pos = pos

    @classmethod
    def from_state(cls, state, pos):
        owners = state["changes"]
        values = {}
        for key, live in state["values"].items():
            values[key] = [
                {
                    "dot": [owners[i]["actor"], owners[i]["seq"]],
                    "clock": owners[i]["clock"],
                    "rank": [*owners[i]["effective"], owners[i]["actor"], owners[i]["seq"]],
                    "value": value,
                }
                for i, value in live
            ]
        return cls(values, pos)

    def apply(self, change, actor, context, effective):
        """Merges one changeset: a value goes when a write of its key has seen it."""
        dot = [actor, change["seq"]]
        clock = join([context, {str(actor): change["seq"]}])
        for key, value in change["writes"].items():
            live = self.values.setdefault(key, [])
            if any(v["dot"] == dot for v in live):
                continue
            if any(before(clock, v["clock"]) for v in live):
                continue
            live[:] = [v for v in live if not before(v["clock"], clock)]
            live.append({"dot": dot, "clock": clock, "rank": [*effective, *dot], "value": value})
            live.sort(key=lambda v: v["dot"])

    def clock(self):
        """What somebody has seen who sees all of it: the context of a save."""
        return join(v["clock"] for live in self.values.values() for v in live)

    def shown(self):
        """For each key the different live values, the winner first: more than one is a conflict."""
        out = {}
        for key, live in sorted(self.values.items()):
            values = []
            for entry in sorted(live, key=lambda v: v["rank"], reverse=True):
                if entry["value"] not in values:
                    values.append(entry["value"])
            out[key] = values
        return out
