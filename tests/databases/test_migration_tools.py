"""Migration tools that people really use, through the gate: they send a migration statement by statement."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.databases.company_of_tests import PLACEHOLDER, Company

DJANGO = {
    "manage.py": """
import sys
from django.conf import settings
port, name, password, *arguments = sys.argv[1:]
settings.configure(
    INSTALLED_APPS=["shop"], DEFAULT_AUTO_FIELD="django.db.models.BigAutoField", USE_TZ=True,
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": name, "USER": "agent",
                           "PASSWORD": password, "HOST": "127.0.0.1", "PORT": port}})
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", *arguments, "--skip-checks"])
""",
    "shop/__init__.py": "",
    "shop/migrations/__init__.py": "",
    "shop/migrations/0001_initial.py": """
from django.db import migrations, models
class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel("Maker", [
            ("id", models.BigAutoField(primary_key=True)),
            ("name", models.CharField(max_length=50, unique=True, db_index=True))]),
        migrations.CreateModel("Item", [
            ("id", models.BigAutoField(primary_key=True)),
            ("price", models.DecimalField(max_digits=8, decimal_places=2, default=0)),
            ("maker", models.ForeignKey(on_delete=models.CASCADE, to="shop.maker"))]),
        migrations.AlterUniqueTogether("Item", {("maker", "price")})]
""",
    "shop/migrations/0002_more.py": """
from django.db import migrations, models
def fill(apps, editor):
    maker = apps.get_model("shop", "Maker").objects.create(name="a")
    apps.get_model("shop", "Item").objects.create(maker=maker, price=3)
class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        migrations.AddField("Item", "note", models.TextField(default="x")),
        migrations.AddIndex("Item", models.Index(fields=["note"], name="noted")),
        migrations.RunPython(fill, migrations.RunPython.noop)]
""",
}
ALEMBIC = {
    "run.py": """
import sys
from alembic.command import downgrade, upgrade
from alembic.config import Config
port, name, password, how, to = sys.argv[1:]
config = Config()
config.set_main_option("script_location", ".")
config.set_main_option("url", f"postgresql+psycopg://agent:{password}@127.0.0.1:{port}/{name}")
(upgrade if how == "upgrade" else downgrade)(config, to)
""",
    "env.py": """
from alembic import context
from sqlalchemy import create_engine
with create_engine(context.config.get_main_option("url")).connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
""",
    "versions/one.py": """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "one", None
def upgrade():
    op.create_table("makers", sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.Enum("big", "small", name="kind"), nullable=False, server_default="big"))
    op.create_table("items", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text, index=True),
        sa.Column("maker", sa.Integer, sa.ForeignKey("makers.id")), sa.CheckConstraint("name <> ''"))
    op.create_index("items_maker", "items", ["maker"])
    op.create_unique_constraint("named_once", "items", ["name"])
def downgrade():
    op.drop_table("items")
    op.drop_table("makers")
    op.execute("DROP TYPE kind")
""",
    "versions/two.py": """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "two", "one"
def upgrade():
    op.bulk_insert(sa.table("makers", sa.column("id")), [{"id": 1}, {"id": 2}])
    op.add_column("items", sa.Column("price", sa.Integer))
    op.alter_column("items", "name", new_column_name="title")
def downgrade():
    op.alter_column("items", "title", new_column_name="name")
    op.drop_column("items", "price")
""",
}
DEFINED = """
SELECT array_agg(d ORDER BY d COLLATE "C") FROM (
  SELECT concat(c.oid::regclass, c.relkind, a.attname, format_type(atttypid, atttypmod), attnotnull) FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND attnum > 0 AND NOT attisdropped
    WHERE relnamespace = 'public'::regnamespace AND c.relkind <> 'i'
  UNION ALL SELECT concat(conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace
  UNION ALL SELECT typname FROM pg_type WHERE typtype = 'e'
) all_of_it(d)"""


class Tool:
    """A project of a tool in a folder, and how its people run it."""

    def __init__(self, company: Company, folder: Path, *program: str) -> None:
        self._company = company
        self._folder = folder
        self._program = program

    def run(self, *arguments: str, most: int = 12) -> int:
        """Again and again, as long as it waits for a person, who says yes; how often that was."""
        for asked in range(most):
            command = [*self._program, *arguments]
            run = subprocess.run(command, cwd=self._folder, capture_output=True, text=True, timeout=60, check=False)
            if run.returncode == 0:
                return asked
            held = re.findall(r"\(hold (h-[a-z0-9]+)\)", run.stderr)
            assert held, run.stderr[-2000:]
            self._company.approve(self._company.laws.hold(held[-1]))
        raise AssertionError(f"{most} questions were not enough")


def _project(company: Company, folder: Path, files: dict[str, str], program: str) -> Tool:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return Tool(company, folder, sys.executable, program, str(company.port), company.name, PLACEHOLDER)


def test_django(company: Company, tmp_path: Path) -> None:
    django = _project(company, tmp_path, DJANGO, "manage.py")
    assert django.run("migrate", "shop", "0001") == 2  # its own table has a transaction of its own
    first, undos = company.truth(DEFINED), len(company.laws.plane.undos.records())
    assert django.run("migrate") == 3  # a column with a default, the default dropped, an index on a table that is there
    rows = "SELECT i.price, i.note, m.name FROM shop_item i JOIN shop_maker m ON m.id = maker_id"
    assert company.truth(rows) == [(3, "x", "a")]
    company.undo_back_to(undos)
    assert company.truth(DEFINED) == first
    assert company.truth("SELECT count(*) FROM shop_maker") == [(0,)]
    assert django.run("migrate", "shop", "zero") == 3
    assert company.truth("SELECT to_regclass('shop_item'), to_regclass('shop_maker')") == [(None, None)]


def test_alembic(company: Company, tmp_path: Path) -> None:
    alembic = _project(company, tmp_path, ALEMBIC, "run.py")
    assert alembic.run("upgrade", "one") == 1
    first = company.truth(DEFINED)
    assert alembic.run("upgrade", "two") == 2
    second, makers = company.truth(DEFINED), "SELECT id, kind FROM makers ORDER BY id"
    assert company.truth(makers) == [(1, "big"), (2, "big")]
    undos = len(company.laws.plane.undos.records())
    assert alembic.run("downgrade", "one") == 2
    assert company.truth(DEFINED) == first
    company.undo_back_to(undos)
    assert company.truth(DEFINED) == second
    company.directly("UPDATE alembic_version SET version_num = 'two'")
    undos = len(company.laws.plane.undos.records())
    assert alembic.run("downgrade", "base") == 5
    assert company.truth("SELECT to_regtype('kind'), to_regclass('makers')") == [(None, None)]
    company.undo_back_to(undos)
    assert company.truth(makers) == [(1, "big"), (2, "big")]
