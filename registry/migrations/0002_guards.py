"""What the database itself refuses, whoever asks: the ledger's invariants, outside the reach of the application.

ENABLE ALWAYS: they fire for replication roles too, and no setting of a session switches them off. They stand apart
from pgtrigger, whose triggers a session may ignore.
"""

from django.db import migrations

NEVER_CHANGED = """
CREATE FUNCTION haomaku_never_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$
"""

# Entries follow the ones before them, up to the head that the same transaction has moved.
APPENDED = """
CREATE FUNCTION haomaku_appended() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    first bigint; last bigint; many bigint; earliest timestamptz; head bigint; before timestamptz;
BEGIN
    SELECT min(seq), max(seq), count(*), min(at) INTO first, last, many, earliest FROM appended;
    SELECT seq INTO head FROM registry_ledgerhead;
    SELECT at INTO before FROM registry_ledgerentry WHERE seq = first - 1;
    IF many > 0 AND (last <> head OR many <> last - first + 1 OR (first > 1 AND before IS NULL) OR earliest < before)
    THEN
        RAISE EXCEPTION 'entries % to % do not continue the ledger', first, last USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$
"""

HEAD_MOVES = """
CREATE FUNCTION haomaku_head_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id <> OLD.id OR NEW.ledger_id <> OLD.ledger_id OR NEW.seq < OLD.seq OR NEW.at < OLD.at THEN
        RAISE EXCEPTION 'the head of the ledger only moves forward' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$
"""

# At the commit: the head is the last entry's, so that a seq that was taken was also written.
HEAD_IS_WRITTEN = """
CREATE FUNCTION haomaku_head_is_written() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM registry_ledgerhead h JOIN registry_ledgerentry e
        ON (e.seq, e.at, e.leaf_hash) = (h.seq, h.at, h.leaf_hash)
    ) THEN
        RAISE EXCEPTION 'the head of the ledger is not its last entry' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$
"""

FUNCTIONS = {
    "haomaku_never_changed": NEVER_CHANGED,
    "haomaku_appended": APPENDED,
    "haomaku_head_moves": HEAD_MOVES,
    "haomaku_head_is_written": HEAD_IS_WRITTEN,
}

UNCHANGING = ("registry_ledgerentry", "registry_suppression", "registry_statement")

TRIGGERS = {
    ("registry_ledgerhead", "head_never_deleted"): "TRIGGER {name} BEFORE DELETE OR TRUNCATE ON {table}"
    " FOR EACH STATEMENT EXECUTE FUNCTION haomaku_never_changed()",
    ("registry_ledgerhead", "head_moves"): "TRIGGER {name} BEFORE UPDATE ON {table}"
    " FOR EACH ROW EXECUTE FUNCTION haomaku_head_moves()",
    ("registry_ledgerhead", "head_is_written"): "CONSTRAINT TRIGGER {name} AFTER INSERT OR UPDATE ON {table}"
    " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION haomaku_head_is_written()",
    ("registry_ledgerentry", "entry_appended"): "TRIGGER {name} AFTER INSERT ON {table}"
    " REFERENCING NEW TABLE AS appended FOR EACH STATEMENT EXECUTE FUNCTION haomaku_appended()",
    **{
        (table, "never_changed"): "TRIGGER {name} BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION haomaku_never_changed()"
        for table in UNCHANGING
    },
}


def guard(table: str, name: str, definition: str) -> migrations.RunSQL:
    """Create a trigger that always fires."""
    return migrations.RunSQL(
        [f"CREATE {definition.format(name=name, table=table)}", f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}"],
        f"DROP TRIGGER {name} ON {table}",
    )


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial")]

    operations = [
        *(migrations.RunSQL(body, f"DROP FUNCTION {name}()") for name, body in FUNCTIONS.items()),
        *(guard(table, name, definition) for (table, name), definition in TRIGGERS.items()),
    ]
