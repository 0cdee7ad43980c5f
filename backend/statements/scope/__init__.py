"""One owner's rows: what a scope adds to a statement, and what it refuses.

scoped         the type of every statement that a call runs
bind           the owner in every SELECT of a statement
allowlist      the elements that a scoped statement may contain
raw_sql        the text that it may render
precedence     conditions that stay in their parentheses
outer_joins    conditions that keep other owners' rows out of an outer join
verify         that each SELECT binds the owner, also where the ORM adds to it
from_clauses   the tables that a SELECT reads, and the conditions of its joins
"""
