"""What Google Cloud Storage says, as one sentence for people."""

import contextlib
from collections.abc import Iterator

import requests
from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError

from components.errors import UserError


@contextlib.contextmanager
def explained(uri: str) -> Iterator[None]:
    """Turns what the service or the network says into one sentence; preconditions pass."""
    try:
        yield
    except exceptions.PreconditionFailed:
        raise
    except (exceptions.GoogleAPIError, GoogleAuthError, requests.RequestException) as error:
        raise UserError(_sentence(uri, error)) from error


def _sentence(uri: str, error: Exception) -> str:
    match error:
        case GoogleAuthError() | exceptions.Unauthorized():
            return (
                f"No Google Cloud credentials for {uri}: run 'gcloud auth application-default "
                "login', or give the pod a service account."
            )
        case exceptions.Forbidden():
            return (
                f"No permission for {uri}: grant the account the role "
                "roles/storage.objectUser on the bucket."
            )
        case exceptions.NotFound():
            return f"There is no bucket for {uri}: check its name, or make it."
        case exceptions.BadRequest():
            return f"Google Cloud Storage refuses {uri}: {error.message}; check its name."
        case _:
            return f"Google Cloud Storage gives no answer for {uri}: try again later."
