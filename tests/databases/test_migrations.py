"""Migration tools: a file as one text, a transaction statement by statement; one person's answer for what belongs
together."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from tests.databases.company_of_tests import Company

USERS = "SELECT count(*) FROM users"
FILE = """
-- CreateEnum
CREATE TYPE "Role" AS ENUM ('ADMIN', 'MEMBER');

-- CreateTable
CREATE TABLE "Team" (
    "id" SERIAL NOT NULL,
    "name" TEXT NOT NULL DEFAULT 'it''s; a name',
    "role" "Role" NOT NULL DEFAULT 'MEMBER',
    CONSTRAINT "Team_pkey" PRIMARY KEY ("id")
);

-- AlterTable
ALTER TABLE "users" ADD COLUMN "team" INTEGER;

-- CreateIndex
CREATE UNIQUE INDEX "Team_name_key" ON "Team"("name");

/* backfill; with a semicolon */
INSERT INTO "Team" ("name") VALUES ($q$first; team$q$);;
UPDATE "users" SET "team" = (SELECT "id" FROM "Team" LIMIT 1);

-- AddForeignKey
ALTER TABLE "users" ADD CONSTRAINT "users_team_fkey" FOREIGN KEY ("team") REFERENCES "Team"("id");
"""


def refused(company: Company, text: str) -> psycopg.Error:
    with company.connect(autocommit=True) as connection, pytest.raises(psycopg.Error) as found:
        connection.execute(text)
    return found.value


def sent(company: Company, text: str) -> list[Any]:
    """All results of one Query."""
    with company.connect(autocommit=True) as connection:
        cursor = connection.execute(text)
        found: list[Any] = []
        while True:
            found.append(list(cursor.fetchall()) if cursor.description else cursor.statusmessage)
            if not cursor.nextset():
                return found


def test_a_migration_file_is_one_hold_and_then_passes_whole(company: Company) -> None:
    hold = company.hold_of(refused(company, FILE))
    assert company.truth("SELECT to_regtype('\"Role\"'), to_regclass('\"Team\"')") == [(None, None)]
    (operation,) = hold.document["operations"]
    assert len(operation["parameters"]["statements"]) == 7
    company.approve(hold)
    assert [str(one).split()[0] for one in sent(company, FILE)] == [
        "CREATE", "CREATE", "ALTER", "CREATE", "INSERT", "UPDATE", "ALTER",
    ]  # fmt: skip
    assert company.truth("SELECT count(team) FROM users") == [(400,)]
    assert company.truth('SELECT name FROM "Team"') == [("first; team",)]
