"""Writes docs/mistakes.md from tests/mistakes, where each function is a mistake: what checkers and a run say of it.

sources    the functions, read as text
run        what each does on a PostgreSQL: `python -m tools.mistakes.run`
page       the page, written and read
"""
