import { runner } from 'node-pg-migrate';

const [url, how] = process.argv.slice(2);
const silent = { debug() {}, info() {}, warn() {}, error() {} };
try {
  await runner({
    databaseUrl: url,
    dir: 'migrations',
    direction: how === 'down' ? 'down' : 'up',
    count: how === 'all' ? Infinity : 1,
    migrationsTable: 'pgmigrations',
    logger: silent,
  });
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
