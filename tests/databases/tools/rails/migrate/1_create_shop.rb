class CreateShop < ActiveRecord::Migration[6.1]
  def change
    create_table :makers, comment: 'who makes it' do |t|
      t.string :name, null: false, index: { unique: true }
      t.jsonb :facts, null: false, default: {}
      t.timestamps
    end
    create_table :items, id: :uuid do |t|
      t.references :maker, foreign_key: { on_delete: :cascade }
      t.decimal :price, precision: 8, scale: 2, default: 0
      t.string :tags, array: true, default: []
      t.index %i[maker_id price], name: 'priced'
      t.check_constraint 'price >= 0', name: 'not_negative'
    end
  end
end
