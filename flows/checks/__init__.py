"""What ``parley doctor`` looks at: one function per line of it.

A check returns what it found, or None where there is nothing to check, and raises a ``ParleyError``
that says the remedy when something is wrong.
"""
