"""WHAT an entity is, read once per repository class. Builds no SQL and sends nothing.

type_arguments   the model, schemas, id and owner type that a class names
entity           the model as the other packages see it: table, key, owner, version, schemas
field_types      what the annotation of a pydantic field allows
validators       the validators that a pydantic model declares
columns          what a column's SQLAlchemy type tells: database type, Python class, range
column_types     which values a column stores and returns unchanged
column_values/   the checks of those values, by family of types
checks/          the checks of a class when it is defined
lazy             attributes that are computed once, safe after a fork
"""
