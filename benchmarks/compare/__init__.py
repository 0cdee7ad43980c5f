"""The project beside psycopg and Core by hand and beside its peers, in one run: `python -m benchmarks.compare`.

calls, data, models   what is measured, on which rows
contenders            the ways to make the calls
server, forwarder     a server on TCP; a network in front of it that takes time
rounds                interleaved rounds: time, and CPU of client and server
trips, threads, memory   round trips on the wire; calls a second; peak memory
parts                 the tables of a run
results, tables, charts   JSON, Markdown, SVG
report                the files of a run, and what it says of the machine
progress              a bar on the terminal
"""
