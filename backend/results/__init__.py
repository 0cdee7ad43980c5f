"""Rows out.

entities   rows to detached or transient entities
views      rows to views, and `shows`
cursors    the page of a list that is read by cursor, and the text of its cursors
pages      the pages of a list
upserted   a row with what became of it
"""
