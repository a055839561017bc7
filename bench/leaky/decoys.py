"""What only looks like a credential: sums, public keys, sealed values, code about passwords."""

from __future__ import annotations

import json
from collections.abc import Callable

from bench.leaky.chance import Chance
from bench.leaky.layout import Leaky, as_json, as_yaml

Make = Callable[[Chance], Leaky]


def _lock(chance: Chance) -> Leaky:
    packages = {
        f"node_modules/{chance.word()}": {"version": "1.0.0", "integrity": f"sha512-{chance.base64(64)}"}
        for _ in range(40)
    }
    return Leaky("frontend/package-lock.json", json.dumps({"lockfileVersion": 3, "packages": packages}, indent=2), [])


def _sums(chance: Chance) -> Leaky:
    return Leaky(
        "go.sum",
        "".join(f"github.com/{chance.word()}/{chance.word()} v1.2.3 h1:{chance.base64(32)}\n" for _ in range(40)),
        [],
    )


def _hashes(chance: Chance) -> Leaky:
    return Leaky(
        "requirements.txt", "".join(f"{chance.word()}==1.{n} --hash=sha256:{chance.hex(64)}\n" for n in range(40)), []
    )


def _sample_env(chance: Chance) -> Leaky:
    return Leaky(
        ".env.example",
        "".join(
            f"{name}={chance.placeholder()}\n" for name in ("API_KEY", "DB_PASSWORD", "SECRET_TOKEN", "JWT_SECRET")
        ),
        [],
    )


def _sops(chance: Chance) -> Leaky:
    sealed = f"ENC[AES256_GCM,data:{chance.base64(24)},iv:{chance.base64(32)},tag:{chance.base64(16)},type:str]"
    return Leaky(
        "secrets/app.enc.yaml",
        f"db_password: {sealed}\napi_token: {sealed}\nsops:\n    lastmodified: '2026-11-20T10:00:00Z'\n",
        [],
    )


def _vault(chance: Chance) -> Leaky:
    lines = "\n".join(chance.hex(80) for _ in range(8))
    return Leaky("ansible/vault.yml", f"$ANSIBLE_VAULT;1.1;AES256\n{lines}\n", [])


def _minified(chance: Chance) -> Leaky:
    parts = (
        f"var {chance.text(2)}=function(e,t){{return e.token=t.key,"
        f'e.password==t.secret?{chance.randint(1, 9999)}:n("{chance.word()}")}};'
        for _ in range(300)
    )
    return Leaky(
        "frontend/dist/app.min.js",
        "".join(parts) + f"//# sourceMappingURL=data:application/json;base64,{chance.base64(2000)}",
        [],
    )


def _certificate(chance: Chance) -> Leaky:
    body = "\n".join(chance.base64(48) for _ in range(16))
    return Leaky("certs/ca.crt", f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n", [])


def _public(chance: Chance) -> Leaky:
    return Leaky("deploy/authorized_keys", "".join(chance.public_key() + "\n" for _ in range(5)), [])


def _rows(chance: Chance) -> Leaky:
    return Leaky(
        "data/orders.csv",
        "id,trace,token_count,commit\n"
        + "".join(f"{chance.uuid()},{chance.hex(32)},{n},{chance.hex(40)}\n" for n in range(60)),
        [],
    )


def _model(chance: Chance) -> Leaky:
    return Leaky(
        "src/user.py",
        f'''"""Users and their passwords."""
class User:
    password: str = Field(min_length=12)
    token_type = "bearer"
    secret_name = "prod/app/{chance.word()}"
    def check(self, password): return self.hasher.verify(self.password_hash, password)
    reset_password_url = "https://{chance.host()}/reset?next=/home"
    cache_key = f"user:{{self.id}}:{chance.word()}"
    PASSWORD_FIELD = "user_password_confirmation"
    api_key = settings.api_key
    key = "{chance.word()}_{chance.word()}_v2"
''',
        [],
    )


def _workflow(chance: Chance) -> Leaky:
    steps = [
        {
            "uses": f"actions/checkout@{chance.hex(40)}",
            "with": {"token": "${{ secrets.GITHUB_TOKEN }}", "ssh-key": "${{ secrets.KEY }}"},
        }
    ]
    return Leaky(
        ".github/workflows/test.yml",
        as_yaml(
            chance,
            {
                "permissions": {"id-token": "write"},
                "jobs": {"test": {"env": {"CACHE_KEY": f"v2-{chance.word()}"}, "steps": steps}},
            },
        ),
        [],
    )


def _translations(chance: Chance) -> Leaky:
    return Leaky(
        "frontend/locales/de.json",
        as_json(
            chance,
            {
                "password": "Passwort eingeben",
                "token": "Zugangstoken",
                "secretQuestion": "Geheime Frage?",
                "apiKey": "Ihr Schlüssel",
            },
        ),
        [],
    )


DECOYS: tuple[Make, ...] = (
    *(_lock, _sums, _hashes, _sample_env, _sops, _vault, _minified, _certificate, _public, _rows, _model, _workflow),
    _translations,
)
