"""Shell files, Dockerfiles, units, pipelines, compose files, SQL in files."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Parsed = Callable[..., list]
Made = Callable[..., str]


def test_a_start_file(parsed: Parsed, made: Made) -> None:
    values = [made() for _ in range(5)]
    text = (
        f"export A_TOKEN={values[0]}\nexport PATH=$PATH:/x B='y' C_SECRET=\"{values[1]}\" # c\n"
        f"# export D_KEY={values[2]}1\n"
        f"alias db='mysql -u root -p{values[3]}'\nexport DB_PASSWORD=$(pass db)\nset -gx E_API_KEY {values[4]}\n"
    )
    for path in ("h/.bashrc", "h/.bash_profile", "h/.profile", "h/.zshrc", "h/.config/fish/config.fish", "p/.envrc"):
        assert [found.value.removesuffix("1") for found in parsed(path, text)] == values


def test_a_crontab_a_unit_and_a_procfile(parsed: Parsed, made: Made) -> None:
    first, second, third = made(), made(), made()
    text = f"MAIL_PASSWORD={first}\n*/5 * * * * root curl -u bob:{second} https://h.io\n"
    assert [found.raw for found in parsed("etc/cron.d/job", text)] == [first, second]
    text = (
        f'[Service]\nEnvironment="A_PASSWORD={first}" "B=c"\nEnvironment=C_TOKEN={second}\n'
        f"ExecStart=/usr/bin/x \\\n  --token {third} --port 80\n"
    )
    assert [found.raw for found in parsed("etc/systemd/system/x.service", text)] == [first, second, third]
    assert [found.raw for found in parsed("p/Procfile", f"web: SECRET_KEY={first} gunicorn app\n")] == [first]


def test_a_dockerfile_and_a_makefile(parsed: Parsed, made: Made) -> None:
    values = [made() for _ in range(4)]
    text = (
        f"FROM x\nENV A_TOKEN={values[0]} B=c\nENV D_PASSWORD {values[1]}\nARG E_TOKEN\nARG F_TOKEN=${{X}}\n"
        f"RUN curl -u a:{values[2]} x && \\\n    login --password={values[3]}\n"
    )
    assert [found.raw for found in parsed("p/Dockerfile", text)] == values
    text = f"DB_PASSWORD := {values[0]}\nexport T_TOKEN ?= {values[1]}\nrun:\n\t@curl -u a:{values[2]} h\n"
    text += "\tX_TOKEN=$(X) y\n"
    assert [found.raw for found in parsed("p/Makefile", text)] == values[:3]


def test_a_workflow_has_literals_where_references_should_be(parsed: Parsed, made: Made) -> None:
    values = [made() for _ in range(4)]
    text = (
        f"permissions:\n  id-token: write\nenv:\n  A_TOKEN: ${{{{ secrets.A }}}}\n  B_TOKEN: {values[0]}\njobs:\n  a:\n"
        f"    steps:\n    - uses: x\n      with:\n        username: bob\n        password: {values[1]}\n"
        f"    - run: |\n        echo hi\n        docker login -u me -p {values[2]}\n"
        f"    - run: 'curl -u a:{values[3]} h'\n"
    )
    found = parsed("p/.github/workflows/ci.yml", text)
    assert [(each.raw, each.account) for each in found] == list(zip(values, ["", "bob", "me", "a"], strict=True))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("p/.gitlab-ci.yml", "variables:\n  X_TOKEN: '§'\n  Y: z\n"),
        ("p/.gitlab-ci.yml", "variables:\n  X_TOKEN:\n    value: §\n    description: d\n"),
        ("p/.gitlab-ci.yml", "job:\n  script:\n  - mysql -u u -p§\n"),
        ("p/.circleci/config.yml", "jobs:\n  a:\n    environment:\n      X_PASSWORD: §\n"),
        ("p/.travis.yml", "env:\n  global:\n  - X_TOKEN=§\n  - secure: abc\n"),
        ("p/azure-pipelines.yml", "variables:\n- name: X_PASSWORD\n  value: §\n"),
        ("p/bitbucket-pipelines.yml", "pipelines:\n  default:\n  - step:\n      script:\n      - curl -u a:§ h\n"),
        ("p/.drone.yml", "steps:\n- environment:\n    A: {from_secret: a_token}\n    B_TOKEN: §\n"),
        ("p/.buildkite/pipeline.yml", "env:\n  X_SECRET: §\n"),
        ("p/Jenkinsfile", 'environment { A_TOKEN = credentials("a")\n B_TOKEN = "§" }\n'),
        ("p/Jenkinsfile", 'steps { sh "curl -u a:§ https://h.io" }\n'),
        ("p/docker-compose.yml", "services:\n  db:\n    environment:\n      POSTGRES_PASSWORD: §\n"),
        ("p/docker-compose.override.yml", "services:\n  db:\n    environment:\n    - POSTGRES_PASSWORD=§\n"),
        ("p/compose.yaml", 'services:\n  r:\n    command: ["redis-server", "--requirepass", "§"]\n'),
        (
            "p/compose.yaml",
            "services:\n  w:\n    environment:\n    - URL=postgres://a:§@db/x\n    secrets: [db_password]\n",
        ),
    ],
)
def test_a_pipeline(path: str, text: str, parsed: Parsed, made: Made) -> None:
    secret = made()
    assert [found.raw for found in parsed(path, text.replace("§", secret))] == [secret]
    assert parsed(path, text.replace("§", "${SECRET}")) == []


def test_sql_files(parsed: Parsed, made: Made) -> None:
    first, second = made(), made()
    rows = "INSERT INTO users (name, password) VALUES ('a', 'b');\n" * 400
    text = f"CREATE ROLE app;\n{rows}ALTER ROLE app WITH LOGIN PASSWORD 'md5{'0' * 32}';\n{rows}"
    text += f"CREATE USER 'web'@'10.%' IDENTIFIED BY '{first}';\n{rows}ALTER USER bob PASSWORD '{second}';\n"
    found = parsed("p/dump.sql", text)
    assert [(each.raw[:24], each.account) for each in found[-2:]] == [(first, "web@10.%"), (second, "bob")]
    assert found[0].hit.title.endswith("(hash)")
