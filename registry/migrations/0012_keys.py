"""The keys that make people's tokens: what the database remembers of them."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('registry', '0011_merkle'),
    ]

    operations = [
        migrations.AlterField(
            model_name='ledgerentry',
            name='kind',
            field=models.CharField(choices=[('ledger_opened', 'ledger_opened'), ('carrier_recorded', 'carrier_recorded'), ('institution_recorded', 'institution_recorded'), ('mandate_recorded', 'mandate_recorded'), ('sender_listed', 'sender_listed'), ('sender_suspended', 'sender_suspended'), ('sender_reinstated', 'sender_reinstated'), ('sender_blacklisted', 'sender_blacklisted'), ('sender_amended', 'sender_amended'), ('sender_ended', 'sender_ended'), ('blacklisting_annulled', 'blacklisting_annulled'), ('mandate_revoked', 'mandate_revoked'), ('reject_code_recorded', 'reject_code_recorded'), ('policy_row_recorded', 'policy_row_recorded'), ('api_key_issued', 'api_key_issued'), ('api_key_revoked', 'api_key_revoked'), ('recipient_suppressed', 'recipient_suppressed'), ('refusal_corrected', 'refusal_corrected'), ('member_recorded', 'member_recorded'), ('application_moved', 'application_moved'), ('recipient_revealed', 'recipient_revealed'), ('member_log_in_reset', 'member_log_in_reset'), ('verdict_given', 'verdict_given'), ('receiver_recorded', 'receiver_recorded'), ('decision_explained', 'decision_explained'), ('consent_recorded', 'consent_recorded'), ('consent_withdrawn', 'consent_withdrawn'), ('scrub_finished', 'scrub_finished'), ('checkpoint_key_recorded', 'checkpoint_key_recorded'), ('number_key_rotated', 'number_key_rotated')], max_length=32),
        ),
        migrations.CreateModel(
            name='NumberKey',
            fields=[
                ('id', models.SmallIntegerField(primary_key=True, serialize=False)),
                ('cipher', models.CharField(max_length=8)),
                ('mark', models.BinaryField()),
                ('state', models.CharField(choices=[('current', 'Current'), ('leaving', 'Leaving'), ('retired', 'Retired')], max_length=8)),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'current')), fields=('state',), name='number_key_current_alone')],
            },
        ),
    ]
