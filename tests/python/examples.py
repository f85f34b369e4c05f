"""Checks the worked examples of the protocol page with this client's own arithmetic."""

import json

import tributary
from client import package_hash
from tributary import Keys, Record


def blocks(page):
    """Every fenced block: its kind, its attributes, its text."""
    found, lines = [], None
    with open(page, encoding="utf-8") as file:
        for line in file:
            if line.startswith("```"):
                if lines is not None:
                    found.append((kind, attributes, "".join(lines)))
                    lines = None
                    continue
                _, kind, *rest = line[3:].split()
                attributes = dict(part.split("=", 1) for part in rest)
                lines = []
            elif lines is not None:
                lines.append(line)
    return found


def expect(stated, computed, what):
    if stated != computed:
        raise SystemExit(f"{what}: the page says\n{stated}\nand this client computes\n{computed}")


def check(page):
    """Returns how many things were compared."""
    found = blocks(page)
    compared = 0

    def one(kind, **attributes):
        ((_, _, text),) = [b for b in found if b[0] == kind and b[1].items() >= attributes.items()]
        return text

    changes = {a["name"]: json.loads(text) for kind, a, text in found if kind == "changeset"}
    for name, change in changes.items():
        actor = change["actor"]
        stated = "".join(one("cbor", of=name).split())
        expect(stated, tributary.canonical(change, actor).hex(), f"canonical bytes of {name}")
        stated = one("item-hash", of=name).strip()
        expect(stated, tributary.item_hash(change, actor).hex(), f"item hash of {name}")
        compared += 2

    chain = json.loads(one("chain"))
    actor = chain["actor"]
    link = tributary.chain_start(
        bytes.fromhex(chain["organisation"]), actor, bytes.fromhex(chain["device_key"])
    )
    expect(chain["start"], link.hex(), "h0")
    for (name, change), stated in zip(changes.items(), chain["after"]):
        link = tributary.chain_next(link, change["seq"], tributary.item_hash(change, actor))
        expect(stated, link.hex(), f"h after {name}")
        compared += 1

    merge = json.loads(one("merge"))
    expected = Record.from_state(merge["record"], 0)
    for turn in range(len(merge["changes"])):
        record = Record()
        for stored in merge["changes"][turn:] + merge["changes"][:turn]:
            change, stamp = stored["change"], stored["stamp"]
            record.apply(change, change["actor"], stamp["context"], stamp["effective"])
        expect(expected.values, record.values, "the merged record")
        compared += 1

    enrolled = json.loads(one("enrol-reply"))
    organisation = bytes.fromhex(enrolled["organisation"]["id"])
    root = tributary.sha256(bytes.fromhex(enrolled["keys"]["root"])).hex()
    keys = Keys(organisation, enrolled["keys"], root)
    keys.grant(bytes.fromhex(enrolled["profile"]), enrolled["grant"])
    expect(one("form-hash").strip(), package_hash(enrolled["forms"][0]["package"]), "the form version")
    reply = json.loads(one("exchange-reply"))
    keys.head(reply["head"])
    keys.receipt_of(reply["receipt"])
    for kind, _, text in found:
        entry = json.loads(text) if kind == "entry" else {}
        if entry.get("kind") == "erased":
            keys.tombstone(entry["tombstone"])
            compared += 1
    return compared + 7
