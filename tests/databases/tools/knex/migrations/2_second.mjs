export async function up(knex) {
  await knex('makers').insert([{ name: 'a' }, { name: 'b' }]);
  await knex.schema.alterTable('items', (table) => {
    table.text('note');
    table.integer('price').alter();
    table.renameColumn('size', 'extent');
  });
  await knex('items').insert({ maker: knex('makers').min('id'), price: 3 });
}

export async function down(knex) {
  await knex.schema.alterTable('items', (table) => {
    table.renameColumn('extent', 'size');
    table.dropColumn('note');
    table.decimal('price', 8, 2).alter();
  });
  await knex('makers').del();
}
