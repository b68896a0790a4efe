"""Why a database cannot be used. Each text is one line, without a password.

SchemaError
+-- NewerSchemaError     it belongs to a newer program
+-- NotAtHeadError       it was not brought to this program's revision in time, or cannot be reached
+-- MigrationError       a migration failed; the database is as it was before
"""


class SchemaError(Exception):
    """Root of the tree."""


class NewerSchemaError(SchemaError):
    """The database belongs to a newer program."""


class NotAtHeadError(SchemaError):
    """The database was not ready in time."""


class MigrationError(SchemaError):
    """A migration failed."""
