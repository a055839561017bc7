export const up = (pgm) => {
  pgm.sql("INSERT INTO makers (name) VALUES ('a'), ('b')");
  pgm.addColumns('items', { note: { type: 'text', notNull: true, default: 'x' } });
  pgm.addConstraint('items', 'priced', { check: 'price > 0' });
  pgm.createIndex('items', 'price', { where: 'price > 3' });
};

export const down = (pgm) => {
  pgm.dropIndex('items', 'price');
  pgm.dropConstraint('items', 'priced');
  pgm.dropColumns('items', ['note']);
  pgm.sql('DELETE FROM makers');
};
