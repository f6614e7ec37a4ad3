"""Refusals are never changed, as suppressions are not."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("optout", "0001_initial"), ("registry", "0002_guards")]

    operations = [
        migrations.RunSQL(
            [
                "CREATE TRIGGER never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON optout_refusal"
                " FOR EACH STATEMENT EXECUTE FUNCTION haomaku_never_changed()",
                "ALTER TABLE optout_refusal ENABLE ALWAYS TRIGGER never_changed",
            ],
            "DROP TRIGGER never_changed ON optout_refusal",
        )
    ]
