"""Times of the project beside psycopg and SQLAlchemy Core by hand, side by side in one run: `python -m benchmarks`.

calls        the six calls, and each contender's way to make them
conditions   building a statement with conditions, nothing sent
functions    how many Python functions a call calls
growth       how the cost of each call grows with rows and owners
pages        a list of many rows, read by cursor, by number and as a stream
preparing    what prepared statements save
rounds       the measuring: interleaved rounds, ratios within a round
"""
