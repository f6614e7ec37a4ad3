from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0022_records"),
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
                    ("record", "The record of a decision"),
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
        migrations.AlterField(
            model_name="ledgerentry",
            name="kind",
            field=models.CharField(
                choices=[
                    ("ledger_opened", "ledger_opened"),
                    ("carrier_recorded", "carrier_recorded"),
                    ("institution_recorded", "institution_recorded"),
                    ("mandate_recorded", "mandate_recorded"),
                    ("sender_listed", "sender_listed"),
                    ("sender_suspended", "sender_suspended"),
                    ("sender_reinstated", "sender_reinstated"),
                    ("sender_blacklisted", "sender_blacklisted"),
                    ("sender_amended", "sender_amended"),
                    ("sender_ended", "sender_ended"),
                    ("blacklisting_annulled", "blacklisting_annulled"),
                    ("mandate_revoked", "mandate_revoked"),
                    ("reject_code_recorded", "reject_code_recorded"),
                    ("policy_row_recorded", "policy_row_recorded"),
                    ("api_key_issued", "api_key_issued"),
                    ("api_key_revoked", "api_key_revoked"),
                    ("recipient_suppressed", "recipient_suppressed"),
                    ("refusal_corrected", "refusal_corrected"),
                    ("member_recorded", "member_recorded"),
                    ("application_moved", "application_moved"),
                    ("recipient_revealed", "recipient_revealed"),
                    ("member_log_in_reset", "member_log_in_reset"),
                    ("verdict_given", "verdict_given"),
                    ("receiver_recorded", "receiver_recorded"),
                    ("decision_explained", "decision_explained"),
                    ("consent_recorded", "consent_recorded"),
                    ("consent_withdrawn", "consent_withdrawn"),
                    ("scrub_finished", "scrub_finished"),
                    ("checkpoint_key_recorded", "checkpoint_key_recorded"),
                    ("number_key_rotated", "number_key_rotated"),
                    ("evidence_issued", "evidence_issued"),
                    ("recipient_erased", "recipient_erased"),
                    ("purge_finished", "purge_finished"),
                    ("canary_proposed", "canary_proposed"),
                    ("canary_planted", "canary_planted"),
                    ("canary_lifted", "canary_lifted"),
                    ("canary_alarm_acknowledged", "canary_alarm_acknowledged"),
                    ("decision_recorded", "decision_recorded"),
                ],
                max_length=32,
            ),
        ),
    ]
