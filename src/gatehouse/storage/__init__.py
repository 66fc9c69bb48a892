"""The tables and the only SQL. Functions are named after their subject and take a database connection."""
