"""Data in: each value is validated by the schema, the model's own rules and its column before it is sent.

reader        instances of a schema to column values
values        values by field name and by column key, as two types
by_name       validation by field names, whichever aliases a class declares
model_rules   the rules of the model's own fields and validators
problems      validation errors that never show the input
"""
