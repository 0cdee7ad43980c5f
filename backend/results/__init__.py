"""Rows out.

entities   rows to detached or transient entities
"""
