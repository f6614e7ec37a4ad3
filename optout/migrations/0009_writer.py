"""All replies of one number are found by a digest; those that are there already are opened once for theirs."""

from django.db import migrations, models

AT_ONCE = 1_000


def find_writers(apps, schema_editor):
    from optout.services.inbox import sender_of, writer_of

    message_model = apps.get_model("optout", "InboundMessage")
    last = 0
    while rows := list(message_model.objects.filter(pk__gt=last).order_by("pk")[:AT_ONCE]):
        last = rows[-1].pk
        for row in rows:
            person = sender_of(row)
            row.writer = writer_of(person.digits) if person else None
        message_model.objects.bulk_update(rows, ["writer"])


class Migration(migrations.Migration):
    dependencies = [("optout", "0008_evidence")]

    operations = [
        migrations.AddField(
            model_name="inboundmessage",
            name="writer",
            field=models.BinaryField(blank=True, max_length=16, null=True),
        ),
        migrations.RunPython(find_writers, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="inboundmessage",
            index=models.Index(
                condition=models.Q(("writer__isnull", False)), fields=["writer"], name="inbound_by_writer"
            ),
        ),
    ]
