"""Data in: what reaches SQL has passed the schema, the model's own rules and the column.

reader        instances of a schema to column values
by_name       validation by field names, whichever aliases a class declares
model_rules   the rules of the model's own fields and validators
problems      what may be said of a value that does not pass
"""
