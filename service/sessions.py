"""How a browser says who it is: the API key in a cookie that no script can read and no other site can send."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers
from starlette.responses import Response

from saddlepoint.errors import Forbidden

COOKIE = "saddlepoint_session"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def open_session(response: Response, key: str, *, secure: bool) -> None:
    """Have the browser send `key` until it is closed or logs out.

    The key itself, and no token of ours: it is looked up like any other, by every replica, and revoking it ends the
    session. SameSite=Strict keeps it from links of other sites too; the login page makes up for those.
    """
    value = urlsafe_b64encode(key.encode()).decode().rstrip("=")
    response.set_cookie(COOKIE, value, path="/", httponly=True, samesite="strict", secure=secure)


def close_session(response: Response, *, secure: bool) -> None:
    """Have the browser forget the key."""
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=secure)


def session_key(headers: Headers) -> str | None:
    """The key that a browser's session stands for, None where it has none."""
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
        return None if morsel is None else urlsafe_b64decode(morsel.value + "===").decode()
    except (CookieError, ValueError):
        return None


def check_same_origin(headers: Headers) -> None:
    """Refuse what a page of another origin had a browser send. Browsers name the origin of all but plain reading."""
    origin = headers.get("origin")
    if origin is None or origin.partition("://")[2] != headers.get("host"):
        raise Forbidden("A session acts for pages of this service only; programs send `Authorization: Bearer <key>`.")


def wants_page(headers: Headers) -> bool:
    """Whether a person looks at the answer: browsers name HTML when they open a page, and no kind of JSON."""
    accept = headers.get("accept", "")
    return "text/html" in accept and "json" not in accept


def local_path(wanted: str) -> str:
    """`wanted` where it is a path of this service, else the overview: nobody is sent elsewhere after a login."""
    is_local = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if is_local else "/"
