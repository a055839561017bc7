"""Clients of FTP, WebDAV, SMB and mail: sites and accounts with their passwords."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise

from yett.inventory.formats.entry import Entry, account_at, by_parent, text_of
from yett.inventory.formats.format import Format
from yett.inventory.formats.ini_spans import ini_entries
from yett.inventory.formats.json_spans import json_entries
from yett.inventory.formats.line_format import line_format
from yett.inventory.formats.named_format import named_format
from yett.inventory.formats.obfuscations import base64_text, winscp
from yett.inventory.formats.parser import hits, parser
from yett.inventory.formats.placeholder import is_placeholder
from yett.inventory.formats.shell_files import shell_text
from yett.inventory.formats.shell_words import commands
from yett.inventory.formats.spaced import spaced_entries
from yett.inventory.formats.word import Found, Word, in_address
from yett.inventory.formats.xml_spans import xml_entries
from yett.inventory.hit import Hit

_FETCHMAIL_LONGEST = 65_536
_MAIL = "password of a mail account"
_FTP = "password of a file server"


def _filezilla(entries: list[Entry]) -> Iterator[Found]:
    """Host and User stand before Pass; one with encoding="crypt" needs the master password."""
    host = user = encoding = ""
    for entry in entries:
        match entry.key.lower():
            case "host":
                host, user, encoding = entry.value, "", ""
            case "user":
                user = entry.value
            case "@encoding":
                encoding = entry.value
            case "pass" if encoding != "crypt":
                plain = base64_text(entry.value) if encoding == "base64" else b""
                shown = replace(entry, value=plain.decode(), decoded=plain) if plain else entry
                if shown.is_real and (plain or encoding != "base64"):
                    yield shown, account_at(user, host)


def _winscp(entries: list[Entry]) -> Iterator[Found]:
    for siblings in by_parent(entries).values():
        user, host = text_of(siblings, "username"), text_of(siblings, "hostname")
        for key in ("password", "tunnelpassword", "proxypassword", "proxypasswordenc", "passphrase"):
            entry = siblings.get(key)
            plain = winscp(entry.value, user, host) if entry else b""
            if entry and plain and not is_placeholder(plain):
                yield replace(entry, value=plain.decode(), decoded=plain), account_at(user, host)


def _addresses(content: bytes) -> Iterator[Found]:
    """Bookmarks of lftp, commands in its start file."""
    yield from shell_text(content)
    for found in re.finditer(rb"\S{1,2000}", content):
        if b"://" in found[0]:
            yield from in_address(Word(found[0], *found.span(), ((0, found.start(), len(found[0])),)))


def _fetchmail(content: bytes) -> Iterator[Found]:
    """poll HOST user NAME password WORD, over any number of lines (fetchmail(1))."""
    host = user = ""
    words = [word for at in range(0, len(content), _FETCHMAIL_LONGEST) for word in _words(content, at)]
    for key, value in pairwise(words):
        match key.value.lower():
            case b"poll" | b"skip" | b"server":
                host = value.text
            case b"user" | b"username":
                user = value.text
            case b"pass" | b"password":
                yield value.tail(0, "password"), account_at(user, host)


def _words(content: bytes, at: int) -> Iterator[Word]:
    for _, words in commands(content, at, min(len(content), at + _FETCHMAIL_LONGEST)):
        yield from (word for word in words if word.value not in (b"is", b"="))


def _found_format(
    kind: str,
    title: str,
    find: Callable[[bytes], Iterator[Found]],
    *homes: str,
    names: tuple[str, ...],
    paths: tuple[str, ...] = (),
) -> Format:
    def parse(content: bytes) -> Iterator[Hit]:
        real = ((entry, account) for entry, account in find(content) if entry.is_real)
        yield from hits(real, kind, title)

    endings = dict.fromkeys((*(home.removeprefix("~/") for home in homes), *paths))
    return Format(kind, title, "password", parse, names, tuple(endings), homes)


FORMATS = (
    Format(
        "filezilla",
        "password in FileZilla's sites",
        "password",
        parser(xml_entries, lambda entries: hits(_filezilla(entries), "filezilla", "password in FileZilla's sites")),
        ("sitemanager.xml", "recentservers.xml", "filezilla.xml", "filezilla-sites*.xml"),
        (),
        (
            "~/.config/filezilla/sitemanager.xml",
            "~/.config/filezilla/recentservers.xml",
            "~/.config/filezilla/filezilla.xml",
            "~/.filezilla/*.xml",
        ),
        rb"<FileZilla3",
    ),
    Format(
        "winscp",
        "password in WinSCP's sessions",
        "password",
        parser(ini_entries, lambda entries: hits(_winscp(entries), "winscp", "password in WinSCP's sessions")),
        ("winscp.ini",),
    ),
    _found_format(
        "lftp",
        "password in lftp's bookmarks",
        _addresses,
        "~/.local/share/lftp/bookmarks",
        "~/.lftp/bookmarks",
        "~/.lftprc",
        "~/.lftp/rc",
        "~/.config/lftp/rc",
        names=(".lftprc",),
    ),
    line_format(
        "ncftp",
        "password in ncftp's bookmarks",
        rb"[^,\r\n]{0,200},(?P<host>[^,\r\n]{1,200}),(?P<user>[^,\r\n]{0,100}),"
        rb"\*encoded\*(?P<secret>[A-Za-z0-9+/=]{4,400})",
        "~/.ncftp/bookmarks",
        decode=base64_text,
    ),
    named_format(
        "sftp-json",
        _FTP,
        json_entries,
        "~/.config/sublime-text/Packages/User/sftp_servers/*",
        names=(
            "sftp-config.json",
            ".ftpconfig",
            ".ftppass",
            ".sftpconfig.json",
            ".remote-sync.json",
            "sftp.json",
            ".ftpsync.json",
        ),
        paths=(".vscode/sftp.json", ".vscode/ftp-sync.json", ".vscode/ftp-simple.json"),
    ),
    named_format("msmtp", _MAIL, spaced_entries, "~/.msmtprc", "~/.config/msmtp/config", names=(".msmtprc", "msmtprc")),
    named_format(
        "mbsync",
        _MAIL,
        spaced_entries,
        "~/.mbsyncrc",
        "~/.config/isyncrc",
        names=(".mbsyncrc", "isyncrc"),
        also=("pass",),
    ),
    named_format("esmtp", _MAIL, ini_entries, "~/.esmtprc", names=(".esmtprc", "esmtprc")),
    named_format(
        "offlineimap",
        _MAIL,
        ini_entries,
        "~/.offlineimaprc",
        "~/.config/offlineimap/config",
        names=(".offlineimaprc", "offlineimaprc"),
        also=("remotepass", "localpass"),
    ),
    named_format("ssmtp", _MAIL, ini_entries, names=("ssmtp.conf",), also=("authpass",)),
    named_format("getmail", _MAIL, ini_entries, "~/.getmail/getmailrc", "~/.config/getmail/*", names=("getmailrc",)),
    named_format(
        "himalaya",
        _MAIL,
        ini_entries,
        "~/.config/himalaya/config.toml",
        "~/.config/aerc/accounts.conf",
        "~/.config/neomutt/accounts/*",
        also=("raw",),
    ),
    _found_format("fetchmail", _MAIL, _fetchmail, "~/.fetchmailrc", names=(".fetchmailrc", "fetchmailrc")),
    _found_format(
        "mutt",
        _MAIL,
        shell_text,
        "~/.muttrc",
        "~/.mutt/*",
        "~/.neomuttrc",
        "~/.config/mutt/*",
        "~/.config/neomutt/*",
        names=(".muttrc", "muttrc", ".neomuttrc", "neomuttrc"),
    ),
    _found_format("swaks", _MAIL, shell_text, "~/.swaksrc", names=(".swaksrc",)),
    line_format(
        "mailrc",
        _MAIL,
        rb"\s{0,20}set\s{1,20}(?:smtp-auth-|imap-|pop3-)?"
        rb"password(?:-(?P<user>[^\s=@]{1,100})(?:@(?P<host>[^\s=]{1,100}))?)?=[\"']?(?P<secret>[^\s\"']{1,500})",
        "~/.mailrc",
        names=(".mailrc", "mail.rc", "s-nail.rc"),
    ),
    line_format(
        "sasl-passwd",
        "password of a mail relay",
        rb"\[?(?P<host>[^\s\]#]{1,200})\]?(?::\w{1,10})?[ \t]{1,100}(?P<user>[^\s:]{1,200}):(?P<secret>\S{1,500})",
        names=("sasl_passwd", "sasl_password", "smtp_auth", "saslpasswd"),
        paths=("postfix/sasl/passwd",),
    ),
    line_format(
        "exim-passwd",
        "password of a mail relay",
        rb"(?P<host>[^\s:#]{1,200}):(?P<user>[^\s:]{1,200}):(?P<secret>\S{1,500})",
        names=("passwd.client",),
    ),
    line_format(
        "davfs2",
        _FTP,
        rb"[ \t]{0,8}(?P<host>[^\s#]{1,500})[ \t]{1,100}(?P<user>[^\s]{1,200})[ \t]{1,100}"
        rb"[\"']?(?P<secret>[^\s\"']{1,500})",
        "~/.davfs2/secrets",
        paths=("davfs2/secrets",),
    ),
    named_format(
        "smb-credentials",
        _FTP,
        ini_entries,
        "~/.smbcredentials",
        "~/.smbcred",
        "~/.cifs",
        "~/.config/smbcredentials",
        names=(
            ".smbcredentials",
            ".smbcredentials*",
            ".smbcred",
            "smbcredentials",
            "cifs-credentials",
            ".cifscredentials",
            "*.smbcredentials",
        ),
        paths=("etc/samba/credentials*", "etc/cifs-credentials*"),
    ),
)
