"""Every sentence that users read in a report: the verdict, the notes, and the reasons in cells.

Which of them apply is decided elsewhere; what a column means stands with the column.
"""
