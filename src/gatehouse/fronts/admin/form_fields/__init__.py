"""The fields of the panel's forms, one module for each kind of record, in plain words with what each does."""
