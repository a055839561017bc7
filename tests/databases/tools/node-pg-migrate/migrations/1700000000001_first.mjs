export const up = (pgm) => {
  const made = { type: 'timestamp', notNull: true, default: pgm.func('current_timestamp') };
  pgm.createTable('makers', { id: 'id', name: { type: 'varchar(50)', notNull: true, unique: true }, made });
  pgm.createTable('items', {
    id: 'id',
    maker: { type: 'integer', references: '"makers"', onDelete: 'CASCADE' },
    price: 'integer',
  });
  pgm.createIndex('items', 'maker');
};
