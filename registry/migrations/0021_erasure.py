"""Lawful deletion: what of a person goes, and what the database lets go."""

import importlib

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

guard = importlib.import_module("registry.migrations.0002_guards").guard

# A statement is never changed, but for being emptied.
ONLY_EMPTIED = """
CREATE FUNCTION haomaku_only_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM after) OR EXISTS (SELECT FROM after WHERE text <> '' OR octet_length(nonce) > 0)
        OR EXISTS (SELECT id FROM after EXCEPT SELECT id FROM before)
    THEN
        RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$
"""
STATEMENT = "registry_statement"


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0020_access'),
    ]

    operations = [
        migrations.CreateModel(
            name='ErasedToken',
            fields=[
                ('subject', models.UUIDField(primary_key=True, serialize=False)),
                ('token', models.UUIDField()),
                ('erased_at', models.DateTimeField()),
            ],
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='evidence',
            name='evidence_never_changed',
        ),
        migrations.AlterField(
            model_name='application',
            name='kind',
            field=models.CharField(choices=[('list', 'List numbers'), ('amend', 'Amend a listing'), ('reinstate', 'Reinstate a number'), ('suspend', 'Suspend a number'), ('blacklist', 'Blacklist a number'), ('annul', 'Annul a blacklisting'), ('end_listing', 'End a listing'), ('correct', 'Correct a refusal'), ('erase', 'Erase a person'), ('canary', 'Plant a canary'), ('lift_canary', 'Lift a canary'), ('policy_row', 'Policy row'), ('reject_code', 'Reject code'), ('institution', 'Register an institution'), ('licence', 'Change a licence'), ('mandate', 'Grant a mandate'), ('revoke_mandate', 'Revoke a mandate')], max_length=16, verbose_name='kind'),
        ),
        migrations.AlterField(
            model_name='ledgerentry',
            name='kind',
            field=models.CharField(choices=[('ledger_opened', 'ledger_opened'), ('carrier_recorded', 'carrier_recorded'), ('institution_recorded', 'institution_recorded'), ('mandate_recorded', 'mandate_recorded'), ('sender_listed', 'sender_listed'), ('sender_suspended', 'sender_suspended'), ('sender_reinstated', 'sender_reinstated'), ('sender_blacklisted', 'sender_blacklisted'), ('sender_amended', 'sender_amended'), ('sender_ended', 'sender_ended'), ('blacklisting_annulled', 'blacklisting_annulled'), ('mandate_revoked', 'mandate_revoked'), ('reject_code_recorded', 'reject_code_recorded'), ('policy_row_recorded', 'policy_row_recorded'), ('api_key_issued', 'api_key_issued'), ('api_key_revoked', 'api_key_revoked'), ('recipient_suppressed', 'recipient_suppressed'), ('refusal_corrected', 'refusal_corrected'), ('member_recorded', 'member_recorded'), ('application_moved', 'application_moved'), ('recipient_revealed', 'recipient_revealed'), ('member_log_in_reset', 'member_log_in_reset'), ('verdict_given', 'verdict_given'), ('receiver_recorded', 'receiver_recorded'), ('decision_explained', 'decision_explained'), ('consent_recorded', 'consent_recorded'), ('consent_withdrawn', 'consent_withdrawn'), ('scrub_finished', 'scrub_finished'), ('checkpoint_key_recorded', 'checkpoint_key_recorded'), ('number_key_rotated', 'number_key_rotated'), ('evidence_issued', 'evidence_issued'), ('recipient_erased', 'recipient_erased'), ('purge_finished', 'purge_finished'), ('canary_proposed', 'canary_proposed'), ('canary_planted', 'canary_planted'), ('canary_lifted', 'canary_lifted')], max_length=32),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='evidence',
            trigger=pgtrigger.compiler.Trigger(name='evidence_never_deleted', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='0dd55de102b85fa30c5e571e97dd0300daf40a4e', operation='DELETE', pgid='pgtrigger_evidence_never_deleted_73435', table='registry_evidence', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='evidence',
            trigger=pgtrigger.compiler.Trigger(name='evidence_is_only_emptied', sql=pgtrigger.compiler.UpsertTriggerSql(condition="WHEN (octet_length(NEW.sealed) > 0 OR NEW.name <> '' OR (NEW.id, NEW.application_id, NEW.kind, NEW.content_type, NEW.size, NEW.sha256) IS DISTINCT FROM (OLD.id, OLD.application_id, OLD.kind, OLD.content_type, OLD.size, OLD.sha256))", func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='ff09a1bce7f535f7e10ef46ed654a4a29629cfb7', operation='UPDATE', pgid='pgtrigger_evidence_is_only_emptied_d1877', table='registry_evidence', when='BEFORE')),
        ),
        migrations.RunSQL(
            f"DROP TRIGGER never_changed ON {STATEMENT}",
            "CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON registry_statement"
            " FOR EACH STATEMENT EXECUTE FUNCTION haomaku_never_changed()",
        ),
        migrations.RunSQL(ONLY_EMPTIED, "DROP FUNCTION haomaku_only_emptied()"),
        guard(
            STATEMENT,
            "never_deleted",
            "TRIGGER {name} BEFORE DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION haomaku_never_changed()",
        ),
        guard(
            STATEMENT,
            "only_emptied",
            "TRIGGER {name} AFTER UPDATE ON {table} REFERENCING OLD TABLE AS before NEW TABLE AS after"
            " FOR EACH STATEMENT EXECUTE FUNCTION haomaku_only_emptied()",
        ),
    ]
