"""The Merkle tree, the keys and the checkpoints, with what the database itself refuses of them, as in `0002_guards`."""

from django.db import migrations, models

# A signed root is of the ledger that stands, and larger than all before it; the note says what the columns say.
CHECKPOINT_SIGNED = """
CREATE FUNCTION haomaku_checkpoint_signed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last record; head bigint;
BEGIN
    SELECT size, at INTO last FROM registry_signedcheckpoint WHERE size <> NEW.size ORDER BY size DESC LIMIT 1;
    SELECT seq INTO head FROM registry_ledgerhead;
    IF NEW.size <= last.size OR NEW.at < last.at OR NEW.size > head
        OR split_part(NEW.note, E'\\n', 2) <> NEW.size::text
        OR split_part(NEW.note, E'\\n', 3) <> encode(NEW.root, 'base64')
    THEN
        RAISE EXCEPTION 'checkpoint % does not continue the signed ledger', NEW.size
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$
"""

# A key signs until the moment that was set when another followed it; nothing else of it changes.
KEY_ENDS = """
CREATE FUNCTION haomaku_checkpoint_key_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.valid_to IS NOT NULL OR ROW(NEW.id, NEW.algorithm, NEW.vkey, NEW.valid_from)
        IS DISTINCT FROM ROW(OLD.id, OLD.algorithm, OLD.vkey, OLD.valid_from)
    THEN
        RAISE EXCEPTION 'a key of checkpoints only ends' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$
"""

FUNCTIONS = {"haomaku_checkpoint_signed": CHECKPOINT_SIGNED, "haomaku_checkpoint_key_ends": KEY_ENDS}

NEVER = " FOR EACH STATEMENT EXECUTE FUNCTION haomaku_never_changed()"
TRIGGERS = {
    ("registry_signedcheckpoint", "never_changed"): "BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}" + NEVER,
    ("registry_signedcheckpoint", "checkpoint_signed"): "AFTER INSERT ON {table}"
    " FOR EACH ROW EXECUTE FUNCTION haomaku_checkpoint_signed()",
    ("registry_checkpointkey", "never_deleted"): "BEFORE DELETE OR TRUNCATE ON {table}" + NEVER,
    ("registry_checkpointkey", "key_ends"): "BEFORE UPDATE ON {table}"
    " FOR EACH ROW EXECUTE FUNCTION haomaku_checkpoint_key_ends()",
    # It is derived, so it may be removed and grown again; a row as such never changes.
    ("registry_treetile", "never_changed"): "BEFORE UPDATE ON {table}" + NEVER,
}


def guard(table, name, definition):
    return migrations.RunSQL(
        [
            f"CREATE TRIGGER {name} {definition.format(table=table)}",
            f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}",
        ],
        f"DROP TRIGGER {name} ON {table}",
    )



class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0010_budgets'),
    ]

    operations = [
        migrations.CreateModel(
            name='SignedCheckpoint',
            fields=[
                ('size', models.BigIntegerField(primary_key=True, serialize=False)),
                ('root', models.BinaryField(max_length=32)),
                ('note', models.TextField()),
                ('at', models.DateTimeField()),
            ],
            options={
                'ordering': ['-size'],
            },
        ),
        migrations.CreateModel(
            name='TreeTile',
            fields=[
                ('pk', models.CompositePrimaryKey('level', 'position', blank=True, editable=False, primary_key=True, serialize=False)),
                ('level', models.SmallIntegerField()),
                ('position', models.BigIntegerField()),
                ('hashes', models.BinaryField()),
                ('root', models.BinaryField(max_length=32)),
            ],
        ),
        migrations.AlterField(
            model_name='ledgerentry',
            name='kind',
            field=models.CharField(choices=[('ledger_opened', 'ledger_opened'), ('carrier_recorded', 'carrier_recorded'), ('institution_recorded', 'institution_recorded'), ('mandate_recorded', 'mandate_recorded'), ('sender_listed', 'sender_listed'), ('sender_suspended', 'sender_suspended'), ('sender_reinstated', 'sender_reinstated'), ('sender_blacklisted', 'sender_blacklisted'), ('sender_amended', 'sender_amended'), ('sender_ended', 'sender_ended'), ('blacklisting_annulled', 'blacklisting_annulled'), ('mandate_revoked', 'mandate_revoked'), ('reject_code_recorded', 'reject_code_recorded'), ('policy_row_recorded', 'policy_row_recorded'), ('api_key_issued', 'api_key_issued'), ('api_key_revoked', 'api_key_revoked'), ('recipient_suppressed', 'recipient_suppressed'), ('refusal_corrected', 'refusal_corrected'), ('member_recorded', 'member_recorded'), ('application_moved', 'application_moved'), ('recipient_revealed', 'recipient_revealed'), ('member_log_in_reset', 'member_log_in_reset'), ('verdict_given', 'verdict_given'), ('receiver_recorded', 'receiver_recorded'), ('decision_explained', 'decision_explained'), ('consent_recorded', 'consent_recorded'), ('consent_withdrawn', 'consent_withdrawn'), ('scrub_finished', 'scrub_finished'), ('checkpoint_key_recorded', 'checkpoint_key_recorded')], max_length=32),
        ),
        migrations.CreateModel(
            name='CheckpointKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('algorithm', models.CharField(choices=[('ed25519', 'ed25519')], default='ed25519', max_length=16)),
                ('vkey', models.CharField(max_length=200, unique=True)),
                ('valid_from', models.DateTimeField()),
                ('valid_to', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ['-id'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('valid_to__isnull', True)), fields=('algorithm',), name='one_current_checkpoint_key')],
            },
        ),
        # Hashes do not compress.
        migrations.RunSQL("ALTER TABLE registry_treetile ALTER COLUMN hashes SET STORAGE EXTERNAL", migrations.RunSQL.noop),
        *(migrations.RunSQL(body, f"DROP FUNCTION {name}()") for name, body in FUNCTIONS.items()),
        *(guard(table, name, definition) for (table, name), definition in TRIGGERS.items()),
    ]
