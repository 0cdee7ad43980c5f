"""WHAT an entity is, read once per repository class. No SQL is built, nothing is sent.

type_arguments   the model, schemas, id and owner type that a class names
entity           the model as the other floors see it: table, key, owner, version, schemas
field_types      what the annotation of a pydantic field allows
validators       the validators that a pydantic model declares
columns          what SQLAlchemy's types say of a column
column_types     which values a column stores and gives back unchanged
column_values/   the checks of those values, by kind of type
checks/          what a class must pass when it is defined
lazy             attributes that are computed once, also in a forked child
"""
