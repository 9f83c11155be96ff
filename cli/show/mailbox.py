"""Pages that show the local mailbox of a demo: who got which letter, and how it looks."""

import html
import threading
from email.header import decode_header, make_header

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from simulation.mailbox import Mailbox, Received

STYLE = """<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Mailbox</title><style>
body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color-scheme:light dark}
table{border-collapse:collapse;width:100%}td,th{padding:.4rem .6rem;border-bottom:1px solid #8884;text-align:left}
iframe{width:100%;height:70vh;border:1px solid #8884;background:#fff}</style>"""


def _subject(letter: Received) -> str:
    return html.escape(str(make_header(decode_header(str(letter.message["Subject"] or "")))))


def pages(mailbox: Mailbox) -> Starlette:
    """All letters, those of one address (`?to=`), one letter, and its source."""

    def listing(request: Request) -> Response:
        to = request.query_params.get("to", "")
        found = mailbox.by_address.get(to, []) if to else mailbox.letters
        rows = "".join(
            f'<tr><td>{one.number}</td><td><a href="/?to={html.escape(one.to)}">{html.escape(one.to)}</a></td>'
            f'<td><a href="/letter/{one.number}">{_subject(one)}</a></td></tr>'
            for one in reversed(found[-500:])
        )
        head = (
            f"<h1>Mailbox</h1><p>{len(found)} letters{f' to {html.escape(to)} · <a href=/>all</a>' if to else ''}</p>"
        )
        return HTMLResponse(f"<!doctype html><html lang=en>{STYLE}{head}<table>{rows}</table>")

    def letter(request: Request) -> Response:
        number = request.path_params["number"]
        if not 0 < number <= len(mailbox.letters):
            return PlainTextResponse("no such letter", 404)
        one = mailbox.letters[number - 1]
        return HTMLResponse(
            f'<!doctype html><html lang=en>{STYLE}<p><a href="/">all</a></p><h1>{_subject(one)}</h1>'
            f'<p>To {html.escape(one.to)} · <a href="/source/{number}">source</a></p>'
            f'<iframe sandbox="allow-popups allow-top-navigation-by-user-activation" '
            f'srcdoc="{html.escape(one.part("html"))}"></iframe>'
        )

    def source(request: Request) -> Response:
        number = request.path_params["number"]
        if not 0 < number <= len(mailbox.letters):
            return PlainTextResponse("no such letter", 404)
        return PlainTextResponse(mailbox.letters[number - 1].content.decode("utf-8", "replace"))

    return Starlette(
        routes=[Route("/", listing), Route("/letter/{number:int}", letter), Route("/source/{number:int}", source)]
    )


def serve(mailbox: Mailbox, port: int) -> uvicorn.Server:
    """Serve the pages from a thread; `.should_exit = True` ends it."""
    config = uvicorn.Config(pages(mailbox), host="127.0.0.1", port=port, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, daemon=True).start()
    return server
