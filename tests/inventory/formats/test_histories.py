"""What was typed: commands, SQL, Redis commands, code."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from yett.inventory.formats import Unparsable, all_formats
from yett.inventory.severity import Severity

Parsed = Callable[..., list]
Made = Callable[..., str]

COMMANDS = {
    "curl -u bob:§ https://h.io": "bob",
    "curl --user=bob:§ https://h.io": "bob",
    'curl -s -H "Authorization: Bearer §" https://h.io': "",
    "curl -H 'X-Api-Key: §' https://h.io": "",
    "curl https://bob:§@h.io/x": "bob@h.io",
    "curl 'https://h.io/x?api_key=§'": "h.io",
    "mysql -h db -u root -p§ shop": "root@db",
    "mysqldump --password=§ shop > dump.sql": "",
    "PGPASSWORD=§ psql -h db -U me": "me@db",
    "psql 'host=db user=me password=§'": "me@db",
    "psql postgresql://me:§@db/shop": "me@db",
    "sshpass -p § ssh a@b": "",
    "sshpass -p'§' ssh a@b": "",
    "docker login -u me -p § r.io": "me",
    "echo § | docker login -u me --password-stdin r.io": "me",
    "export API_TOKEN=§": "",
    'export A=1 B_SECRET="§"': "",
    "htpasswd -nb bob §": "bob",
    "htpasswd -bc file bob §": "bob",
    "openssl pkcs12 -in k -passin pass:§": "",
    "aws configure set aws_secret_access_key § --profile x": "",
    "az login --service-principal -u me -p § --tenant t": "me",
    "vault login §": "",
    "vault login token=§": "",
    "gh auth login --with-token <<< §": "",
    "redis-cli -h cache -a § ping": "cache",
    "mongosh --host db -u me -p §": "me@db",
    "kubectl create secret generic s --from-literal=password=§": "",
    "docker run -e POSTGRES_PASSWORD=§ postgres": "",
    "git -c http.extraheader='AUTHORIZATION: bearer §' fetch": "",
    "git clone https://oauth2:§@git.io/a.git": "oauth2@git.io",
    "smbclient //h/s -U bob%§": "bob",
    "lftp -u bob,§ ftp.h.io": "bob",
    "echo 'bob:§' | sudo chpasswd": "bob",
    "sqlplus scott/§@orcl": "scott@orcl",
    "sudo -u app env X=1 curl -u bob:§ h": "bob",
    "bash -c 'curl -u bob:§ h'": "bob",
    "alias db='mysql -u root -p§'": "root",
    "npm config set //h/:_authToken §": "",
    "ldapsearch -x -D cn=a -w §": "",
    "helm registry login h.io -u me --password §": "me",
    "terraform apply -var='db_password=§'": "",
    "cd x && heroku config:set SECRET_KEY=§; ls": "",
    "set -gx OPENAI_API_KEY §": "",
    "curl -d 'user=bob&password=§' https://h.io": "bob",
    'curl --data \'{"user": "bob", "password": "§"}\' https://h.io': "bob",
    "nmcli dev wifi connect home password §": "",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_password_in_a_command(command: str, parsed: Parsed, made: Made) -> None:
    secret = made(16)
    line = command.replace("§", secret)
    for text in (line, f": 1700000000:0;{line}", f"- cmd: {line}"):
        found = parsed("h/.zsh_history", f"ls -la\n{text}\nexit\n")
        assert [(each.value, each.account) for each in found] == [(secret, COMMANDS[command])], text


@pytest.mark.parametrize(
    "command",
    [
        "export API_TOKEN=$(cat token)",
        "export API_TOKEN=${OTHER}",
        "mysql -u root -p shop",
        "mysql --password shop",
        "docker run -p 8080:80 nginx",
        "docker login --password-stdin < file",
        "curl -u bob https://h.io",
        "ssh -p 2222 h",
        "llm --max-tokens 4096",
        "export PASSWORD=changeme",
        "curl -H 'Authorization: Bearer $TOKEN' h",
        "mkdir -p some/dir",
        "kubectl get secret generic-thing",
        "git commit -m 'token handling: --password option'",
        "cat ~/.ssh/id_rsa.pub",
        "kubectl create secret generic thing",
        "export KEY_FILE=/etc/ssl/key.pem",
        "PASSWORD_FILE=/run/secrets/x run",
        "gh auth login --with-token < token.txt",
        "vault login -method=oidc",
        "tar -k -p x",
        "az login",
        "git config user.signingkey ABCDEF12",
        "alias token='pbpaste'",
        "grep -r password .",
    ],
)
def test_a_command_without_a_password(command: str, parsed: Parsed) -> None:
    assert parsed("h/.bash_history", command + "\n") == []


@pytest.mark.parametrize(
    "command", ["curl -u §: https://h.io", "curl -u §:x-oauth-basic h", "git clone https://§:x@h.io/a"]
)
def test_a_token_that_is_sent_as_the_user_is_never_shown(command: str, parsed: Parsed, made: Made) -> None:
    secret = made(30)
    [found] = parsed("h/.bash_history", command.replace("§", secret) + "\n")
    assert found.raw == secret
    assert secret not in found.account


def test_no_option_s_value_gets_into_an_account(parsed: Parsed, made: Made) -> None:
    first, second = made(), made()
    for line in (
        f"curl -S https://h.io/?token={second} -H X-Api-Key:{first}",
        f"lftp -u bob,{first} -e 'x' --token {second}",
    ):
        found = parsed("h/.bash_history", line + "\n")
        assert {each.raw for each in found} == {first, second}
        assert not any(secret in each.account for secret in (first, second) for each in found)


def test_a_quoted_password_has_exact_bytes(parsed: Parsed, made: Made) -> None:
    secret = made()
    [found] = parsed("h/.bash_history", f'export A_TOKEN="{secret}\\"x"\n')
    assert (found.value, found.raw) == (f'{secret}"x', f'{secret}\\"x')
    [found] = parsed("h/.bash_history", f"export A_TOKEN='{secret} y'\n")
    assert (found.value, found.raw) == (f"{secret} y", f"{secret} y")


@pytest.mark.parametrize(
    ("statement", "account"),
    [
        ("CREATE ROLE bob LOGIN PASSWORD '§';", "bob"),
        ("ALTER USER bob WITH ENCRYPTED PASSWORD '§';", "bob"),
        ("CREATE USER 'bob'@'h' IDENTIFIED BY '§';", "bob@h"),
        ("SET PASSWORD FOR 'bob'@'h' = '§';", "bob@h"),
        ("SET PASSWORD FOR 'bob'@'h' = PASSWORD('§');", "bob@h"),
        ("CREATE LOGIN bob WITH PASSWORD = N'§';", "bob"),
        ("ALTER USER bob IDENTIFIED BY §;", "bob"),
        ("CREATE USER MAPPING FOR bob SERVER s OPTIONS (password '§')", "bob"),
        ("CHANGE MASTER TO MASTER_USER='r', MASTER_PASSWORD='§'", ""),
        ("SELECT dblink('host=h user=u password=§')", "u"),
        ("CREATE\\040ROLE\\040bob\\040PASSWORD\\040'§';", "bob"),
        ("grant all on *.* to 'bob'@'%' identified by '§'", "bob"),
    ],
)
def test_a_password_in_sql(statement: str, account: str, parsed: Parsed, made: Made) -> None:
    secret = made(16)
    for path in ("h/.psql_history", "h/.mysql_history"):
        found = parsed(path, "select 1;\n" + statement.replace("§", secret) + "\n")
        assert [each.raw for each in found] == [secret]
        assert found[0].account.startswith(account)


def test_a_hash_in_sql_is_little(parsed: Parsed, made: Made) -> None:
    hashed = "*" + made(40, "0123456789ABCDEF")
    [found] = parsed("h/.mysql_history", f"CREATE USER a IDENTIFIED WITH mysql_native_password AS '{hashed}';\n")
    assert (found.raw, found.hit.severity) == (hashed, Severity.LOW)


def test_redis(parsed: Parsed, made: Made) -> None:
    values = [made() for _ in range(5)]
    text = (
        f'AUTH {values[0]}\nauth bob {values[1]}\nCONFIG SET requirepass "{values[2]}"\n'
        f"ACL SETUSER al on >{values[3]} ~*\n"
        f"HELLO 3 AUTH eve {values[4]}\nSET a b\n"
    )
    found = parsed("h/.rediscli_history", text)
    assert [(each.raw, each.account) for each in found] == list(zip(values, ["", "bob", "", "al", "eve"], strict=True))


def test_interpreters(parsed: Parsed, made: Made) -> None:
    first, second = made(), made()
    text = f"import x\napi_key = '{first}'\nc = connect(password=\"{second}\")\nname = 'some words here'\n"
    assert [each.raw for each in parsed("h/.python_history", text)] == [first, second]


ENDLESS = [
    b"'" * 60_000,
    b'"' * 60_000,
    b"\\'" * 30_000,
    b"a=" * 30_000,
    b"<<< " * 15_000,
    b"-p " * 20_000,
    b"--token " * 8_000,
    b"$(" * 30_000,
    b"-u a:b " * 8_000,
    b"A_TOKEN=x;" * 6_000,
    b"''a" * 20_000,
    b"'a'\"b\"" * 9_000,
    b"token " + b"a,b=c " * 10_000,
    b"http://" + b"a:" * 30_000,
    b"Authorization: " * 4_000,
    b"token\\\n" * 9_000,
    b"config " * 9_000,
    b"password=" * 7_000,
    b"bash -c 'bash -c \"" * 3_000,
    b"identified by " * 5_000,
    b"user a for " * 5_000 + b"password 'abcdef'",
    b"{[" * 30_000,
]


@pytest.mark.parametrize("text", ENDLESS, ids=lambda text: text[:12].decode())
def test_lines_of_one_thing_take_linear_time(text: bytes) -> None:
    kinds = {"shell-history", "sql-history", "redis-history", "interpreter-history", "makefile", "sql", "gitlab-ci"}
    kinds |= {"mcp-others", "wordpress", "fetchmail", "lftp", "openvpn", "kafka-jaas", "redis-conf"}
    wrapped = (text, b"\n".join([text] * 2), json.dumps({"mcpServers": {"s": {"args": [text.decode()]}}}).encode())
    for form in all_formats():
        if form.id in kinds:
            for content in wrapped:
                began = time.monotonic()
                with suppress(Unparsable):
                    list(form.parse(content))
                assert time.monotonic() - began < 8, form.id  # quadratic time would take minutes
