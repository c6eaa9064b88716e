"""The durable memory: tables, migrations, reads, writes, inbox. All SQL lives here."""
