"""A TUF repository that lives in memory, signed with real keys, that a test bends as it likes.

Usage: change `signed[role]`, `signers[role]` or the helpers below, then publish(ROLES). What was published is
served by server.py and never changes, unless a test changes `published` itself.
"""
import copy
import hashlib
import json
import urllib.parse
from datetime import datetime, timedelta, timezone

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

TOP_ROLES = ("root", "timestamp", "snapshot", "targets")


def canonical(value):
    """OLPC canonical JSON, in bytes."""
    if value is None or isinstance(value, (bool, int)):
        return json.dumps(value).encode()
    if isinstance(value, str):
        return b'"' + value.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'
    if isinstance(value, list):
        return b"[" + b",".join(canonical(item) for item in value) + b"]"
    members = (canonical(key) + b":" + canonical(value[key]) for key in sorted(value))
    return b"{" + b",".join(members) + b"}"


def in_days(days, now=None):
    return ((now or datetime.now(timezone.utc)) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Key:
    """A private key and how metadata writes its public half."""

    def __init__(self, kind="ed25519", bits=2048, curve=None, keytype=None):
        self.kind = kind
        self.extra = {}
        self.forced_id = None
        if kind == "ed25519":
            self.private = ed25519.Ed25519PrivateKey.generate()
            scheme = "ed25519"
        elif kind == "ecdsa":
            self.private = ec.generate_private_key(curve or ec.SECP256R1())
            scheme = "ecdsa-sha2-nistp256"
        else:
            self.private = rsa.generate_private_key(65537, bits)
            scheme = "rsassa-pss-sha256"
        self.described = {"keytype": keytype or kind, "scheme": scheme, "keyval": {"public": self.public()}}

    def public(self):
        public = self.private.public_key()
        if self.kind == "ed25519":
            return public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw).hex()
        return public.public_bytes(serialization.Encoding.PEM,
                                   serialization.PublicFormat.SubjectPublicKeyInfo).decode()

    def object(self):
        return {**self.described, **self.extra}

    @property
    def id(self):
        return self.forced_id or hashlib.sha256(canonical(self.object())).hexdigest()

    def alias(self, key_id):
        """The same key under another id."""
        other = copy.copy(self)
        other.forced_id = key_id
        return other

    def sign(self, message):
        if self.kind == "ed25519":
            return self.private.sign(message).hex()
        if self.kind == "ecdsa":
            return self.private.sign(message, ec.ECDSA(hashes.SHA256())).hex()
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=hashes.SHA256.digest_size)
        return self.private.sign(message, pss, hashes.SHA256()).hex()


class Repository:
    def __init__(self, consistent=True):
        self.consistent = consistent
        self.describe_files = False  # whether snapshot and timestamp give lengths and hashes
        self.signed = {}
        self.signers = {}
        self.published = {}          # role -> list of bytes; version N at place N - 1
        self.artifacts = {}          # target path -> bytes
        self.metadata_requests = []  # (role, version or None)
        self.target_requests = []    # (target path, hash or None)
        common = {"spec_version": "1.0.33", "version": 1, "expires": in_days(30)}
        self.signed["root"] = {"_type": "root", **common, "consistent_snapshot": consistent, "keys": {}, "roles": {}}
        self.signed["timestamp"] = {"_type": "timestamp", **common, "meta": {"snapshot.json": {"version": 1}}}
        self.signed["snapshot"] = {"_type": "snapshot", **common, "meta": {}}
        self.signed["targets"] = {"_type": "targets", **common, "targets": {}}
        for role in TOP_ROLES:
            self.signed["root"]["roles"][role] = {"keyids": [], "threshold": 1}
            self.signers[role] = []
            self.add_key(role)
        self.publish("targets", "snapshot", "timestamp", "root")

    @property
    def root(self):
        return self.signed["root"]

    def role_entry(self, role, delegator=None):
        if role in TOP_ROLES:
            return self.root, self.root["roles"][role]
        delegations = self.signed[delegator]["delegations"]
        return delegations, next(entry for entry in delegations["roles"] if entry["name"] == role)

    def add_key(self, role, key=None, delegator=None, signs=True):
        key = key or Key()
        holder, entry = self.role_entry(role, delegator)
        holder["keys"][key.id] = key.object()
        entry["keyids"].append(key.id)
        if signs:
            self.signers.setdefault(role, []).append(key)
        return key

    def set_keys(self, role, keys, threshold, signers):
        entry = self.root["roles"][role]
        entry["keyids"], entry["threshold"] = [], threshold
        for key in keys:
            self.add_key(role, key, signs=False)
        self.signers[role] = list(signers)

    def rotate(self, role):
        keys = [Key()]
        self.set_keys(role, keys, 1, keys)

    def add_target(self, path, content, role="targets", algorithms=("sha256",)):
        self.artifacts[path] = content
        self.signed[role]["targets"][path] = {
            "length": len(content),
            "hashes": {name: hashlib.new(name, content).hexdigest() for name in algorithms}}

    def delegate(self, name, delegator="targets", key=None, **entry):
        """A new delegation, covering everything at one level unless told otherwise, and the role itself."""
        delegations = self.signed[delegator].setdefault("delegations", {"keys": {}, "roles": []})
        if not {"paths", "path_hash_prefixes"} & set(entry):
            entry["paths"] = ["*"]
        delegations["roles"].append(
            {"name": name, "keyids": [], "threshold": 1, "terminating": False, **entry})
        if name not in self.signed:
            self.signed[name] = {"_type": "targets", "spec_version": "1.0.33", "version": 1,
                                 "expires": in_days(30), "targets": {}}
            self.signers[name] = []
        return self.add_key(name, key, delegator)

    def document(self, role):
        signed = self.signed[role]
        signatures = [{"keyid": key.id, "sig": key.sign(canonical(signed))} for key in self.signers[role]]
        return json.dumps({"signatures": signatures, "signed": signed}, indent=1).encode()

    def publish(self, *roles, bump=True):
        """Signs the roles in this order; describes each in the one that names it. The first time the version stays."""
        for role in roles:
            if bump and role in self.published:
                self.signed[role]["version"] += 1
            text = self.document(role)
            self.published.setdefault(role, []).append(text)
            entry = {"version": self.signed[role]["version"]}
            if self.describe_files:
                entry["length"] = len(text)
                entry["hashes"] = {"sha256": hashlib.sha256(text).hexdigest()}
            if role == "snapshot":
                self.signed["timestamp"]["meta"]["snapshot.json"] = entry
            elif role not in ("root", "timestamp"):
                self.signed["snapshot"]["meta"][f"{role}.json"] = entry

    def publish_all(self):
        self.publish("targets", "snapshot", "timestamp")

    def edit_last(self, role, change):
        """Alters the newest published document of a role without signing it anew."""
        document = json.loads(self.published[role][-1])
        change(document)
        self.published[role][-1] = json.dumps(document).encode()

    def metadata(self, name):
        """What is served below the metadata address, or None."""
        if not name.endswith(".json"):
            return None
        stem = name[:-len(".json")]
        if stem != "timestamp" and (self.consistent or stem.endswith(".root")):
            version, _, quoted = stem.partition(".")
            version = int(version) if version.isdigit() else 0
        else:
            version, quoted = None, stem
        self.metadata_requests.append((quoted, version))
        documents = self.published.get(urllib.parse.unquote(quoted), [])
        if version is None:
            return documents[-1] if documents else None
        return documents[version - 1] if 0 < version <= len(documents) else None

    def target(self, name):
        folder, slash, file = urllib.parse.unquote(name).rpartition("/")
        digest = None
        if self.consistent:
            digest, _, file = file.partition(".")
        path = folder + slash + file
        self.target_requests.append((path, digest))
        return self.artifacts.get(path)
