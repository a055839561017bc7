"""File servers' and mail accounts' passwords, with whose they are."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest

Parsed = Callable[..., list]
Made = Callable[..., str]


def test_filezilla(parsed: Parsed, made: Made) -> None:
    first, second = made(), made()
    hidden = base64.b64encode(first.encode()).decode()
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n<FileZilla3><Servers><Folder>Work&#x0A;'
        f'<Server><Host>a.io</Host><User>me</User><Pass encoding="base64">{hidden}</Pass></Server></Folder>'
        f"<Server><Host>b.io</Host><User>you</User><Pass>{second}</Pass></Server>"
        f'<Server><Host>c.io</Host><User>he</User><Pass encoding="crypt">{hidden}</Pass></Server>'
        "</Servers></FileZilla3>"
    )
    for name in ("sitemanager.xml", "recentservers.xml"):
        found = parsed(f"h/.config/filezilla/{name}", text)
        assert [(each.value, each.account) for each in found] == [(first, "me@a.io"), (second, "you@b.io")]
        assert found[0].raw == hidden


def test_winscp(parsed: Parsed, made: Made) -> None:
    secret = made()
    plain = b"me" + b"h.io" + secret.encode()
    raw = bytes([0xFF, 0x00, len(plain), 3]) + b"abc" + plain
    hidden = "".join(f"{byte ^ 0xFF ^ 0xA3:02X}" for byte in raw)
    text = f"[Sessions\\a]\nHostName=h.io\nUserName=me\nPassword={hidden}\n[Sessions\\b]\nHostName=x\n"
    [found] = parsed("p/WinSCP.ini", text)
    assert (found.value, found.raw, found.account) == (secret, hidden, "me@h.io")


@pytest.mark.parametrize(
    ("path", "text", "account"),
    [
        ("h/.local/share/lftp/bookmarks", "work\tsftp://me:§@h.io/x\n", "me@h.io"),
        ("h/.lftprc", "set net:x 1\nopen -u me,§ h.io\n", "me"),
        ("p/sftp-config.json", '{\n// c\n"host": "h.io", "user": "me", "password": "§",\n}', "me@h.io"),
        ("p/.vscode/sftp.json", '{"host": "h.io", "username": "me", "passphrase": "§"}', "me@h.io"),
        ("p/.ftpconfig", '{"host": "h.io", "user": "me", "pass": "§"}', "me@h.io"),
        ("h/.msmtprc", "defaults\nauth on\naccount a\nhost h.io\nuser me\npassword §\n", "me@h.io"),
        ("h/.mbsyncrc", "IMAPAccount a\nHost h.io\nUser me\nPass §\n\nIMAPAccount b\nPassCmd x\n", "me@h.io"),
        ("h/.fetchmailrc", "poll h.io proto imap\n  user 'me' there\n  with password '§'\n", "me@h.io"),
        ("h/.offlineimaprc", "[Repository r]\nremotehost = h.io\nremoteuser = me\nremotepass = §\n", "me@h.io"),
        ("h/.esmtprc", 'hostname = h.io:587\nusername = "me"\npassword = "§"\n', "me@h.io:587"),
        ("etc/ssmtp/ssmtp.conf", "mailhub=h.io:587\nAuthUser=me\nAuthPass=§\n", "me@h.io:587"),
        ("h/.muttrc", 'set imap_user = "me"\nset imap_pass = "§"\n', ""),
        ("h/.mailrc", "set password-me@h.io=§\n", "me@h.io"),
        ("h/.swaksrc", "--server h.io\n--auth-user me\n--auth-password §\n", ""),
        ("etc/postfix/sasl_passwd", "# c\n[h.io]:587 me:§\n", "me@h.io"),
        ("etc/exim4/passwd.client", "# c\nh.io:me:§\n", "me@h.io"),
        ("h/.davfs2/secrets", "https://h.io/dav me §\n", "me@https://h.io/dav"),
        ("h/.smbcredentials", "username=me\npassword=§\ndomain=h.io\n", "me@h.io"),
    ],
)
def test_one_account(path: str, text: str, account: str, parsed: Parsed, made: Made) -> None:
    secret = made()
    [found] = parsed(path, text.replace("§", secret))
    assert (found.raw, found.account) == (secret, account)
    assert parsed(path, text.replace("§", "changeme")) == []


def test_ncftp(parsed: Parsed, made: Made) -> None:
    secret = made()
    hidden = base64.b64encode(secret.encode() + b"\0").decode()
    [found] = parsed("h/.ncftp/bookmarks", f"NcFTP bookmark-file version: 8\nwork,h.io,me,*encoded*{hidden},,/x,I,21\n")
    assert (found.value, found.raw, found.account) == (secret, hidden, "me@h.io")


def test_a_list_of_servers(parsed: Parsed, made: Made) -> None:
    first, second = made(), made()
    text = json.dumps(
        [{"host": "a", "username": "u", "password": first}, {"host": "b", "username": "v", "password": second}]
    )
    found = parsed("p/sftp.json", text)
    assert [(each.raw, each.account) for each in found] == [(first, "u@a"), (second, "v@b")]
