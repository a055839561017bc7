"""AWS: credentials and configuration files, the caches of `aws sso login` and of assumed roles."""

from __future__ import annotations

from yett.inventory.formats.declared import Row, declared
from yett.inventory.formats.format import Format
from yett.inventory.formats.ini_spans import ini_entries
from yett.inventory.formats.json_spans import json_entries
from yett.inventory.severity import Severity

SECRET = "AWS secret access key"
SESSION = "AWS session token"
SSO = "login of AWS IAM Identity Center"

_BESIDE = "accesskeyid|access_key_id|aws_access_key_id"
_INI = (
    Row("**/aws_secret_access_key", "aws-secret-access-key", SECRET, "api-key", "aws", _BESIDE),
    Row("**/aws_session_token|aws_security_token", "aws-session-token", SESSION, "session", "aws", _BESIDE),
)
_KEYS = (
    Row("**/secretaccesskey", "aws-secret-access-key", SECRET, "api-key", "aws", _BESIDE),
    Row("**/sessiontoken", "aws-session-token", SESSION, "session", "aws", _BESIDE),
)
_LOGIN = (
    Row("accesstoken|refreshtoken", "aws-sso", SSO, "oauth-token", "aws", host="starturl"),
    Row("clientsecret", "aws-sso", "client of AWS IAM Identity Center", "oauth-client", "aws", "clientid"),
)

FORMATS = (
    Format(
        "aws-credentials",
        SECRET,
        "api-key",
        declared(ini_entries, _INI),
        names=("aws_credentials", ".aws-credentials", "awscredentials"),
        paths=(".aws/credentials", ".aws/config", "aws/credentials", ".aws/credentials.*", ".aws/cli/alias"),
        homes=("~/.aws/credentials", "~/.aws/config", "~/.aws/credentials.*"),
        sniff=rb"\[[A-Za-z0-9_. @-]{1,80}\][ \t]{0,8}[\r\n]{1,4}[ \t]{0,8}"
        rb"(?i:aws_access_key_id|aws_secret_access_key)[ \t]{0,4}=",
        severity=Severity.CRITICAL,
    ),
    Format(
        "aws-keys-json",
        SECRET,
        "api-key",
        declared(json_entries, _KEYS),
        paths=(".aws/cli/cache/*.json", ".aws/boto/cache/*.json", "aws/credentials.json"),
        homes=("~/.aws/cli/cache/*.json", "~/.aws/boto/cache/*.json"),
        sniff=rb'"SecretAccessKey"[ \t]{0,4}:[ \t]{0,4}"[A-Za-z0-9/+]{20}',
    ),
    Format(
        "aws-sso",
        SSO,
        "oauth-token",
        declared(json_entries, (*_LOGIN, *_KEYS)),
        paths=(".aws/sso/cache/*.json", ".aws/login/cache/*.json"),
        homes=("~/.aws/sso/cache/*.json", "~/.aws/login/cache/*.json"),
    ),
)
