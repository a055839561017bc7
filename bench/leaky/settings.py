"""Settings of applications, as their frameworks read them."""

from __future__ import annotations

from collections.abc import Callable

from bench.leaky.chance import Chance
from bench.leaky.layout import Json, Leaky, as_env, as_ini, as_json, as_toml, as_yaml

Make = Callable[[Chance], Leaky]


def _env(path: str) -> Make:
    def make(chance: Chance) -> Leaky:
        key, secret, password, cookie = chance.api_key(), chance.aws_secret(), chance.password(), chance.base64(32)
        ident = chance.aws_id()
        url_password = chance.password("_-")
        lines = {
            "STRIPE_KEY": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_ACCESS_KEY_ID": ident,
            "DB_PASSWORD": password,
            "SESSION_SECRET": cookie,
            "DATABASE_URL": f"postgres://app:{url_password}@{chance.host()}:5432/app",
            "DEBUG": "true",
            "TENANT_ID": chance.uuid(),
            "LOG_LEVEL": "info",
            "OTHER_API_KEY": chance.placeholder(),
        }
        return Leaky(path, as_env(chance, lines), [key, secret, password, cookie, url_password], [ident])

    return make


def _appsettings(chance: Chance) -> Leaky:
    password, key, jwt = chance.password("_-"), chance.azure_storage(), chance.opaque()
    tree = {
        "ConnectionStrings": {
            "Default": f"Server={chance.host()};Database=app;User Id=app;Password={password};",
            "Storage": f"DefaultEndpointsProtocol=https;AccountName={chance.word()};AccountKey={key}",
        },
        "Jwt": {"Key": jwt, "Issuer": "corp", "Audience": chance.uuid()},
        "Logging": {"LogLevel": {"Default": "Information"}},
    }
    return Leaky("web/appsettings.Production.json", as_json(chance, tree), [password, key, jwt])


def _spring(chance: Chance) -> Leaky:
    password, key, store = chance.password(), chance.opaque(), chance.password("_-")
    lines = [
        f"spring.datasource.url=jdbc:postgresql://{chance.host()}/app",
        "spring.datasource.username=app",
        f"spring.datasource.password={password}",
        f"app.jwt.secret={key}",
        f"server.ssl.key-store-password={store}",
        "server.port=8443",
        "app.token.ttl=3600",
    ]
    chance.shuffle(lines)
    return Leaky("service/src/main/resources/application.properties", "\n".join(lines) + "\n", [password, key, store])


def _spring_yaml(chance: Chance) -> Leaky:
    password, key = chance.password(), chance.opaque()
    tree = {
        "spring": {"datasource": {"url": f"jdbc:mysql://{chance.host()}/app", "username": "app", "password": password}},
        "security": {"oauth2": {"client-id": chance.text(20), "client-secret": key}},
        "logging": {"level": "info"},
    }
    return Leaky("service/src/main/resources/application-prod.yml", as_yaml(chance, tree), [password, key])


def _web_config(chance: Chance) -> Leaky:
    password, key = chance.password("_-"), chance.hex(64)
    text = f"""<?xml version="1.0"?>
<configuration>
  <connectionStrings>
    <add name="app" connectionString="Data Source={chance.host()};User ID=app;Password={password}" />
  </connectionStrings>
  <appSettings>
    <add key="ApiSecret" value="{key}" /><add key="Mode" value="live" /><add key="TenantId" value="{chance.uuid()}" />
  </appSettings>
</configuration>
"""
    return Leaky("legacy/Web.config", text, [password, key])


def _rails_database(chance: Chance) -> Leaky:
    password = chance.password()
    tree = {
        "production": {
            "adapter": "postgresql",
            "host": chance.host(),
            "username": "app",
            "password": password,
            "pool": 5,
        },
        "test": {"adapter": "sqlite3", "password": "<%= ENV['DB_PASSWORD'] %>"},
    }
    return Leaky("config/database.yml", as_yaml(chance, tree), [password])


def _rails_secrets(chance: Chance) -> Leaky:
    base = chance.hex(128)
    return Leaky(
        "config/secrets.yml", as_yaml(chance, {"production": {"secret_key_base": base, "smtp_port": 587}}), [base]
    )


def _wordpress(chance: Chance) -> Leaky:
    password, salt = chance.password("_-!#%"), chance.text(64)
    text = f"""<?php
define( 'DB_NAME', 'wp' );
define( 'DB_USER', 'wp' );
define('DB_PASSWORD', '{password}');
define( 'AUTH_KEY', '{salt}' );
$table_prefix = 'wp_';
"""
    return Leaky("blog/wp-config.php", text, [password, salt])


def _django(chance: Chance) -> Leaky:
    key, password, mail = (
        chance.text(50, "abcdefghijklmnopqrstuvwxyz0123456789!@#%^&*(-_=+)"),
        chance.password(),
        chance.sendgrid(),
    )
    text = f"""SECRET_KEY = 'django-insecure-{key}'
DATABASES = {{"default": {{"ENGINE": "django.db.backends.postgresql", "USER": "app", "PASSWORD": "{password}"}}}}
EMAIL_HOST_PASSWORD = "{mail}"
AUTH_PASSWORD_VALIDATORS = [{{"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}}]
"""
    return Leaky("site/settings.py", text, [f"django-insecure-{key}", password, mail])


def _toml(chance: Chance) -> Leaky:
    secret, password = chance.opaque(), chance.password()
    sections: dict[str, Json] = {
        "server": {"port": 8080, "name": "api"},
        "auth": {"client_id": chance.text(20), "client_secret": secret},
        "database": {"user": "app", "password": password, "host": chance.host()},
    }
    return Leaky("deploy/config.toml", as_toml(chance, sections), [secret, password])


def _ini(chance: Chance) -> Leaky:
    password, key = chance.password("!%+_-"), chance.opaque()
    return Leaky(
        "deploy/service.ini",
        as_ini(chance, {"db": {"user": "app", "password": password}, "api": {"api_key": key, "timeout": "30"}}),
        [password, key],
    )


def _alembic(chance: Chance) -> Leaky:
    password = chance.password("_-")
    return Leaky(
        "db/alembic.ini",
        as_ini(
            chance,
            {
                "alembic": {
                    "script_location": "migrations",
                    "sqlalchemy.url": f"postgresql://app:{password}@{chance.host()}/app",
                }
            },
        ),
        [password],
    )


def _json(chance: Chance) -> Leaky:
    key, secret, password = chance.api_key(), chance.opaque(), chance.password()
    tree = {
        "service": {"apiKey": key, "clientSecret": secret, "clientId": chance.uuid(), "publicKey": chance.base64(32)},
        "smtp": {"user": "app", "password": password, "port": 587},
        "version": chance.hex(40),
    }
    return Leaky("config/production.json", as_json(chance, tree), [key, secret, password])


def _firebase(chance: Chance) -> Leaky:
    key = chance.pem("pkcs8")
    tree = {
        "type": "service_account",
        "project_id": "prod-1",
        "private_key_id": chance.hex(40),
        "private_key": key,
        "client_email": "bot@prod-1.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return Leaky("secrets/gcp.json", as_json(chance, tree), [key], [tree["private_key_id"]])


def _plist(chance: Chance) -> Leaky:
    key = chance.opaque()
    text = f"""<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict>
<key>ServiceApiKey</key>
<string>{key}</string>
<key>CFBundleVersion</key>
<string>12</string>
</dict></plist>
"""
    return Leaky("ios/App/Service.plist", text, [key])


def _xml(chance: Chance) -> Leaky:
    key, password = chance.opaque(), chance.password("!%+_-")
    text = f"""<config>
  <remote host='{chance.host()}' user='app' password='{password}'/>
  <apiKey>{key}</apiKey>
  <id>{chance.uuid()}</id>
</config>
"""
    return Leaky("config/remote.xml", text, [key, password])


def _npmrc(chance: Chance) -> Leaky:
    token = chance.npm()
    return Leaky(
        "frontend/.npmrc", f"//npm.northwind-parts.internal/:_authToken={token}\nengine-strict=true\n", [token]
    )


def _gradle(chance: Chance) -> Leaky:
    password = chance.password("_-")
    return Leaky(
        "android/gradle.properties",
        f"RELEASE_STORE_FILE=release.jks\nRELEASE_STORE_PASSWORD={password}\nandroid.useAndroidX=true\n",
        [password],
    )


def _android(chance: Chance) -> Leaky:
    key = chance.google()
    return Leaky(
        "android/app/src/main/res/values/strings.xml",
        '<resources>\n  <string name="app_name">App</string>\n'
        f'  <string name="google_maps_key">{key}</string>\n</resources>\n',
        [key],
    )


def _mcp(chance: Chance) -> Leaky:
    token = chance.opaque()
    return Leaky(
        ".mcp.json",
        as_json(chance, {"mcpServers": {"x": {"command": "npx", "args": ["x"], "env": {"X_TOKEN": token}}}}),
        [token],
    )


def _redis(chance: Chance) -> Leaky:
    password = chance.text(32)
    return Leaky(
        "deploy/redis.conf",
        f"port 6379\nrequirepass {password}\nmaxmemory 1gb\n# masterauth <master-password>\n",
        [password],
    )


SETTINGS: tuple[Make, ...] = (
    *(_env(".env"), _env("api/.env.production"), _appsettings, _spring, _spring_yaml, _web_config, _rails_database),
    *(
        _rails_secrets,
        _wordpress,
        _django,
        _toml,
        _ini,
        _alembic,
        _json,
        _firebase,
        _plist,
        _xml,
        _npmrc,
        _gradle,
        _android,
    ),
    *(_mcp, _redis),
)
