"""What every action stands on: rows by the thousand, the schema, the trail, limits that all processes share."""
