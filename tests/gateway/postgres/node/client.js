// node-postgres through the wire: simple, extended, named, cursor, transaction; one JSON object on stdout.
const { Client } = require("pg");
const Cursor = require("pg-cursor");

async function main() {
  const client = new Client();
  await client.connect();
  const said = {};
  said.count = (await client.query("select count(*) from t")).rows[0].count;
  said.deleted = (await client.query("delete from t where id = $1 returning id", [1])).rows;
  try {
    await client.query("truncate t");
  } catch (error) {
    said.refused = { code: error.code, message: error.message, hint: error.hint };
  }
  said.named = [];
  for (const id of [2, 3]) {
    const found = await client.query({ name: "byid", text: "select name from t where id = $1", values: [id] });
    said.named.push(found.rows[0].name);
  }
  const cursor = client.query(new Cursor("select id from t order by id"));
  said.cursor = [];
  for (let rows = [0]; rows.length; ) {
    rows = await cursor.read(2);
    said.cursor.push(rows.length);
  }
  await cursor.close();
  await client.query("begin");
  await client.query("delete from t where id = $1", [2]);
  await client.query("commit");
  said.left = (await client.query("select count(*) from t")).rows[0].count;
  await client.end();
  console.log(JSON.stringify(said));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
