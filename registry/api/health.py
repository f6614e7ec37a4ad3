"""Whether the web process lives, and whether it should be sent traffic."""

from __future__ import annotations

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from rest_framework.request import Request
from rest_framework.response import Response

from config.decisions import application
from registry.api.views import ApiView
from registry.decisions.app import index_problems
from registry.errors import DomainError


class LiveView(ApiView):
    """`GET /health/live`: this process answers."""

    def get(self, request: Request) -> Response:
        return Response({"status": "live"})


class ReadyView(ApiView):
    """`GET /health/ready`: database, migrations and index are usable and within age, else 503 with the reasons."""

    # Once found true it stays so for this process: migrations are never undone under running code.
    migrated = False

    def get(self, request: Request) -> Response:
        reasons = [*self._database_problems(), *index_problems(application.engine())]
        if reasons:
            raise DomainError("unavailable", "This node is not ready.", reasons=reasons)
        return Response({"status": "ready"})

    def _database_problems(self) -> list[str]:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            ReadyView.migrated = ReadyView.migrated or _migrated()
        except Error as problem:
            return [f"database_unavailable: {type(problem).__name__}"]
        return [] if ReadyView.migrated else ["migrations_pending: run manage.py migrate"]


def _migrated() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())
