from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0021_erasure"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="look",
            name="look_is_at_somebody",
        ),
        migrations.RemoveIndex(
            model_name="look",
            name="look_reveals",
        ),
        migrations.AlterField(
            model_name="look",
            name="kind",
            field=models.CharField(
                choices=[
                    ("reveal", "The number in clear"),
                    ("reply", "A reply's text"),
                    ("evidence", "An evidence package"),
                    ("explanation", "An explained decision"),
                    ("receipts", "The receipts of a number"),
                    ("report", "This report"),
                    ("canary", "Whether the number may be a canary"),
                    ("unknown", "A number that nobody knows"),
                ],
                max_length=12,
            ),
        ),
        migrations.AddIndex(
            model_name="look",
            index=models.Index(
                condition=models.Q(("kind", "reply"), _negated=True), fields=["member", "at"], name="look_counted"
            ),
        ),
        migrations.AddConstraint(
            model_name="look",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "unknown"), ("reply", None), ("subject", None)),
                    models.Q(
                        models.Q(("kind", "unknown"), _negated=True),
                        models.Q(("subject__isnull", False), ("reply__isnull", False), _connector="OR"),
                    ),
                    _connector="OR",
                ),
                name="look_is_at_somebody",
            ),
        ),
    ]
