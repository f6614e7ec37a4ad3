"""The sealed file of suppressions that an index had and the ledger lacked: written here, read by `import_refusals`."""

# The columns of an import of refusals (design, "Files").
COLUMNS = ("recipient", "sender", "institution", "refused_at", "origin", "reference")
# What the box is bound to.
PLACE = b"lost-refusals"
