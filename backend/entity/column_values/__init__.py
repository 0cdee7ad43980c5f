"""Which values a column stores and returns unchanged: a check for each family of types, built once per column.

refusal      the result of a check, and checks of the class alone
numbers      whole numbers, numeric, floats
texts        text, enums, bit strings, MAC addresses
times        dates, times, timestamps, intervals
documents    JSON and hstore
nested       arrays, ranges, multiranges
"""
