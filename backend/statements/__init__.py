"""WHAT to say: which model a class is about, what it accepts, and every statement as a value. No I/O.

binding      the model and schemas that a class names in its type arguments
entity       one model as the statements see it: table, key, owner, version, schemas
annotations  what a pydantic field's annotation allows
columns      what a column holds
definition/  the checks that a class passes when it is defined
by_name      validation by field names, whichever aliases a class declares
values       data to column values, validated: by the schema, then
rules        by the model's own fields and validators, then
storage      by what the column can hold;
problems     and what may be said of what does not pass
conditions   what a caller may filter and order by
comparisons  values beside a column, checked against its type
change_values  what a change sets columns to
locks        how a row is locked while it is read
parameters   the names of bound parameters that are no columns
statements   the statements, each built once per class
rows         rows to detached entities
"""
