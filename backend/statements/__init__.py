"""Every statement of a call, as a SQLAlchemy value with bound parameters. No I/O.

statements     all of them, those of a subclass included
by_id          on one row: SELECT, INSERT, UPDATE, DELETE
lists          on the rows that meet conditions
keyset         from a place in a total order on
numbered_pages a page of them, with their number
loads          the related rows of several rows; load_paths says which may be loaded
change         the UPDATE that a `Change` declares
inserts        the INSERT of many rows
updates        the UPDATE of many rows
deletes        the DELETE of many rows
upserts        the INSERT … ON CONFLICT of one row; upsert_rows is that of many, upsert_shape what these have in common
conflict_targets  the unique key and the columns that an upsert names; conflicts is what it sets where the key is taken
where          the UPDATE and the DELETE of the rows that meet conditions
named_rows     the rows that these name by their keys, found and locked
row_arrays     the rows of these as one array a column
row_counts     how these fail unless they write each row
column_defaults  what a row has in a column that is given no value
family         what these share: the entity, the scope, and the check that the owner is bound
scope/         the owner's condition in every part of a statement, and what is refused
typed          conditions, orders and assignments whose column and value a type checker checks
assignments    a column and what a `Change` sets it to
typed_values   the values of these, checked against the column's type
conditions     the expressions that a caller may filter by
ordering       the expressions that a caller may sort by
plain          those in which nothing has to be bound or verified
comparisons    values that are compared with a column, checked against its type
change_values  values that a change sets columns to
locks          how a row is locked while it is read
parameters     the names of the bound parameters of the calls
"""
