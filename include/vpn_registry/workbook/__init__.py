"""Workbooks (xlsx) as text: read in a guarded child process that neither fills the memory nor runs for ever.

`guard` is the parent's side and all that others import. The child (`child`) opens the package (`package`), decides what
cells mean (`styles`) and reads the one worksheet with data (`sheet`) by scanning its markup (`markup`). The child loads
numpy and pyarrow only, so that it starts in a third of a second.
"""
