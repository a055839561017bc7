# ActiveRecord as `rails db:migrate` and `rails db:rollback` use it, with the same protection against two at once.
require 'active_record'

url, how = ARGV
ActiveRecord::Base.logger = nil
ActiveRecord::Migration.verbose = false
ActiveRecord::Base.establish_connection(url.sub('postgresql:', 'postgres:'))
context = ActiveRecord::MigrationContext.new('migrate', ActiveRecord::SchemaMigration)
begin
  case how
  when 'one' then context.up(1)
  when 'two' then context.up(2)
  when 'all' then context.migrate
  when 'down' then context.rollback(1)
  end
rescue StandardError => e
  abort(e.message)
end
