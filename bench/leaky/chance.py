"""Random values as issuers, machines and people make them. Nothing here knows a rule of the scan."""

from __future__ import annotations

import base64
import json
import random
import string
import zlib

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

LETTERS = string.ascii_letters + string.digits
URL_SAFE = LETTERS + "-_"
_SYLLABLES = [
    first + vowel + last for first in "bdfgklmnprstvz" for vowel in "aeiou" for last in ("", "l", "n", "r", "k")
]


class Chance(random.Random):
    """A source of credentials."""

    def text(self, length: int, alphabet: str = LETTERS) -> str:
        """Of at least one letter and one digit, where the alphabet has both."""
        while True:
            made = "".join(self.choices(alphabet, k=length))
            if any(map(str.isdigit, made)) and any(map(str.isalpha, made)) and made[0].isalnum() and made[-1].isalnum():
                return made

    def hex(self, length: int) -> str:
        return self.text(length, "0123456789abcdef")

    def uuid(self) -> str:
        raw = self.hex(32)
        return f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-a{raw[17:20]}-{raw[20:]}"

    def base64(self, size: int) -> str:
        return base64.b64encode(self.randbytes(size)).decode()

    def word(self) -> str:
        return "".join(self.choices(_SYLLABLES, k=self.randint(2, 3)))

    def password(self, signs: str = "!#%+=_-") -> str:
        """As people and password managers make them. `signs`: those that the format takes without quotes."""
        made = self.choice(("person", "manager", "manager", "words"))
        if made == "person":
            return f"{self.word().capitalize()}{self.choice(signs)}{self.word()}{self.randint(10, 9999)}"
        if made == "words":
            return "-".join(self.word() for _ in range(4)) + str(self.randint(2, 99))
        body = self.text(self.randint(14, 30))
        at = self.randint(4, len(body) - 2)
        return body[:at] + self.choice(signs) + body[at:]

    def person(self) -> str:
        return self.choice(("deploy", "svc", "ci", "ada", "backup", "app")) + self.choice(
            ("", "_rw", f"{self.randint(1, 99)}")
        )

    def host(self) -> str:
        use = self.choice(("db", "api", "git", "cache", "mail", "registry"))
        return f"{use}{self.randint(1, 40)}.{self.word()}.internal"

    # -- issuers' own forms, from their documentation

    def github(self) -> str:
        """GitHub: 30 characters and their CRC-32 in base 62 (its blog of 2021-04-05)."""
        body = self.text(30)
        return f"{self.choice(('ghp', 'gho', 'ghs', 'ghu'))}_{body}{_base62(zlib.crc32(body.encode()), 6)}"

    def npm(self) -> str:
        body = self.text(30)
        return f"npm_{body}{_base62(zlib.crc32(body.encode()), 6)}"

    def jwt(self, **claims: object) -> str:
        head = {"alg": self.choice(("RS256", "HS256", "ES256")), "typ": "JWT", "kid": self.hex(8)}
        body = {"sub": self.uuid(), "iss": f"https://{self.host()}", "iat": 1_790_000_000, **claims}
        return ".".join((*(_part(part) for part in (head, body)), self.text(86, URL_SAFE)))

    def anthropic(self) -> str:
        return f"sk-ant-api03-{self.text(93, URL_SAFE)}AA"

    def openai(self) -> str:
        return f"sk-proj-{self.text(58, URL_SAFE)}T3BlbkFJ{self.text(58, URL_SAFE)}"

    def google(self) -> str:
        return f"AIza{self.text(35, URL_SAFE)}"

    def slack(self) -> str:
        team, bot = self.randint(10**11, 10**12 - 1), self.randint(10**12, 10**13 - 1)
        return f"xoxb-{team}-{bot}-{self.text(24)}"

    def gitlab(self) -> str:
        return f"glpat-{self.text(20)}"

    def digitalocean(self) -> str:
        return f"dop_v1_{self.hex(64)}"

    def stripe(self) -> str:
        return f"sk_live_{self.text(self.choice((24, 99)))}"

    def sendgrid(self) -> str:
        return f"SG.{self.text(22, URL_SAFE)}.{self.text(43, URL_SAFE)}"

    def huggingface(self) -> str:
        return f"hf_{''.join(self.choices(string.ascii_letters, k=34))}"

    def aws_id(self) -> str:
        return "AKIA" + "".join(self.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16))

    def aws_secret(self) -> str:
        return self.base64(30)

    def azure_storage(self) -> str:
        return self.base64(64)

    def api_key(self) -> str:
        """Of any of them."""
        return str(
            getattr(self, self.choice(("github", "anthropic", "openai", "slack", "gitlab", "stripe", "sendgrid")))()
        )

    def opaque(self) -> str:
        """Of an issuer without a form."""
        return self.choice((self.hex(32), self.hex(40), self.text(32), self.text(40, URL_SAFE), self.hex(64)))

    def pem(self, form: str = "") -> str:
        """A private key; OpenSSH's own form, PKCS #8 or the older one."""
        key = self.choice((_rsa, ed25519.Ed25519PrivateKey.generate, _curve))()
        forms = serialization.PrivateFormat
        traditional = forms.PKCS8 if isinstance(key, ed25519.Ed25519PrivateKey) else forms.TraditionalOpenSSL
        wanted = {"openssh": forms.OpenSSH, "pkcs8": forms.PKCS8}.get(form) or self.choice((forms.PKCS8, traditional))
        return key.private_bytes(serialization.Encoding.PEM, wanted, serialization.NoEncryption()).decode()

    # -- what is no credential

    def public_key(self) -> str:
        key = ed25519.Ed25519PrivateKey.generate().public_key()
        raw = key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        return f"{raw.decode()} {self.person()}@{self.word()}"

    def placeholder(self) -> str:
        return self.choice(
            (
                *("changeme", "<your-api-key>", "YOUR_API_KEY_HERE", "${API_KEY}", "xxxxxxxxxxxxxxxxxxxx"),
                *("{{ api_key }}", "your-secret-here", "$API_KEY", "REPLACE_ME", "********", "<redacted>"),
            )
        )


def _base62(number: int, width: int) -> str:
    alphabet, text = string.digits + string.ascii_uppercase + string.ascii_lowercase, ""
    while number:
        number, digit = divmod(number, 62)
        text = alphabet[digit] + text
    return text.rjust(width, "0")


def _part(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def _rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def _curve() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())
