import typeorm from 'typeorm';

const { DataSource, TableColumn, TableIndex } = typeorm;
const [url, how] = process.argv.slice(2);

async function makeKindAnew(runner, labels) {
  await runner.query(`ALTER TYPE "kind" RENAME TO "kind_old"`);
  await runner.query(`CREATE TYPE "kind" AS ENUM(${labels})`);
  await runner.query(`ALTER TABLE "makers" ALTER COLUMN "kind" DROP DEFAULT`);
  await runner.query(`ALTER TABLE "makers" ALTER COLUMN "kind" TYPE "kind" USING "kind"::"text"::"kind"`);
  await runner.query(`ALTER TABLE "makers" ALTER COLUMN "kind" SET DEFAULT 'big'`);
  await runner.query(`DROP TYPE "kind_old"`);
}

class First1700000000001 {
  name = 'First1700000000001';

  async up(runner) {
    await runner.query(`CREATE TYPE "kind" AS ENUM('big', 'small')`);
    await runner.query(
      `CREATE TABLE "makers" ("id" SERIAL NOT NULL, "name" character varying NOT NULL,
        "kind" "kind" NOT NULL DEFAULT 'big', "made" TIMESTAMP NOT NULL DEFAULT now(),
        CONSTRAINT "UQ_1" UNIQUE ("name"), CONSTRAINT "PK_1" PRIMARY KEY ("id"))`,
    );
    await runner.query(
      `CREATE TABLE "items" ("id" uuid NOT NULL DEFAULT gen_random_uuid(), "price" numeric(8,2), "makerId" integer,
        CONSTRAINT "PK_2" PRIMARY KEY ("id"))`,
    );
    await runner.query(`CREATE INDEX "IDX_1" ON "items" ("price") `);
    await runner.query(
      `ALTER TABLE "items" ADD CONSTRAINT "FK_1" FOREIGN KEY ("makerId") REFERENCES "makers"("id")
        ON DELETE CASCADE ON UPDATE NO ACTION`,
    );
  }
}

class Second1700000000002 {
  name = 'Second1700000000002';

  async up(runner) {
    await runner.query(`INSERT INTO makers (name) VALUES ($1), ($2)`, ['a', 'b']);
    await runner.addColumn('items', new TableColumn({ name: 'note', type: 'text', default: "'x'" }));
    await makeKindAnew(runner, "'big', 'small', 'tiny'");
    await runner.createIndex('items', new TableIndex({ columnNames: ['note'] }));
  }

  async down(runner) {
    await runner.dropColumn('items', 'note');
    await runner.query('DELETE FROM makers');
    await makeKindAnew(runner, "'big', 'small'");
  }
}

const migrations = how === 'one' ? [First1700000000001] : [First1700000000001, Second1700000000002];
const db = new DataSource({ type: 'postgres', url, migrations, installExtensions: false });
try {
  await db.initialize();
  if (how === 'down') await db.undoLastMigration({ transaction: 'each' });
  else await db.runMigrations({ transaction: 'each' });
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  if (db.isInitialized) await db.destroy();
}
