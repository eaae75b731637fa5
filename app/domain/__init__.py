"""The pure core: documents, gates and decisions.

Owns every rule that can be stated without a clock, a socket or a database.
Imports the standard library and pydantic, nothing else; imports no other part of the project.
"""
