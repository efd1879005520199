"""
A strict reader of YAML: the text of a file in, typed values and every mistake out.

`document` makes a tree that knows its lines, `values` reads single values, `decoder` follows the
types, `problems` collects the mistakes. Nothing here knows what this exporter can be told.
"""
