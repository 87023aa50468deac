"""Thresholds, rotation of keys, kinds of keys."""
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from client import TufTest
from repository import Key, Repository

KEYS = [Key() for _ in range(10)]


def some(numbers):
    return [KEYS[number] for number in numbers]


# (keys, threshold, signers) of each root; the last one is believed or not.
ROOT_CHAINS = {
    "one key replaced": ([([1], 1, [1]), ([2], 1, [1, 2]), ([2], 1, [2])], True),
    "strangers sign, too": ([([1], 1, [3, 1, 4]), ([2], 1, [3, 2, 1, 4]), ([2], 1, [3, 2, 4])], True),
    "any three of five": ([([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 2, 3, 4], 3, [0, 4, 1]),
                           ([0, 1, 2, 3, 4], 3, [1, 2, 3])], True),
    "one of five replaced": ([([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 3, 4, 5], 3, [0, 4, 1])], True),
    "all five replaced": ([([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([5, 6, 7, 8, 9], 3, [0, 2, 4, 5, 6, 7]),
                           ([5, 6, 7, 8, 9], 3, [5, 6, 7])], True),
    "threshold up": ([([1, 2, 3], 1, [1]), ([1, 2, 3], 2, [1, 2])], True),
    "threshold down": ([([1, 2, 3], 2, [1, 2]), ([1, 2, 3], 1, [1, 2]), ([1, 2, 3], 1, [1])], True),
    "not by the old key": ([([1], 1, [1]), ([2], 1, [2, 3, 4])], False),
    "not by the new key": ([([1], 1, [1]), ([2], 1, [1, 3, 4])], False),
    "not by three new keys": ([([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 3, 4, 5], 3, [0, 2, 4])], False),
    "not by three old keys": ([([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 3, 4, 5], 3, [0, 4, 5])], False),
    "new threshold not reached": ([([1, 2, 3], 1, [1]), ([1, 2, 3], 2, [2])], False),
    "old threshold not reached": ([([1, 2, 3], 2, [1, 2]), ([1, 2, 3], 1, [1])], False),
}

ROLE_CASES = {
    "replaced": ([2], 1, [2], True),
    "strangers sign, too": ([1], 1, [3, 1, 4], True),
    "three of five": ([0, 1, 2, 3, 4], 3, [4, 2, 0], True),
    "not by the new key": ([2], 1, [1, 3, 4], False),
    "two of three and a stranger": ([0, 1, 3, 4, 5], 3, [0, 2, 4], False),
    "two of three": ([0, 1, 3, 4, 5], 3, [0, 4], False),
    "more than there are keys": ([0, 1], 3, [0, 1], False),
    "nobody may sign": ([], 1, [0], False),
}


class Rotation(TufTest):
    def test_of_the_root(self):
        for name, (chain, good) in ROOT_CHAINS.items():
            with self.subTest(name):
                repository = Repository()
                repository.published["root"].clear()
                repository.root["version"] = 0
                for keys, threshold, signers in chain:
                    repository.set_keys("root", some(keys), threshold, some(signers))
                    repository.publish("root")
                self.start(repository)
                self.assertEqual(self.refresh(), 0 if good else 1, self.said)
                last = repository.published["root"][-1 if good else -2]
                self.assertEqual((self.metadata_dir / "root.json").read_bytes(), last)

    def test_of_each_other_role(self):
        for role in ("timestamp", "snapshot", "targets"):
            for name, (keys, threshold, signers, good) in ROLE_CASES.items():
                with self.subTest(f"{role}: {name}"):
                    self.start(Repository())
                    self.accepted()
                    self.repository.set_keys(role, some(keys), threshold, some(signers))
                    self.repository.publish("root", "targets", "snapshot", "timestamp")
                    self.assertEqual(self.refresh(), 0 if good else 1, self.said)
                    self.assertEqual(self.trusted()["root"], 2)
                    self.assertEqual(self.trusted().get(role, 0) == 2, good)

    def test_what_the_old_keys_signed_no_longer_counts(self):
        self.accepted()
        for role in ("snapshot", "targets"):
            self.repository.rotate(role)
            self.repository.publish("root", "timestamp")
            self.refused("signed by 0")  # nothing new was published for that role
            self.repository.publish("targets", "snapshot", "timestamp")
            self.accepted()

    def test_many_steps_at_once(self):
        for _ in range(20):
            before = list(self.repository.signers["root"])
            self.repository.rotate("root")
            self.repository.signers["root"] += before
            self.repository.publish("root")
            self.repository.signers["root"] = self.repository.signers["root"][:1]
        self.accepted()
        self.assertEqual(self.trusted()["root"], 21)


class Counting(TufTest):
    def publish_with_root(self):
        self.repository.publish("root", "targets", "snapshot", "timestamp")

    def test_keys_and_not_ids(self):
        key = Key()
        aliases = [key.alias(name) for name in ("one", "two", "three")]
        self.repository.set_keys("snapshot", aliases, 2, aliases)
        self.publish_with_root()
        self.refused("signed by 1 of the 2")

    def test_spelling_makes_no_new_key(self):
        for kind, keytypes in (("ecdsa", ("ecdsa", "ecdsa-sha2-nistp256")), ("rsa", ("rsa", "rsa"))):
            with self.subTest(kind):
                self.start(Repository())
                key = Key(kind)
                twin = key.alias("twin")
                text = key.public()
                twin.described = {**key.described, "keytype": keytypes[1],
                                  "keyval": {"public": "a comment\n" + text.replace("\n", "\r\n")}}
                if kind == "ecdsa":
                    point = key.private.public_key()
                    x = point.public_numbers().x.to_bytes(32, "big")
                    parity = bytes([2 + point.public_numbers().y % 2])
                    head = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
                    twin.described["keyval"]["public"] = pem(head + parity + x)
                self.repository.set_keys("snapshot", [key, twin], 2, [key, twin])
                self.publish_with_root()
                self.refused("signed by 1 of the 2")

    def test_ids_are_names_and_need_not_be_hashes(self):
        key = Key().alias("the key of \u00fcs all")
        self.repository.set_keys("targets", [key], 1, [key])
        self.publish_with_root()
        self.accepted()

    def test_one_id_may_name_other_keys_elsewhere(self):
        self.repository.set_keys("targets", [Key().alias("x")], 1, [])
        self.repository.signers["targets"] = [Key().alias("x")]
        self.publish_with_root()
        self.refused("targets.json: signed by 0")

    def test_ids_listed_twice(self):
        entry = self.repository.root["roles"]["snapshot"]
        entry["keyids"] *= 3
        entry["threshold"] = 2
        self.publish_with_root()
        self.refused("listed twice")
        self.assertNotIn("snapshot", self.trusted())

    def test_two_signatures_of_one_id(self):
        self.repository.edit_last("snapshot", lambda document: document["signatures"].append(
            document["signatures"][0]))
        self.refused("two signatures with one key id")
        self.assertNotIn("snapshot", self.trusted())

    def test_a_bad_signature_beside_a_good_one_does_no_harm(self):
        spare = self.repository.signers["timestamp"][0]
        self.repository.add_key("timestamp")
        self.repository.publish("root")
        for bad in (spare.sign(b"else"), "", "00", "not hex", spare.sign(b"else").upper(), "ab" * 4000):
            self.repository.publish("timestamp")

            def spoil(document, sig=bad):
                next(s for s in document["signatures"] if s["keyid"] == spare.id)["sig"] = sig
            self.repository.edit_last("timestamp", spoil)
            self.accepted()

    def test_a_threshold_that_is_none(self):
        for threshold in (0, -1, "1", None, 1 << 63):
            self.start(Repository())
            self.repository.root["roles"]["targets"]["threshold"] = threshold
            self.repository.publish("root")
            self.refused("2.root.json")
            self.expect_trusted(root=1)


def pem(der):
    import base64
    body = base64.encodebytes(der).decode().replace("\n", "")
    lines = "\n".join(body[at:at + 64] for at in range(0, len(body), 64))
    return f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n"


class Kinds(TufTest):
    def test_every_kind_of_the_specification(self):
        for kind, keytype in (("ed25519", None), ("ecdsa", None), ("ecdsa", "ecdsa-sha2-nistp256"), ("rsa", None)):
            with self.subTest(f"{kind} {keytype}"):
                self.start(Repository())
                key = self.repository.add_key("root", Key(kind, keytype=keytype))
                self.repository.root["roles"]["root"]["threshold"] = 2
                self.repository.publish("root")
                self.accepted()
                self.repository.publish("root")
                self.assertEqual(self.trusted()["root"], 2)
                wrong = key.sign(b"something else")

                def spoil(document):
                    next(s for s in document["signatures"] if s["keyid"] == key.id)["sig"] = wrong
                self.repository.edit_last("root", spoil)
                self.refused("signed by 1 of the 2")
                self.assertEqual(self.trusted()["root"], 2)

    def test_signatures_of_another_length(self):
        for kind in ("ed25519", "ecdsa", "rsa"):
            for change in (lambda sig: sig[:-2], lambda sig: sig + "00", lambda sig: "00" + sig, lambda sig: sig[2:]):
                with self.subTest(kind):
                    self.start(Repository())
                    key = Key(kind)
                    self.repository.set_keys("timestamp", [key], 1, [key])
                    self.repository.publish("root", "timestamp")

                    def spoil(document, change=change):
                        document["signatures"][0]["sig"] = change(document["signatures"][0]["sig"])
                    self.repository.edit_last("timestamp", spoil)
                    self.refused("timestamp.json: signed by 0")

    def test_other_paddings_and_hashes_are_no_signatures(self):
        class Odd(Key):
            how = None

            def sign(self, message):
                return self.how(self.private, message).hex()
        ways = {"rsa": [
            lambda key, m: key.sign(m, padding.PKCS1v15(), hashes.SHA256()),
            lambda key, m: key.sign(m, padding.PSS(padding.MGF1(hashes.SHA1()), 20), hashes.SHA1()),
            lambda key, m: key.sign(m, padding.PSS(padding.MGF1(hashes.SHA1()), 32), hashes.SHA256())],
            "ecdsa": [lambda key, m: key.sign(m, ec.ECDSA(hashes.SHA512()))]}
        for kind, hows in ways.items():
            for how in hows:
                self.start(Repository())
                key = Odd(kind)
                key.how = how
                self.repository.set_keys("timestamp", [key], 1, [key])
                self.repository.publish("root", "timestamp")
                self.refused("timestamp.json: signed by 0")

    def test_the_longest_salt_is_accepted(self):
        class LongSalt(Key):
            def sign(self, message):
                pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.MAX_LENGTH)
                return self.private.sign(message, pss, hashes.SHA256()).hex()
        key = LongSalt("rsa")
        self.repository.set_keys("timestamp", [key], 1, [key])
        self.repository.publish("root", "timestamp")
        self.accepted()

    def expect_bad_key(self, key, because):
        self.start(Repository())
        self.repository.add_key("root", key)
        self.repository.publish("root")
        self.refused(because)
        self.expect_trusted(root=1)

    def test_bad_keys_are_refused(self):
        weak = Key("rsa", bits=1024)
        self.expect_bad_key(weak, "1024 bits")
        self.expect_bad_key(Key("ecdsa", curve=ec.SECP384R1()), "P-256")
        crossed = Key("rsa")
        crossed.described["keyval"] = {"public": Key("ecdsa").public()}
        self.expect_bad_key(crossed, "not an RSA key")
        crossed = Key("ecdsa")
        crossed.described["keyval"] = {"public": Key("rsa").public()}
        self.expect_bad_key(crossed, "not a key on a curve")
        for public in ("00" * 32, "01" + "00" * 31, "ff" * 32, "AB" * 32, "ab" * 31, "", "x" * 64):
            bad = Key()
            bad.described["keyval"] = {"public": public}
            self.expect_bad_key(bad, "ed25519 key")
        for public in ("", "x", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n", "A" * 5000,
                       pem(b"\x30\x00"), Key("ecdsa").public().replace("PUBLIC", "PRIVATE")):
            bad = Key("ecdsa")
            bad.described["keyval"] = {"public": public}
            self.expect_bad_key(bad, "2.root.json")
        private = Key("ecdsa").private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()
        bad = Key("ecdsa")
        bad.described["keyval"] = {"public": private}
        self.expect_bad_key(bad, "not a public key in PEM")

    def test_a_kind_from_the_future_counts_for_nothing(self):
        future = Key()
        future.described = {"keytype": "ml-dsa", "scheme": "ml-dsa-65", "keyval": {"public": "?"}}
        self.repository.add_key("timestamp", future)
        self.repository.publish("root", "timestamp")
        self.accepted()
        self.repository.root["roles"]["timestamp"]["threshold"] = 2
        self.repository.publish("root", "timestamp")
        self.refused("signed by 1 of the 2")


