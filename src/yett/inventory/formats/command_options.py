"""Where programs take credentials on their command line, from their manual pages: one row a family of programs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Shape(Enum):
    """What an option's value is."""

    PASSWORD = ""
    USER_COLON = ":"
    USER_PERCENT = "%"
    USER_COMMA = ","
    OPENSSL = "pass:"


@dataclass(frozen=True, slots=True)
class Option:
    """`joined`: -pPASS, `apart`: -p PASS. `only_with`: words of which one must stand in the command (login, -b)."""

    flags: tuple[str, ...]
    shape: Shape = Shape.PASSWORD
    joined: bool = True
    apart: bool = True
    only_with: frozenset[str] = frozenset()


def _of(programs: str, *options: Option) -> dict[str, tuple[Option, ...]]:
    return dict.fromkeys(programs.split(), options)


_LOGIN = frozenset({"login", "registry-login"})

OPTIONS: dict[str, tuple[Option, ...]] = {
    **_of("curl", Option(("-u", "--user", "-U", "--proxy-user"), Shape.USER_COLON), Option(("--pass", "--key-pass"))),
    **_of("http https xh xhs", Option(("-a", "--auth"), Shape.USER_COLON)),
    **_of(
        "mysql mysqldump mysqladmin mysqlimport mysqlcheck mysqlshow mysqlslap mysqlbinlog mysqlpump mysqlsh mariadb "
        "mariadb-dump mariadb-admin mariadb-import mariadb-check mycli xtrabackup innobackupex mydumper myloader",
        Option(("-p",), apart=False),
    ),
    **_of("mongo mongosh mongodump mongorestore mongoexport mongoimport mongostat mongotop", Option(("-p",))),
    **_of("redis-cli valkey-cli keydb-cli", Option(("-a", "--pass"))),
    **_of("sqlcmd bcp osql isql tsql go-sqlcmd mssql-cli", Option(("-P",))),
    **_of(
        "ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami ldapcompare ldapmodrdn ldapexop ldapvi ldappasswd",
        Option(("-w",)),
    ),
    **_of("sshpass", Option(("-p",))),
    **_of(
        "docker podman nerdctl buildah skopeo helm oras crane regctl "
        "az oc kubectl cf ibmcloud argocd registry rosa tkn",
        Option(("-p",), only_with=_LOGIN),
    ),
    **_of(
        "openssl",
        Option(("-passin", "-passout", "-pass"), Shape.OPENSSL, joined=False),
        Option(("-k", "-K"), joined=False),
    ),
    **_of(
        "smbclient net rpcclient winexe smbget smbmap smbtree nmblookup wmic",
        Option(("-U", "--user"), Shape.USER_PERCENT),
    ),
    **_of("lftp open", Option(("-u", "--user"), Shape.USER_COMMA)),
    **_of(
        "ncftpput ncftpget ncftpls ncftp twine cqlsh rdesktop nxc netexec crackmapexec evil-winrm vncdo",
        Option(("-p",)),
    ),
    **_of("zip unzip zipcloak ipmitool mosquitto_pub mosquitto_sub mosquitto_rr", Option(("-P",))),
    **_of("7z 7za 7zr 7zz rar unrar", Option(("-p", "-hp"), apart=False)),
    **_of("xfreerdp wlfreerdp sdl-freerdp xfreerdp3", Option(("/p:",), apart=False)),
    **_of("snmpget snmpwalk snmpbulkwalk snmpset snmptrap", Option(("-A", "-X"))),
    **_of("gh", Option(("-b", "--body"), only_with=frozenset({"secret"}))),
    **_of("doctl", Option(("-t", "--access-token"))),
    **_of("smtp-cli swaks sendemail", Option(("-ap", "--auth-password", "-xp"), joined=False)),
    **_of("sonar-scanner", Option(("-Dsonar.login=", "-Dsonar.token="), apart=False)),
    **_of("pgbench influx", Option(("-t", "-password"), joined=False, only_with=frozenset({"--token", "-password"}))),
    **_of(
        "nuget dotnet",
        Option(
            ("-ApiKey", "-apikey", "-k", "--api-key"),
            joined=False,
            only_with=frozenset({"push", "setapikey", "setApiKey"}),
        ),
    ),
    **_of("gem cargo", Option(("--key",), only_with=frozenset({"push", "publish"}))),
}

PAIRED = frozenset({"ENV", "ARG", "set", "config", "--add", "--set", "--global", "configure", "modify"})
"""Behind one of these a word that names a secret is followed by it: aws configure set aws_secret_access_key VALUE."""

FROM_INPUT = frozenset(
    {
        "--password-stdin",
        "--with-token",
        "-S",
        "--stdin",
        "chpasswd",
        "--token-stdin",
        "--passphrase-fd",
        "--key-file=-",
        "--from-stdin",
    }
)
"""Words of commands that read a credential from their input."""

WRAPPERS = frozenset(
    {
        "sudo",
        "env",
        "time",
        "nohup",
        "exec",
        "command",
        "doas",
        "nice",
        "ionice",
        "export",
        "declare",
        "local",
        "xargs",
        "then",
        "do",
        "else",
        "if",
        "!",
        "watch",
        "timeout",
        "stdbuf",
        "setsid",
        "eval",
        "{",
        "@",
        "-",
        "set",
        "readonly",
        "RUN",
        "CMD",
        "ENTRYPOINT",
        "alias",
        "typeset",
        "setenv",
    }
)

USER_FLAGS = ("-u", "--user", "-U", "--username", "--user-name", "-l")
HOST_FLAGS = ("-h", "--host", "--hostname", "-S", "--server", "-H")
