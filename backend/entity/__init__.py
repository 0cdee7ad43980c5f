"""WHAT an entity is, read once per repository class. Sends nothing.

type_arguments   the model, schemas, id and owner type that a class names
entity           the model as the other packages see it: table, columns, identity, owner, version, schemas
identity         the primary key: which values are ids, which row has one
ownership        the owner: which values are owners, the one parameter that binds it
version          the version: which values are expected, which row has one
parameters       the names of the bound parameters of these three
field_types      what the annotation of a pydantic field allows
validators       the validators that a pydantic model declares
column_types/    what is known of SQLAlchemy's column types: database type, Python class, values that a column stores
checks/          the checks of a class when it is defined
lazy             attributes that are computed once, safe after a fork
"""
