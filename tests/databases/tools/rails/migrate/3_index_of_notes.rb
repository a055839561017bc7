class IndexOfNotes < ActiveRecord::Migration[6.1]
  disable_ddl_transaction!

  def change
    add_index :items, :note, algorithm: :concurrently
  end
end
