"""The dashboard's files in the folder ``dashboard``: a page, its form and its script, with nothing from outside."""

from importlib.resources import files

from twisted.web.server import Request

from bankd.protocols.pages import Answer, Page

FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/dashboard.css": ("dashboard.css", "text/css; charset=utf-8"),
    "/dashboard.js": ("dashboard.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
"""Each file and its type, by the path that it is asked for by."""


def dashboard_pages() -> dict[str, Answer]:
    """What answers each path of the dashboard; the files are read once."""
    folder = files("bankd.protocols") / "dashboard"
    return {path: _answer(Page((folder / name).read_bytes(), kind)) for path, (name, kind) in FILES.items()}


def _answer(page: Page) -> Answer:
    async def answer(_request: Request) -> Page:
        return page

    return answer
