"""What every view of the API begins with."""

from __future__ import annotations

from rest_framework.views import APIView


class ApiView(APIView):
    """A view that refuses every method that it has no function for, with the others in `Allow`.

    DRF's own takes OPTIONS on every path, which no document of ours describes, and answers with docstrings.
    """

    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
