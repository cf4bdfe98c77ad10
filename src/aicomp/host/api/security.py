"""`security.OAuthService`: whose a token is. The official client asks at every start."""

from typing import Any

from aicomp.host.api import Call, Handler
from aicomp.host.teams import team_of_token


def introspect_token(call: Call) -> dict[str, Any]:
    """The token's team; without one the token is not active."""
    team = team_of_token(call.host.database, call.text("token"))
    if team is None:
        return {}
    return {"active": True, "username": team.user_name, "userId": team.id, "scope": "competitions"}


CALLS: dict[tuple[str, str], Handler] = {("security.OAuthService", "IntrospectToken"): introspect_token}
