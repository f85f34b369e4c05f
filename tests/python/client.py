"""A small device for Tributary, written from `schemas/sync-protocol.md` alone.

    client.py FOLDER enrol LINK              becomes a device; FOLDER keeps what it knows
    client.py FOLDER new KEY=VALUE…          records an interview; prints its record id
    client.py FOLDER edit RECORD KEY=VALUE…  answers again, having seen what the device shows
    client.py FOLDER sync                    pushes and pulls until nothing is left; prints what became of it
    client.py FOLDER show                    prints every record with all live values
    client.py examples PAGE                  checks the worked examples of the protocol page

VALUE is JSON with its type tag, such as '{"text": "Sokha"}'. Answers lie unprotected in FOLDER: this program shows the
protocol and is no field app.
"""

import http.client
import json
import os
import secrets
import ssl
import sys
import time
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import tributary
from tributary import Keys, Record

HEX = bytes.fromhex


class Problem(Exception):
    """A refusal of the server: an RFC 9457 document."""

    def __init__(self, document):
        super().__init__(f"{document.get('code')}: {document.get('detail')}")
        self.document = document
        self.code = document.get("code")


class Server:
    """Requests to one server, whose certificate is pinned if the link says so."""

    def __init__(self, address, certificate):
        self.parts = urlsplit(address)
        self.certificate = certificate
        self.token = None

    def connect(self):
        host, port = self.parts.hostname, self.parts.port
        if self.parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=60)
        context = ssl.create_default_context()
        if self.certificate:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, port, timeout=60, context=context)
        connection.connect()
        if self.certificate:
            shown = sha256(connection.sock.getpeercert(binary_form=True)).hexdigest()
            if shown != self.certificate:
                raise SystemExit("this is not the server of the enrolment link")
        return connection

    def request(self, method, path, body=None):
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body).encode()
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        connection = self.connect()
        try:
            connection.request(method, self.parts.path.rstrip("/") + path, body, headers)
            reply = connection.getresponse()
            data = reply.read()
        finally:
            connection.close()
        document = json.loads(data) if data else None
        if reply.status >= 400:
            raise Problem(document or {"code": "none", "detail": f"status {reply.status}"})
        return document


class Device:
    """What a device knows, in one file that is replaced whole."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "device.json")
        self.state = {}
        if os.path.exists(self.path):
            with open(self.path, encoding="utf-8") as file:
                self.state = json.load(file)

    def save(self):
        text = json.dumps(self.state, ensure_ascii=False, indent=1)
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self.path + ".new", self.path)

    # --- enrolment and proof

    def enrol(self, link):
        parts = urlsplit(link)
        asked = {name: values[0] for name, values in parse_qs(parts.fragment).items()}
        address = f"{parts.scheme}://{parts.netloc}{parts.path.removesuffix('/enrol')}"
        key = ec.generate_private_key(ec.SECP256R1())
        point = key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        # Key and instance are kept before anything is sent: a lost answer is asked for again with the same ones.
        self.state = {
            "server": address,
            "certificate": asked.get("t"),
            "root": asked["r"],
            "private_key": private.decode(),
            "public_key": point.hex(),
            "instance": secrets.token_hex(16),
        }
        self.save()
        reply = self.server().request("POST", "/api/v1/enrol", {
            "code": asked["c"],
            "public_key": point.hex(),
            "instance": self.state["instance"],
            "label": "python",
        })  # fmt: skip
        organisation = HEX(reply["organisation"]["id"])
        keys = Keys(organisation, reply["keys"], self.state["root"])
        keys.grant(HEX(reply["profile"]), reply["grant"])
        keys.head(reply["head"])
        if reply["grant"]["actor"] != reply["actor"]:
            raise SystemExit("the grant is for another actor")
        start = tributary.chain_start(organisation, reply["actor"], point).hex()
        self.state.update(
            organisation=reply["organisation"],
            user=reply["user"],
            profile=reply["profile"],
            actor=reply["actor"],
            grant=reply["grant"],
            epoch=reply["epoch"],
            keys=reply["keys"],
            forms=[package_hash(form["package"]) for form in reply["forms"]],
            packages=[form["package"] for form in reply["forms"]],
            made={"seq": 0, "hash": start},
            acked={"seq": 0, "hash": start},
            clock=[0, 0],
            queue=[],
            records={},
            names={},
            head=reply["head"],
            cursor=None,
        )
        self.save()

    def server(self):
        return Server(self.state["server"], self.state["certificate"])

    def proven(self):
        server = self.server()
        nonce = server.request("POST", "/api/v1/auth/nonce")
        private = serialization.load_pem_private_key(self.state["private_key"].encode(), None)
        jwt = tributary.assertion(private, self.state["profile"], nonce, secrets.token_hex(16))
        server.token = server.request("POST", "/api/v1/auth/device", {"assertion": jwt})["access_token"]
        return server

    # --- recording

    def record(self, record_id):
        kept = self.state["records"].get(record_id, {"values": {}, "pos": 0})
        return Record(kept["values"], kept["pos"])

    def keep(self, record_id, record):
        self.state["records"][record_id] = {"values": record.values, "pos": record.pos}

    def write(self, record_id, writes, creates):
        record = self.record(record_id)
        now, (ms, n) = int(time.time() * 1000), self.state["clock"]
        self.state["clock"] = [now, 0] if now > ms else [ms, n + 1]
        change = {
            "seq": self.state["made"]["seq"] + 1,
            "record": record_id,
            "creates": creates,
            "clock": self.state["clock"],
            "form": self.state["forms"][0],
            "epoch": self.state["epoch"],
            "seen": record.clock(),
            "writes": writes,
        }
        actor = self.state["actor"]
        item = tributary.item_hash(change, actor)
        chained = tributary.chain_next(HEX(self.state["made"]["hash"]), change["seq"], item)
        self.state["made"] = {"seq": change["seq"], "hash": chained.hex()}
        self.state["queue"].append(
            {"change": change, "after": chained.hex()}
        )
        record.apply(change, actor, change["seen"], change["clock"])
        self.keep(record_id, record)
        self.save()

    # --- syncing

    def sync(self):
        keys = Keys(HEX(self.state["organisation"]["id"]), self.state["keys"], self.state["root"])
        server = self.proven()
        report = {"results": [], "entries": {}}
        refetch = []
        while True:
            queue = self.state["queue"][:100]
            request = {
                "actor": self.state["actor"],
                "epoch": self.state["epoch"],
                "head": self.state["head"],
                "cursor": self.state["cursor"],
                "chain": self.state["made"],
                "first": self.state["acked"]["seq"] + 1,
                "before": self.state["acked"]["hash"],
                "items": [{"change": waiting["change"]} for waiting in queue],
                "leaves": [],
                "refetch": refetch[:500],
                "max_bytes": 1 << 18,
                "device_time": int(time.time() * 1000),
                "client": "tests/python",
            }
            reply = server.request("POST", "/sync/v1/exchange", request)
            taken = self.take(keys, request, reply, report)
            # What did not fit into the reply is asked for again.
            refetch = list(dict.fromkeys(taken + [r for r in refetch if r not in self.answered]))
            self.save()
            if not reply["more"] and not self.state["queue"] and not refetch:
                return report

    def take(self, keys, request, reply, report):
        keys.head(reply["head"])
        keys.receipt_of(reply["receipt"])
        receipt, made = reply["receipt"], self.state["made"]
        hashes = {self.state["acked"]["seq"]: self.state["acked"]["hash"]}
        hashes.update({w["change"]["seq"]: w["after"] for w in self.state["queue"]})
        fits = (
            receipt["actor"] == request["actor"]
            and receipt["epoch"] == reply["epoch"] == reply["head"]["epoch"] == self.state["epoch"]
            and {"seq": receipt["seq"], "hash": receipt["hash"]} == reply["acked"]
            and receipt["seq"] <= made["seq"]
            and hashes.get(receipt["seq"]) == receipt["hash"]
        )
        if not fits:
            raise SystemExit("the receipt is not for what this device made")
        self.state["acked"] = reply["acked"]
        self.state["queue"] = [w for w in self.state["queue"] if w["change"]["seq"] > receipt["seq"]]
        self.state["head"] = reply["head"]
        for result in reply["results"]:
            if "effective" in result:
                self.state["clock"] = max(self.state["clock"], result["effective"])
        report["results"] += reply["results"]
        refetch = [
            item["change"]["record"]
            for item, result in zip(request["items"], reply["results"])
            if result["status"] not in ("applied", "erased")
        ]
        self.answered = {e["state"]["record"] for e in reply["entries"] if e["kind"] == "state"}
        self.answered |= {e["record"] for e in reply["entries"] if e["kind"] == "gone"}
        for entry in reply["entries"]:
            report["entries"][entry["kind"]] = report["entries"].get(entry["kind"], 0) + 1
            self.enter(keys, entry)
        if reply.get("cursor"):
            self.state["cursor"] = reply["cursor"]
        return refetch

    def enter(self, keys, entry):
        kind = entry["kind"]
        if kind == "state":
            record = Record.from_state(entry["state"], entry["pos"])
            record_id = entry["state"]["record"]
            # What the server has not acknowledged yet is applied again.
            for waiting in self.state["queue"]:
                if waiting["change"]["record"] == record_id:
                    change = waiting["change"]
                    record.apply(change, self.state["actor"], change["seen"], change["clock"])
            self.keep(record_id, record)
        elif kind == "change":
            change, stamp = entry["stored"]["change"], entry["stored"]["stamp"]
            if change["record"] in self.state["records"]:
                record = self.record(change["record"])
                if entry["pos"] > record.pos:
                    record.apply(change, change["actor"], stamp["context"], stamp["effective"])
                    self.keep(change["record"], record)
            self.state["clock"] = max(self.state["clock"], stamp["effective"])
        elif kind in ("leave", "gone"):
            self.drop(entry["record"])
        elif kind == "scope":
            for record_id in list(self.state["records"]):
                if record_id not in entry["records"]:
                    self.drop(record_id)
        elif kind == "erased":
            keys.tombstone(entry["tombstone"])
            for record_id in list(self.state["records"]):
                if sha256(HEX(record_id)).hexdigest() == entry["tombstone"]["hash"]:
                    del self.state["records"][record_id]
        elif kind == "actor":
            self.state["names"][str(entry["actor"])] = entry["name"]
        elif kind == "keys":
            Keys(keys.organisation, entry["keys"], self.state["root"])
            self.state["keys"] = entry["keys"]

    def drop(self, record_id):
        if not any(w["change"]["record"] == record_id for w in self.state["queue"]):
            self.state["records"].pop(record_id, None)

    def show(self):
        return {record_id: self.record(record_id).shown() for record_id in self.state["records"]}


def package_hash(package):
    """The name of a form version. Packages hold text, numbers and booleans only, so sorting names is all of RFC 8785."""
    text = json.dumps(package, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


def writes_of(arguments):
    pairs = (argument.split("=", 1) for argument in arguments)
    return {key: json.loads(value) for key, value in pairs}


def main(arguments):
    if arguments[0] == "examples":
        import examples

        print(json.dumps(examples.check(arguments[1])))
        return
    folder, command, *rest = arguments
    device = Device(folder)
    out = None
    if command == "enrol":
        device.enrol(rest[0])
        out = {"actor": device.state["actor"], "user": device.state["user"], "forms": device.state["packages"]}
    elif command == "new":
        out = secrets.token_hex(16)
        device.write(out, writes_of(rest), creates=True)
    elif command == "edit":
        device.write(rest[0], writes_of(rest[1:]), creates=False)
    elif command == "sync":
        out = device.sync()
    elif command == "show":
        out = device.show()
    else:
        raise SystemExit(__doc__)
    print(json.dumps(out, ensure_ascii=False))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Problem as problem:
        print(json.dumps(problem.document, ensure_ascii=False))
        sys.exit(3)
