"""Rows out.

entities   rows to detached or transient entities
views      rows to views, and `shows`
"""
