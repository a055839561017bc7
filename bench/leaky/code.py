"""Source code in sixteen languages with a credential in each, and what looks like one beside it."""

from __future__ import annotations

from collections.abc import Callable

from bench.leaky.chance import Chance
from bench.leaky.layout import Leaky

_Values = tuple[str, str, str]
"""A key of an issuer, a secret without a form, a password."""


def _code(extension: str, write: Callable[[Chance, _Values], str]) -> Callable[[Chance], Leaky]:
    def make(chance: Chance) -> Leaky:
        values = (chance.api_key(), chance.opaque(), chance.password("_-"))
        folder = chance.choice(("src", "lib", "app", "internal", "cmd"))
        return Leaky(f"{folder}/{chance.word()}_{chance.word()}.{extension}", write(chance, values), list(values))

    return make


def _python(chance: Chance, values: _Values) -> str:
    key, secret, password = values
    quote = chance.choice("\"'")
    return f"""import os
API_KEY = {quote}{key}{quote}
client = Client(host="{chance.host()}", client_secret={quote}{secret}{quote}, region="eu-west-1")
engine = create_engine("postgresql://app:{password}@{chance.host()}/app")
TOKEN = os.environ["APP_TOKEN"]
PUBLIC_KEY = "{chance.base64(32)}"
checksum = "{chance.hex(64)}"
def login(user, password=None): return connect(user=user, password=password)
"""


def _javascript(chance: Chance, values: _Values) -> str:
    key, secret, password = values
    quote = chance.choice("\"'`")
    return f"""const apiKey = {quote}{key}{quote};
module.exports = {{ clientSecret: "{secret}", clientId: "{chance.uuid()}", password: process.env.PASSWORD }};
const db = new Client("mysql://app:{password}@{chance.host()}/app");
const integrity = "sha512-{chance.base64(64)}";
const tokenUrl = "https://{chance.host()}/oauth/token";
"""


def _typescript(chance: Chance, values: _Values) -> str:
    key, secret, password = values
    return f"""export const config: Config = {{
  accessToken: '{key}',
  webhookSecret: '{secret}',
  maxTokens: 4096, nextToken: undefined, requestId: '{chance.uuid()}',
}};
const uri = `amqp://worker:{password}@{chance.host()}:5672/%2F`;
"""


def _go(chance: Chance, values: _Values) -> str:
    key, secret, password = values
    return f"""package main
const apiKey = "{key}"
var signingSecret = []byte("{secret}")
func open() (*sql.DB, error) {{ return sql.Open("pgx", "postgres://app:{password}@{chance.host()}/app") }}
// h1:{chance.base64(32)}
var etag = "{chance.hex(40)}"
"""


def _java(chance: Chance, values: _Values) -> str:
    key, secret, password = values
    return f"""public final class Settings {{
    private static final String API_TOKEN = "{key}";
    static final String CLIENT_SECRET = "{secret}";
    DataSource open() {{ return driver("jdbc:postgresql://{chance.host()}/app?user=app&password={password}"); }}
    static final long serialVersionUID = {chance.randint(10**17, 10**18)}L;
    String keyAlias = "server"; String secretName = "prod/db"; String token = request.getToken();
}}
"""


def _kotlin(chance: Chance, values: _Values) -> str:
    key, secret, password = values
    return f"""object Settings {{
    const val API_KEY = "{key}"
    val clientSecret: String = "{secret}"
    val url = "mongodb://app:{password}@{chance.host()}/app"
    val traceId = "{chance.hex(32)}"
}}
"""


def _ruby(chance: Chance, values: _Values) -> str:
    key, secret, password = values
    return f"""Client.configure do |config|
  config.api_key = "{key}"
  config.secret_token = '{secret}'
  config.url = 'redis://default:{password}@{chance.host()}:6379/0'
  config.token = ENV.fetch("TOKEN")
  config.digest = "{chance.hex(64)}"
end
"""


def _php(chance: Chance, values: _Values) -> str:
    key, secret, password = values
    return f"""<?php
$apiKey = '{key}';
$config = ['client_secret' => "{secret}", 'client_id' => '{chance.uuid()}'];
$db = new mysqli('{chance.host()}', 'app', getenv('DB_PASS'));
$url = 'ftp://app:{password}@{chance.host()}/in';
"""


def _csharp(chance: Chance, values: _Values) -> str:
    key, secret, password = values
    return f"""public static class Settings {{
    public const string ApiKey = "{key}";
    public const string ClientSecret = @"{secret}";
    public const string Db = "Server={chance.host()};Database=app;User Id=app;Password={password};Encrypt=true";
    public static readonly Guid Tenant = new Guid("{chance.uuid()}");
}}
"""


def _rust(chance: Chance, values: _Values) -> str:
    key, secret, password = values
    return f"""const API_KEY: &str = "{key}";
static SIGNING_SECRET: &str = "{secret}";
let pool = PgPool::connect("postgres://app:{password}@{chance.host()}/app").await?;
let checksum = "{chance.hex(64)}";
"""


def _swift(chance: Chance, values: _Values) -> str:
    key, secret, password = values
    return f"""struct Settings {{
    static let apiKey = "{key}"
    let clientSecret: String = "{secret}"
    let bundle = "com.{chance.word()}.app", team = "{chance.text(10).upper()}"
    let url = URL(string: "https://app:{password}@{chance.host()}/v1")!
}}
"""


def _scala(chance: Chance, values: _Values) -> str:
    key, secret, password = values
    return f"""object Settings {{
  val apiToken = "{key}"
  val clientSecret: String = "{secret}"
  val url = "jdbc:mysql://{chance.host()}/app?user=app&password={password}"
}}
"""


def _perl(chance: Chance, values: _Values) -> str:
    key, secret, password = values
    return f"""my $api_key = '{key}';
my %config = (client_secret => "{secret}", user => 'app');
my $url = "https://app:{password}@{chance.host()}/";
"""


def _powershell(chance: Chance, values: _Values) -> str:
    key, secret, password = values
    return f"""$apiKey = "{key}"
$headers = @{{ 'X-Api-Key' = '{secret}' }}
$env:PGPASSWORD = "{password}"
$id = [guid]"{chance.uuid()}"
"""


def _lua(chance: Chance, values: _Values) -> str:
    key, secret, password = values
    return f"""local api_key = "{key}"
local config = {{ secret_key = '{secret}', name = "gate" }}
local url = "redis://:{password}@{chance.host()}:6379"
"""


def _c(chance: Chance, values: _Values) -> str:
    key, secret, password = values
    return f"""#define API_KEY "{key}"
static const char *client_secret = "{secret}";
static const char *url = "ldap://app:{password}@{chance.host()}";
static const char *build_id = "{chance.hex(40)}";
"""


CODE = tuple(
    _code(extension, write)
    for extension, write in (
        *(("py", _python), ("js", _javascript), ("ts", _typescript), ("go", _go), ("java", _java), ("kt", _kotlin)),
        *(("rb", _ruby), ("php", _php), ("cs", _csharp), ("rs", _rust), ("swift", _swift), ("scala", _scala)),
        *(("pl", _perl), ("ps1", _powershell), ("lua", _lua), ("c", _c)),
    )
)
