"""What it means when a host does not take a notebook that trains: quota, machines, phone, and what to do about it."""

from aicomp.errors import AicompError, NetworkError, RefusedError
from aicomp.kaggle.endpoint import Endpoint

_ON_A_CPU = "`--set notebook.accelerator=none` trains on a CPU"


def refused_machine(endpoint: Endpoint, reason: str) -> AicompError | None:
    """The error for a reason that is about the machine, None for others.

    A quota and a phone are refusals (exit code 5); that all machines are taken passes (exit code 6).

    Args:
        endpoint: Who refuses.
        reason: In the host's words.
    """
    text = reason.casefold()
    message = f"{endpoint.name} does not take the notebook: {reason}"
    if "phone" in text or ("verif" in text and "identity" in text):
        page = "https://www.kaggle.com/settings" if endpoint.url is None else endpoint.url
        return RefusedError(message, f"verify your phone number: {page}")
    if "quota" in text:
        return RefusedError(message, f"the quota is renewed every week; {_ON_A_CPU}")
    if "session count" in text or "no gpu" in text or "unavailable" in text or "capacity" in text:
        return NetworkError(message, f"wait until another notebook has ended and type the same command; {_ON_A_CPU}")
    return None
