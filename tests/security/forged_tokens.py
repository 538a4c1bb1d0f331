"""A corpus of tokens that nobody issued: a name for each, and the text an attacker would send.

The forger knows everything public (the JWK Set, a token of their own) and, for the claims, is even lent the signing
key: what a token says is checked whoever signed it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256, sha384, sha512
from typing import Any

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.security.jws import b64, es, hs, part

Json = dict[str, Any]
Corpus = Iterator[tuple[str, str]]

TYP = "at+jwt"
ABSENT = object()
_RSA = rsa.generate_private_key(65537, 2048)
_OTHER_KEY = ec.generate_private_key(ec.SECP256R1())


class Forger:
    """Makes the corpus from one good token and the ring that signed it."""

    def __init__(self, keys: Any, good: str) -> None:
        self.good = good
        self.claims: Json = jwt.decode(good, options={"verify_signature": False})
        self.kid: str = keys.signer.kid
        self.ours: ec.EllipticCurvePrivateKey = keys.signer.private_key
        self.jwk: Mapping[str, str] = keys.signer.public_jwk
        self.issuer: str = self.claims["iss"]

    def header(self, **changes: Any) -> Json:
        """The header of a good token, changed."""
        header = {"alg": "ES256", "typ": TYP, "kid": self.kid} | changes
        return {name: value for name, value in header.items() if value is not ABSENT}

    def says(self, **changes: Any) -> str:
        """A token that our own key signed over changed claims."""
        claims = self.claims | changes
        return es(self.header(), {k: v for k, v in claims.items() if v is not ABSENT}, self.ours)

    def everything(self) -> dict[str, str]:
        """The whole corpus by name."""
        families = (
            self.without_signature,
            self.signed_with_the_public_key,
            self.other_keys,
            self.critical_headers,
        )
        families += (
            self.key_ids,
            self.key_carrying_headers,
            self.misspelt,
            self.wrong_types,
            self.wrong_claims,
        )
        families += (self.deep_and_long, self.structures)
        corpus: dict[str, str] = {}
        for family in families:
            for name, token in family():
                key = f"{family.__name__}: {name}"
                assert key not in corpus, key
                corpus[key] = token
        return corpus

    def without_signature(self) -> Corpus:
        """alg none in every spelling, with no signature, an old one, or one of zeros."""
        signature = self.good.rsplit(".", 1)[1]
        for alg in ("none", "None", "NONE", "nOnE", "", "null", "none ", "ES256\x00", None, 0, [], {}):
            signed = f"{part(self.header(alg=alg))}.{part(self.claims)}"
            yield f"{alg!r} empty", f"{signed}."
            yield f"{alg!r} old signature", f"{signed}.{signature}"
        signed = self.good.rsplit(".", 1)[0]
        for name, forged in {"zeros": bytes(64), "ones": bytes([255]) * 64, "half": bytes(32)}.items():
            yield name, f"{signed}.{b64(forged)}"
        # CVE-2022-21449 accepted r = s = 0; s = n is 0 by another name.
        n = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
        yield "r = s = n", f"{signed}.{b64(n.to_bytes(32, 'big') * 2)}"
        yield "no algorithm", es(self.header(alg=ABSENT), self.claims, self.ours)

    def signed_with_the_public_key(self) -> Corpus:
        """Key confusion (CVE-2022-29217, CVE-2026-48526, CVE-2026-102268): our public key as an HMAC secret."""
        public = self.ours.public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        secrets = {
            "PEM": pem,
            "PEM stripped": pem.strip(),
            "PEM CRLF": pem.replace(b"\n", b"\r\n"),
            "PEM BOM": b"\xef\xbb\xbf" + pem,
            "PEM leading space": b" " + pem,
            "PEM trailing tab": pem + b"\t",
            "PEM one line": pem.replace(b"\n", b""),
            "PEM lower": pem.lower(),
            "DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            "point": public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
            "compressed point": public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint),
            "JWK": json.dumps(dict(self.jwk)).encode(),
            "JWK compact": json.dumps(dict(self.jwk), separators=(",", ":")).encode(),
            "JWK sorted": json.dumps(dict(self.jwk), sort_keys=True, separators=(",", ":")).encode(),
            "kid": self.kid.encode(),
            "nothing": b"",
        }
        for name, secret in secrets.items():
            yield f"HS256 {name}", hs(self.header(alg="HS256"), self.claims, secret)
            yield f"HS256 as ES256 {name}", hs(self.header(), self.claims, secret)
        for alg, digest in (("HS384", sha384), ("HS512", sha512), ("hs256", sha256)):
            yield f"{alg} PEM", hs(self.header(alg=alg), self.claims, pem, digest)

    def other_keys(self) -> Corpus:
        """Other curves, other key types, and a key of the right type that is not ours."""
        curves: list[tuple[str, ec.EllipticCurve, Any]] = [
            ("ES384", ec.SECP384R1(), hashes.SHA384()),
            ("ES512", ec.SECP521R1(), hashes.SHA512()),
            ("ES256K", ec.SECP256K1(), hashes.SHA256()),
        ]
        for alg, curve, digest in curves:
            key = ec.generate_private_key(curve)
            yield alg, es(self.header(alg=alg), self.claims, key, digest)
            yield f"{alg} as ES256", es(self.header(), self.claims, key, digest)
        yield "ES256 of another", es(self.header(), self.claims, _OTHER_KEY)
        yield "our key, other hash", es(self.header(alg="ES384"), self.claims, self.ours, hashes.SHA384())
        yield "our key, hash swapped", es(self.header(), self.claims, self.ours, hashes.SHA512())
        signed = f"{part(self.header(alg='EdDSA'))}.{part(self.claims)}"
        yield "EdDSA", f"{signed}.{b64(ed25519.Ed25519PrivateKey.generate().sign(signed.encode()))}"
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        for alg, scheme in (("RS256", padding.PKCS1v15()), ("PS256", pss)):
            signed = f"{part(self.header(alg=alg))}.{part(self.claims)}"
            signature = _RSA.sign(signed.encode(), scheme, hashes.SHA256())
            yield alg, f"{signed}.{b64(signature)}"
            yield f"{alg} cut to 64 bytes", f"{signed}.{b64(signature[:64])}"

    def critical_headers(self) -> Corpus:
        """RFC 7515 section 4.1.11: what is not understood must be refused, also when our key signed it."""
        crits: list[Any] = [["b64"], ["exp"], ["x"], [], "b64", None, {}, [None], ["alg"]]
        for crit in crits:
            yield f"crit {crit!r}", es(self.header(crit=crit, b64=True, x=1), self.claims, self.ours)
        for value in (False, 0, "false", None):
            header = self.header(b64=value, crit=["b64"])
            yield f"b64 {value!r} crit", es(header, self.claims, self.ours)
        yield "b64 False alone", es(self.header(b64=False), self.claims, self.ours)

    def key_ids(self) -> Corpus:
        """kid is looked up in memory among ours, so every other one is nobody's."""
        paths = ["../../../../../dev/null", "/etc/passwd", "file:///dev/null", "..\\..\\windows\\win.ini"]
        code = ["unknown", "", "' OR '1'='1", "; sleep 9", "$(id)", "__class__", "\ud800", "k" * 1500]
        nearly = [self.kid + "\x00", self.kid + " ", self.kid.swapcase(), [self.kid]]
        kids: list[Any] = [*paths, *code, *nearly, {"$ne": 1}, {"$gt": ""}, None, [], 0, 1, 1.5, True]
        for number, kid in enumerate(kids):
            label = f"{number} {str(kid)[:20]!r}"
            yield f"{label} our key", es(self.header(kid=kid), self.claims, self.ours)
            # The classic: a kid that names an empty file makes the empty string the HMAC secret.
            yield f"{label} HS256", hs(self.header(kid=kid, alg="HS256"), self.claims, b"")
        yield "absent", es(self.header(kid=ABSENT), self.claims, self.ours)

    def key_carrying_headers(self) -> Corpus:
        """The attacker's own key, brought along or pointed at."""
        theirs = jwt.algorithms.ECAlgorithm.to_jwk(_OTHER_KEY.public_key(), as_dict=True)
        for name, value in self.key_references(theirs).items():
            yield name, es(self.header(**{name: value}), self.claims, _OTHER_KEY)
            yield (
                f"{name} unknown kid",
                es(self.header(kid="theirs", **{name: value}), self.claims, _OTHER_KEY),
            )
        yield "all", es(self.header(**self.key_references(theirs)), self.claims, _OTHER_KEY)

    @staticmethod
    def key_references(jwk: Any) -> Json:
        """Headers that bring a key or say where to fetch one; the addresses lead to a closed port here."""
        return {
            "jwk": jwk,
            "jku": "http://127.0.0.1:9/jwks.json",
            "x5u": "http://127.0.0.1:9/chain.pem",
            "x5c": ["MIIB"],
            "x5t": "AAAA",
        }

    def misspelt(self) -> Corpus:
        """Other spellings of a good token: the text that was issued is the only one."""
        good, (header, payload, signature) = self.good, self.good.split(".")
        spellings = {
            "padded": good + "=",
            "padded twice": good + "==",
            "padded payload": f"{header}.{payload}=.{signature}",
            "newline": good + "\n",
            "leading newline": "\n" + good,
            "space": good[:40] + " " + good[40:],
            "tab": good + "\t",
            "NUL": good + "\x00",
            "BOM": "\ufeff" + good,
            "zero width": good[:9] + "\u200b" + good[9:],
            "full width": "\uff45" + good[1:],
            "a fourth part": good + ".e30",
            "trailing dot": good + ".",
            "leading dot": "." + good,
            "quoted": f'"{good}"',
            "scheme twice": f"Bearer {good}",
            "twice": good + good,
            "comma": f"{good},{good}",
            "cut": good[:-1],
            "longer": good + "A",
            "standard alphabet": f"{header}.{payload}.+{signature[1:]}",
            "percent": good.replace(".", "%2E"),
            "unused bits": good[:-1] + chr(ord(good[-1]) + 1),
            "no signature": f"{header}.{payload}",
            "detached": f"{header}..{signature}",
            "parts swapped": f"{payload}.{header}.{signature}",
        }
        yield from spellings.items()

    def wrong_types(self) -> Corpus:
        """typ says what the token is for (RFC 8725 section 3.11)."""
        types = [
            "JWT",
            "jwt",
            "AT+JWT",
            "at+JWT",
            "rt+jwt",
            "id+jwt",
            "at+jwt ",
            "application/at+jwt",
            "logout+jwt",
        ]
        for typ in [*types, "", None, 1, ["at+jwt"], ABSENT]:
            yield (
                repr(typ) if typ is not ABSENT else "absent",
                es(self.header(typ=typ), self.claims, self.ours),
            )

    def wrong_claims(self) -> Corpus:
        """Nine claims, each missing, of a wrong type, or wrong; signed with our own key."""
        now = self.claims["iat"]
        elsewhere = "https://login.example.net"
        values: dict[str, list[Any]] = {
            "iss": [1, [self.issuer], {}, elsewhere, self.issuer + "/", self.issuer[:-1], ""],
            "sub": [1, ["x"], {"$ne": None}, "", "0" * 24, "not an id", "\ud800"],
            "aud": [1, {}, elsewhere, [self.issuer], [self.issuer, elsewhere], [], ""],
            "client_id": [1, [], {"$ne": 1}, "", True],
            "iat": [str(now), float(now), True, [now], {}, now + 61, 2**63, 10**400],
            "exp": [str(now + 60), float(now + 60), True, [now + 60], now - 61, 0, -1],
            "jti": [1, [], {}, "", True],
            "sid": [1, [], {"$gt": ""}, "", False],
            "nbf": [str(now), float(now), True, [], now + 61, 10**400],
        }
        for claim, wrong in values.items():
            if claim != "nbf":
                yield f"{claim} missing", self.says(**{claim: ABSENT})
            yield f"{claim} null", self.says(**{claim: None})
            for number, value in enumerate(wrong):
                yield f"{claim} {number} {str(value)[:30]!r}", self.says(**{claim: value})

    def deep_and_long(self) -> Corpus:
        """What a parser may choke on (CVE-2026-101918: RecursionError)."""
        for depth in (500, 1_100, 2_000, 60_000):
            yield f"payload depth {depth}", es(self.header(), "[" * depth + "]" * depth, self.ours)
            nested = '{"a":' * depth + "1" + "}" * depth
            yield f"header depth {depth}", f"{part(nested)}.{part(self.claims)}.{'A' * 86}"
        for size in (5_000, 100_000, 1_000_000):
            yield f"header {size}", es(self.header(pad="x" * size), self.claims, self.ours)
            yield f"payload {size}", self.says(pad="x" * size)
            yield f"dots {size}", "." * size
        yield "5,000 digits", es(self.header(), '{"iat":' + "9" * 5_000 + "}", self.ours)

    def structures(self) -> Corpus:
        """Parts that are no JSON objects, or ambiguous ones."""
        for text in ("null", "1", '"x"', "[]", "true", "NaN", "{", "", "\x00", "{}", '{"a":Infinity}'):
            yield f"payload {text!r}", es(self.header(), text, self.ours)
            yield f"header {text!r}", es(text, self.claims, self.ours)
        twice = f'{{"alg":"none","alg":"ES256","typ":"{TYP}","kid":"{self.kid}"}}'
        yield "alg twice, not signed", f"{part(twice)}.{part(self.claims)}.{'A' * 86}"
        for number, text in enumerate(
            ("", ".", "..", "...", "a.b.c", "null", "undefined", "\u0000", "é", "Bearer")
        ):
            yield f"text {number}", text
