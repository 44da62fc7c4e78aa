"""The database: connections, tables, reading queries, migrations."""
