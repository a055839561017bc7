export async function up(knex) {
  await knex.schema.createTable('makers', (table) => {
    table.increments('id');
    table.string('name').notNullable().unique();
    table.enu('kind', ['big', 'small'], { useNative: true, enumName: 'kind' });
    table.timestamps(true, true);
  });
  await knex.schema.createTable('items', (table) => {
    table.uuid('id').primary().defaultTo(knex.fn.uuid());
    table.integer('maker').references('makers.id').onDelete('CASCADE').index();
    table.enu('size', ['s', 'm']);
    table.decimal('price', 8, 2).defaultTo(0);
    table.unique(['maker', 'price']);
  });
}

export async function down(knex) {
  await knex.schema.dropTable('items');
  await knex.schema.dropTable('makers');
  await knex.raw('DROP TYPE kind');
}
