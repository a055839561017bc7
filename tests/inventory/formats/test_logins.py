"""netrc, database clients, git, container registries, package managers: whose password stands where."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from yett.inventory.formats import Unparsable, format_of

Parsed = Callable[..., list[Any]]
Made = Callable[..., str]


def pairs(found: list[Any]) -> list[tuple[str, str]]:
    return [(one.value, one.account) for one in found]


def test_netrc_over_lines_quoted_and_after_a_macro(parsed: Parsed, made: Made) -> None:
    first, second, third, fourth = (made() for _ in range(4))
    text = (
        f"# machine no.example login no password {made()}\n"
        f"machine a.example login ann password {first}\r\n"
        f"machine b.example\n\tlogin bob\n\tpassword \"{second} \\\"q\\\"\"\n"
        f"macdef init\nput password {made()}\n\n"
        f"machine c.example password {third} login cem\n"
        f"default login anonymous password {fourth}\n"
        "machine d.example login dan password ${TOKEN}\nmachine e.example login eve password\n"
    )  # fmt: skip
    found = parsed("/home/x/.netrc", text)
    assert pairs(found) == [
        (first, "ann@a.example"),
        (f'{second} "q"', "bob@b.example"),
        (third, "cem@c.example"),
        (fourth, "anonymous"),
    ]
    assert found[1].raw == f'{second} \\"q\\"'
    assert found[0].raw == first


def test_pgpass_with_escaped_colons(parsed: Parsed, made: Made) -> None:
    first, second = made(), made()
    text = f"#h:1:d:u:{made()}\nh.example:5432:*:ann:{first}\r\n\\:\\:1:*:*:b\\\\b:{second}\\:x\\\\\n"
    text += "short:1:2\n*:*:*:u:${PW}\n"
    found = parsed(".pgpass", text)
    assert pairs(found) == [(first, "ann@h.example"), (f"{second}:x\\", "b\\b@::1")]
    assert found[1].raw == f"{second}\\:x\\\\"


def test_pg_service(parsed: Parsed, made: Made) -> None:
    secret = made()
    text = f"[prod]\nhost=h.example\nuser=ann\npassword={secret}\n[dev]\npassword=changeme\n"
    assert pairs(parsed(".pg_service.conf", text)) == [(secret, "ann@h.example")]


def test_mysql_options(parsed: Parsed, made: Made) -> None:
    secret = made()
    text = f'[client]\nuser = root\nhost=h\npassword = "{secret}" # c\n[mysqldump]\npassword\n'
    assert pairs(parsed("/etc/mysql/my.cnf", text)) == [(secret, "root@h")]


def mylogin(lines: list[str], key: bytes) -> bytes:
    short = bytearray(16)
    for index, byte in enumerate(key):
        short[index % 16] ^= byte
    made = b"\0\0\0\0" + key
    for line in lines:
        raw = line.encode()
        raw += bytes([16 - len(raw) % 16]) * (16 - len(raw) % 16)
        cipher = Cipher(algorithms.AES(bytes(short)), modes.ECB()).encryptor()
        made += struct.pack("<I", len(raw)) + cipher.update(raw) + cipher.finalize()
    return made


def test_mysql_login_file_is_read_through_its_obfuscation(parsed: Parsed, made: Made) -> None:
    secret = made()
    lines = ["[client]\n", 'user = "ann"\n', f'password = "{secret}"\n', 'host = "h"\n', "[b]\n", 'password = "${X}"\n']
    content = mylogin(lines, made(20).encode())
    found = parsed("~/.mylogin.cnf", content)
    assert pairs(found) == [(secret, "ann@h")]
    assert found[0].hit.end - found[0].hit.start == 48
    with pytest.raises(Unparsable):
        parsed(".mylogin.cnf", content[:-5])
    with pytest.raises(Unparsable):
        parsed(".mylogin.cnf", b"[client]\npassword=x")


def test_git_credentials(parsed: Parsed, made: Made) -> None:
    secret, token = made(), made(40)
    text = f"https://ann:{secret}%40x@git.example\nhttps://{token}:x-oauth-basic@code.example\nhttps://u:@h\nssh://git@h/x\n"
    found = parsed(".git-credentials", text)
    assert pairs(found) == [(f"{secret}@x", "ann@git.example"), (token, "code.example")]
    assert found[0].raw == f"{secret}%40x"


def test_git_configuration(parsed: Parsed, made: Made) -> None:
    first, second, third, fourth, fifth = (made() for _ in range(5))
    basic = base64.b64encode(f"x-access-token:{first}".encode()).decode()
    text = (
        f'[http "https://git.example/"]\n\textraheader = AUTHORIZATION: basic {basic}\n'
        f'[remote "origin"]\n\turl = https://ann:{second}@git.example/x.git\n'
        f'[url "https://bot:{third}@git.example/"]\n\tinsteadOf = https://git.example/\n'
        f'[credential]\n\thelper = "!f() {{ echo username=u; echo password={fourth}; }}; f"\n'
        f"[github]\n\tuser = ann\n\ttoken = {fifth}\n[sendemail]\n\tsmtppass = ${{PASS}}\n"
    )
    found = parsed("repo/.git/config", text)
    assert sorted(pairs(found)) == sorted(
        [
            (first, "x-access-token@git.example"),
            (second, "ann@git.example"),
            (third, "bot@git.example"),
            (fourth, ""),
            (fifth, ""),
        ]
    )
    assert basic in {one.raw for one in found}


def test_docker_and_podman(parsed: Parsed, made: Made) -> None:
    first, second, third = made(), made(60), made()
    auth = base64.b64encode(f"ann:{first}".encode()).decode()
    content = {
        "auths": {
            "https://r.example/v1/": {"auth": auth},
            "other.example": {"identitytoken": second, "auth": ""},
            "third.example": {"auth": base64.b64encode(b"u:${PW}").decode()},
        },
        "proxies": {"default": {"httpProxy": f"http://p:{third}@proxy.example:3128"}},
        "credsStore": "desktop",
    }
    for path in ("~/.docker/config.json", "/run/user/1000/containers/auth.json"):
        found = parsed(path, json.dumps(content))
        assert pairs(found) == [
            (first, "ann@https://r.example/v1/"),
            (second, "other.example"),
            (third, "p@proxy.example"),
        ]
        assert found[0].raw == auth
        assert found[0].hit.decoded == first.encode()


def test_npmrc(parsed: Parsed, made: Made) -> None:
    first, second, third, fourth = (made() for _ in range(4))
    encoded = base64.b64encode(second.encode()).decode()
    login = base64.b64encode(f"bob:{third}".encode()).decode()
    text = (
        f"; comment\n//r.example/:_authToken={first}\n//p.example/npm/:username=ann\n"
        f"//p.example/npm/:_password={encoded}\n"
        f"_auth = {login}\n//q.example/:_authToken=${{NPM_TOKEN}}\n"
        f"https-proxy=http://u:{fourth}@proxy.example\nregistry=https://r/\n"
    )
    found = parsed("project/.npmrc", text)
    assert pairs(found) == [
        (first, "r.example"),
        (second, "ann@p.example"),
        (third, "bob"),
        (fourth, "u@proxy.example"),
    ]
    assert found[1].raw == encoded


def test_yarnrc(parsed: Parsed, made: Made) -> None:
    first, second = made(), made()
    text = (
        f'npmAuthToken: "{first}"\nnpmScopes:\n  mine:\n    npmAuthIdent: ann:{second}\n'
        'npmRegistries:\n  "//r.example":\n    npmAuthToken: "${X}"\n'
    )
    assert pairs(parsed(".yarnrc.yml", text)) == [(first, ""), (second, "ann@mine")]


def test_pypirc_and_pip(parsed: Parsed, made: Made) -> None:
    first, second = made(), made()
    text = "[distutils]\nindex-servers = a\n[a]\n"
    text += f"repository = https://a.example/\nusername = __token__\npassword = {first}\n"
    assert pairs(parsed(".pypirc", text)) == [(first, "__token__@https://a.example/")]
    text = f"[global]\nindex-url = https://i.example/simple\nextra-index-url =\n    https://ann:{second}@p.example/simple\n"
    assert pairs(parsed("pip.conf", text)) == [(second, "ann@p.example")]


def test_htpasswd_and_shadow_hold_hashes(parsed: Parsed, made: Made) -> None:
    first, second = f"$apr1${made(8)}${made(22)}", f"$6${made(16)}${made(86)}"
    found = parsed(".htpasswd", f"# users\nann:{first}\nbob:plain words\n")
    assert pairs(found) == [(first, "ann")]
    found = parsed("/etc/shadow", f"root:{second}:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\nx:!:1::::::\n")
    assert pairs(found) == [(second, "root")]


@pytest.mark.parametrize(
    "path", [".netrc", "pip.conf", ".GITCONFIG", "a/.docker/config.json", "x/etc/shadow", ".env.local"]
)
def test_formats_are_told_by_path(path: str) -> None:
    assert format_of(path) is not None
    assert format_of(f"/deep/down/{path}") == format_of(path)
    assert format_of(f"{path}.py") is None or path == ".env.local"


def test_prose_about_netrc_files_is_none(parsed_as: Parsed, made: Made) -> None:
    with pytest.raises(Unparsable):
        parsed_as("netrc", f"Write this:\n\nmachine h.example login ann password {made()}\n")


def test_code_about_npm_tokens_is_no_npmrc(parsed_as: Parsed, made: Made) -> None:
    assert parsed_as("npmrc", f"write(`- //r.example/:_authToken={made()}`)\n") == []
