class MoreOfShop < ActiveRecord::Migration[6.1]
  class Maker < ActiveRecord::Base
  end

  class Item < ActiveRecord::Base
  end

  def up
    add_column :items, :note, :text
    rename_column :items, :tags, :labels
    change_column_null :items, :price, false, 0
    change_column :items, :price, :decimal, precision: 10, scale: 2
    %w[a b].each { |name| Maker.create!(name: name) }
    Item.create!(maker_id: Maker.minimum(:id), price: 3, labels: ['x'])
  end

  def down
    Maker.delete_all
    change_column :items, :price, :decimal, precision: 8, scale: 2
    change_column_null :items, :price, true
    rename_column :items, :labels, :tags
    remove_column :items, :note
  end
end
