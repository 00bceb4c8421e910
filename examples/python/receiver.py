"""A shop that receives Tollgate's events: proves each delivery genuine, takes each event once, ships an order once.

Needs Python 3.9 or newer, and only if the secret is whpk_… (ed25519) a package, `cryptography`. Any WSGI server runs
`app`. Never answers 2xx before its own commit.
"""
import base64
import hashlib
import hmac
import json
import os
import re
import sqlite3
import time
from contextlib import closing, suppress
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server

STORE = os.environ.get("STORE", "shop.db")
TOLERANCE_SECONDS = 300
BODY_BYTES_MAX = 1_000_000
SCHEMA = """
  CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY NOT NULL);
  CREATE TABLE IF NOT EXISTS orders (channel TEXT NOT NULL, order_no TEXT NOT NULL, sequence INTEGER NOT NULL,
    state TEXT NOT NULL, PRIMARY KEY (channel, order_no));
  CREATE TABLE IF NOT EXISTS shipments (channel TEXT NOT NULL, order_no TEXT NOT NULL, PRIMARY KEY (channel, order_no));
  CREATE TABLE IF NOT EXISTS notes (channel TEXT NOT NULL, order_no TEXT NOT NULL, note TEXT NOT NULL,
    PRIMARY KEY (channel, order_no, note));
"""


def verifier_of(secret):
    """The version of the signatures that the secret is for, and the check of one."""
    kind, _, text = secret.partition("_")
    key = base64.b64decode(text)
    if kind == "whsec" and len(key) >= 24:
        return "v1", lambda signed, sig: hmac.compare_digest(hmac.new(key, signed, hashlib.sha256).digest(), sig)
    if kind == "whpk" and len(key) == 32:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        def fits(signed, sig):
            with suppress(InvalidSignature):
                return Ed25519PublicKey.from_public_bytes(key).verify(sig, signed) is None

        return "v1a", fits
    raise SystemExit("Set TOLLGATE_SECRET to the whsec_… or whpk_… of the origin.")


# Several, separated by spaces, while one takes another's place.
VERIFIERS = [verifier_of(secret) for secret in os.environ.get("TOLLGATE_SECRET", "").split() or [""]]


def is_genuine(event_id, timestamp, signatures, body):
    """https://www.standardwebhooks.com: one of the signatures fits {id}.{timestamp}.{body}, bytes as they came."""
    is_time = re.fullmatch(r"[0-9]{1,12}", timestamp)
    if not event_id or not is_time or abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    signed = f"{event_id}.{timestamp}.".encode() + body
    for version, _, text in (part.partition(",") for part in signatures.split(" ")):
        with suppress(ValueError):  # no base64
            signature = base64.b64decode(text)
            if any(version == wanted and fits(signed, signature) for wanted, fits in VERIFIERS):
                return True
    return False


def take(event_id, event):
    """One transaction: that the event is known, and all that it changes."""
    with closing(sqlite3.connect(STORE, timeout=3, isolation_level=None)) as db, db:  # the second `db` commits
        db.execute("BEGIN IMMEDIATE")
        data, order = event["data"], event["data"]["order"]
        key = (data["channel"], order["orderNo"])

        def note(text):
            db.execute("INSERT OR IGNORE INTO notes VALUES (?, ?, ?)", (*key, text))

        if db.execute("INSERT OR IGNORE INTO events VALUES (?)", (event_id,)).rowcount == 0:
            return "seen before"
        known = db.execute("SELECT sequence FROM orders WHERE channel = ? AND order_no = ?", key).fetchone()
        if known and data["sequence"] < known[0]:
            note(f"late {event['type']}")  # for a person: what came after it knew more
            return "older than what is known"
        db.execute("REPLACE INTO orders VALUES (?, ?, ?, ?)", (*key, data["sequence"], order["state"]))
        for flag in order["flags"]:
            note(flag)
        if event["type"] != "payment.succeeded":
            return "noted"
        # Nobody told the gateway the price of an order that was not registered: a person compares it.
        if not order["amountChecked"] or order["state"] != "paid":
            note("not shipped")
            return "not shipped"
        # Only written down here, and sent by what reads this table: a transaction cannot take a parcel back.
        db.execute("INSERT OR IGNORE INTO shipments VALUES (?, ?)", key)
        return "ship"


def app(request, start_response):
    status = "404 Not Found"
    if request["REQUEST_METHOD"] == "POST" and request["PATH_INFO"] == "/hooks/tollgate":
        length = min(int(request.get("CONTENT_LENGTH") or 0), BODY_BYTES_MAX)
        body = request["wsgi.input"].read(max(length, 0))  # what is cut off is not genuine
        event_id, *proof = (request.get(f"HTTP_WEBHOOK_{name}", "") for name in ("ID", "TIMESTAMP", "SIGNATURE"))
        status = "400 Bad Request"
        if is_genuine(event_id, *proof, body):
            print(event_id, take(event_id, json.loads(body)), flush=True)  # what it raises is answered with 500
            status = "204 No Content"
    start_response(status, [])
    return []


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


if __name__ == "__main__":
    with closing(sqlite3.connect(STORE)) as store:
        store.executescript(SCHEMA)
    make_server("127.0.0.1", int(os.environ.get("PORT", "3000")), app, server_class=Server).serve_forever()
