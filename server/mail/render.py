"""HTML and CSS in, PDF/UA-1 out, as long as standard input lasts (server/pdf.c starts and feeds it).

A request is two frames (CSS, HTML), a frame is 4 bytes of length, most significant first, and the
bytes. The answer is one byte, P or E, and a frame: the document, or the name of what went wrong.
"""
import glob
import os
import shutil
import struct
import sys
import tempfile

import weasyprint
from weasyprint.text.fonts import FontConfiguration

HERE = os.path.dirname(os.path.abspath(__file__))
FONTS = {"font:regular": "regular.woff2", "font:bold": "bold.woff2"}
FONT_CSS = """
@font-face { font-family: "Letter"; font-weight: 400; src: url(font:regular) }
@font-face { font-family: "Letter"; font-weight: 700; src: url(font:bold) }
"""


def fetch(url, **_):
    """Nothing comes from anywhere but the two fonts beside this file."""
    if url not in FONTS:
        raise ValueError("refused")
    with open(os.path.join(HERE, FONTS[url]), "rb") as font:
        return {"string": font.read(), "mime_type": "font/woff2"}


def read_exactly(stream, size):
    data = b""
    while len(data) < size:
        part = stream.read(size - len(data))
        if not part:
            sys.exit(0)
        data += part
    return data


def read_frame(stream):
    return read_exactly(stream, struct.unpack(">I", read_exactly(stream, 4))[0])


def render(css, html, fonts, font_css):
    sheets = [font_css, weasyprint.CSS(string=css, url_fetcher=fetch, font_config=fonts)]
    page = weasyprint.HTML(string=html, base_url="about:blank", url_fetcher=fetch)
    return page.write_pdf(stylesheets=sheets, font_config=fonts, variant="pdf/ua-1")


def main():
    # The library keeps its fonts in a temporary folder, and one that was killed left it behind.
    for left in glob.glob(os.path.join(tempfile.gettempdir(), "weasyprint-*")):
        shutil.rmtree(left, ignore_errors=True)
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not stand among the answers
    fonts = FontConfiguration()
    font_css = weasyprint.CSS(string=FONT_CSS, url_fetcher=fetch, font_config=fonts)
    while True:
        css, html = read_frame(requests).decode(), read_frame(requests).decode()
        try:
            kind, body = b"P", render(css, html, fonts, font_css)
        except Exception as problem:  # its text may hold what the letter holds: only its name leaves
            kind, body = b"E", type(problem).__name__.encode()
        answers.write(kind + struct.pack(">I", len(body)) + body)
        answers.flush()


main()
