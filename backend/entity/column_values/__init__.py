"""What a column can hold and give back as it was: a check for each family of types, made once per column.

refusal      what a check says, and those that only look at the class
numbers      whole numbers, numeric, floats
texts        text, enums, bit strings, MAC addresses
times        dates, times, moments, intervals
documents    JSON and hstore
nested       arrays, ranges, multiranges
"""
