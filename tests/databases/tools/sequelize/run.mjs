import { DataTypes, Sequelize } from 'sequelize';
import { SequelizeStorage, Umzug } from 'umzug';

const [url, how] = process.argv.slice(2);
const sequelize = new Sequelize(url, { logging: false });
const tables = sequelize.getQueryInterface();

const first = {
  name: 'first',
  up: () => sequelize.transaction(async (transaction) => {
    await tables.createTable('makers', {
      id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
      name: { type: DataTypes.STRING, allowNull: false, unique: true },
      kind: DataTypes.ENUM('big', 'small'),
      createdAt: { type: DataTypes.DATE, defaultValue: Sequelize.fn('now') },
    }, { transaction });
    await tables.createTable('items', {
      id: { type: DataTypes.UUID, primaryKey: true, defaultValue: Sequelize.literal('gen_random_uuid()') },
      maker: { type: DataTypes.INTEGER, references: { model: 'makers', key: 'id' }, onDelete: 'CASCADE' },
      price: DataTypes.DECIMAL(8, 2),
    }, { transaction });
    await tables.addIndex('items', ['maker'], { transaction });
    const once = { fields: ['maker', 'price'], type: 'unique', name: 'once', transaction };
    await tables.addConstraint('items', once);
  }),
};
const second = {
  name: 'second',
  up: () => sequelize.transaction(async (transaction) => {
    await tables.bulkInsert('makers', [{ name: 'a', kind: 'big' }, { name: 'b', kind: 'small' }], { transaction });
    await tables.addColumn('items', 'note', { type: DataTypes.TEXT, defaultValue: 'x' }, { transaction });
    await tables.changeColumn('items', 'price', { type: DataTypes.INTEGER, allowNull: true }, { transaction });
    await tables.renameColumn('items', 'note', 'remark', { transaction });
    await sequelize.query('INSERT INTO items (maker, price) SELECT min(id), 3 FROM makers', { transaction });
  }),
  down: () => sequelize.transaction(async (transaction) => {
    await tables.renameColumn('items', 'remark', 'note', { transaction });
    await tables.removeColumn('items', 'note', { transaction });
    const price = { type: DataTypes.DECIMAL(8, 2), allowNull: true };
    await tables.changeColumn('items', 'price', price, { transaction });
    await tables.bulkDelete('makers', {}, { transaction });
  }),
};
const storage = new SequelizeStorage({ sequelize });
const umzug = new Umzug({ migrations: [first, second], context: tables, storage, logger: undefined });
try {
  if (how === 'all') await umzug.up();
  else if (how === 'one') await umzug.up({ step: 1 });
  else await umzug.down();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await sequelize.close();
}
