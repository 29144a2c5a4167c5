"""A report in the forms that others read: text, tables, test results, badges.

Pure functions of the report, in the standard library and the schemas, so that clients,
service and workers render alike.
"""
