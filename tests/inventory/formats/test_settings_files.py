"""Settings of frameworks, build tools and servers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from yett.inventory.severity import Severity

Parsed = Callable[..., list]
Made = Callable[..., str]

FILES = [
    ("p/wp-config.php", "define( 'DB_USER', 'me' );\ndefine( 'DB_PASSWORD', '§' );\ndefine('DB_HOST', 'db');\n",
     "me@db"),
    ("p/configuration.php", "class J { public $user = 'me'; public $password = '§'; public $host = 'db'; }",
     "me@db"),
    ("p/settings.php", "$databases['a'] = ['username' => 'me', 'password' => '§', 'host' => 'db'];", "me@db"),
    ("p/app/etc/env.php", "return ['db' => ['host' => 'db', 'username' => 'me', 'password' => '§']];", "me@db"),
    ("p/config.inc.php", "$cfg['Servers'][$i]['password'] = '§';", ""),
    ("p/settings.py", "SECRET_KEY = '§'\nDEBUG = True\n", ""),
    ("p/settings.py", "DATABASES = {'default': {'USER': 'me', 'PASSWORD': '§', 'HOST': 'db'}}\n", "me@db"),
    ("h/.jupyter/jupyter_server_config.py", "c.ServerApp.token = '§'\n", ""),
    ("p/parameters.yml", "parameters:\n  database_host: db\n  database_user: me\n  database_password: §\n", "me@db"),
    ("p/config/database.yml", "production:\n  username: me\n  password: §\n  host: db\n", "me@db"),
    ("p/config/database.yml", "production:\n  url: postgres://me:§@db/x\n", "me@db"),
    ("p/config/secrets.yml", "production:\n  secret_key_base: §\n", ""),
    ("p/application.properties", "spring.datasource.username=me\nspring.datasource.password=§\n", "me"),
    ("p/application-prod.yml", "spring:\n  datasource:\n    username: me\n    password: §\n", "me"),
    ("h/.m2/settings.xml", "<settings><servers><server><id>a</id><username>me</username><password>§</password>"
     "</server><server><id>b</id></server></servers></settings>", "me"),
    ("h/.gradle/gradle.properties", "org.gradle.daemon=true\nossrhUsername=me\nossrhPassword=§\n", "me"),
    ("p/NuGet.Config", '<configuration><x><add key="Username" value="me"/><add key="ClearTextPassword" value="§"/></x>'
     "</configuration>", ""),
    ("p/group_vars/all.yml", "ansible_user: me\nansible_password: §\nansible_become_pass: '{{ vault_x }}'\n", "me"),
    ("p/inventory.ini", "[web]\nh1 ansible_user=me ansible_password=§\n", "me"),
    ("p/hieradata/common.yaml", "mysql::root_password: §\nother: ENC[PKCS7,MIIB]\n", ""),
    ("p/pillar/db.sls", "mysql:\n  password: §\n", ""),
    ("t/conf/tomcat-users.xml", '<tomcat-users><user username="me" password="§" roles="manager-gui"/></tomcat-users>',
     "me"),
    ("t/conf/server.xml", '<Server><Connector port="8443" keystorePass="§"/></Server>', ""),
    ("etc/standalone.xml", "<server><datasource><security><user-name>me</user-name><password>§</password></security>"
     "</datasource></server>", "me"),
    ("etc/grafana/grafana.ini", "[database]\nuser = me\nhost = db:3306\npassword = §\n", "me@db:3306"),
    ("etc/alertmanager.yml", "global:\n  smtp_auth_username: me\n  smtp_auth_password: §\n", "me"),
    ("etc/redis.conf", "# requirepass foobared\nbind 127.0.0.1\nrequirepass §\n", ""),
    ("etc/redis/users.acl", "user default off\nuser me on >§ ~* +@all\n", "me"),
    ("etc/sentinel.conf", "sentinel auth-pass main §\n", "main"),
    ("etc/mongod.conf", "security:\n  ldap:\n    bind:\n      queryPassword: §\n", ""),
    ("p/kafka_server_jaas.conf", 'KafkaServer {\n  PlainLoginModule required\n  username="me"\n  password="§";\n};\n',
     "me"),
    ("p/client.properties", 'sasl.jaas.config=PlainLoginModule required username=\\"me\\" password=\\"§\\";\n', "me"),
    ("etc/elasticsearch.yml", "xpack.http.ssl.keystore.password: §\n", ""),
    ("etc/postgresql.auto.conf", "primary_conninfo = 'host=db user=me password=§ port=5432'\n", "me@db"),
    ("etc/userlist.txt", '"me" "§"\n', "me"),
    ("etc/slapd.conf", "rootdn cn=admin\nrootpw §\n", ""),
    ("etc/nslcd.conf", "uri ldap://h\nbindpw §\n", ""),
    ("p/gitea/conf/app.ini", "[database]\nHOST = db\nUSER = me\nPASSWD = §\n", "me@db"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "text", "account"), FILES)
def test_one_password(path: str, text: str, account: str, parsed: Parsed, made: Made) -> None:
    secret = made()
    [found] = parsed(path, text.replace("§", secret))
    assert (found.raw, found.account) == (secret, account)
    assert parsed(path, text.replace("§", "changeme")) == []
    assert parsed(path, text.replace("§", "${PASSWORD}")) == []


def test_salts_of_wordpress_are_worth_less_than_its_password(parsed: Parsed, made: Made) -> None:
    salt, password = made(64), made()
    text = f"define('AUTH_KEY', '{salt}');\ndefine('NONCE_SALT', 'put your unique phrase here');\n"
    text += f"define('DB_PASSWORD', '{password}');"
    found = {each.raw: each.hit.severity for each in parsed("p/wp-config.php", text)}
    assert found == {salt: Severity.MEDIUM, password: Severity.HIGH}


def test_what_is_encrypted_is_no_password(parsed: Parsed, made: Made) -> None:
    hidden = "{" + made(40) + "=}"
    text = (
        f"<settings><servers><server><username>me</username><password>{hidden}</password></server></servers></settings>"
    )
    assert parsed("h/.m2/settings.xml", text) == []
    assert parsed("p/group_vars/prod/vault.yml", f"$ANSIBLE_VAULT;1.1;AES256\n{made(80, '0123456789')}\n") == []
    text = f"a_password: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  {made(80, '0123456789')}\n"
    assert parsed("p/group_vars/all.yml", text) == []


def test_hashes_are_low(parsed: Parsed, made: Made) -> None:
    hashed = "$2b$12$" + made(53)
    [found] = parsed("p/definitions.json", f'{{"users": [{{"name": "me", "password": "{hashed}"}}]}}')
    assert found.hit.severity is Severity.LOW
    [found] = parsed("etc/userlist.txt", f'"me" "md5{made(32, "0123456789abcdef")}"\n')
    assert found.hit.severity is Severity.LOW
    [found] = parsed("etc/mgmt-users.properties", f"#c\nadmin={made(32, '0123456789abcdef')}\n")
    assert (found.account, found.hit.severity) == ("admin", Severity.LOW)


def test_key_files(parsed: Parsed, made: Made) -> None:
    key = made(32, "0123456789abcdef")
    [found] = parsed("p/config/master.key", key + "\n")
    assert (found.raw, found.hit.severity) == (key, Severity.CRITICAL)
    secret = made(12)
    [found] = parsed("h/.vault_pass", secret + "\n")
    assert found.raw == secret
    key = made(400)
    assert [each.raw for each in parsed("etc/mongodb-keyfile", key + "\n")] == [key]
