import knex from 'knex';

const [url, how] = process.argv.slice(2);
const directory = { directory: './migrations', loadExtensions: ['.mjs'] };
const db = knex({ client: 'pg', connection: url, pool: { min: 0, max: 2 }, migrations: directory });
try {
  if (how === 'all') await db.migrate.latest();
  else if (how === 'one') await db.migrate.up();
  else await db.migrate.down();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await db.destroy();
}
