"""The database: tables, engines, and the statements that read and write them."""
