"""The measures of accessibility, on pages whose failures are known."""

import pytest

from tests.journeys.accessibility import contrast_failures, no_overflow, unlabelled_controls
from tests.journeys.browser import PHONE, open_context


@pytest.fixture
def show(chromium):
    """A page with this content, on a phone's screen."""
    context = open_context(chromium, "http://127.0.0.1", size=PHONE)
    page = context.new_page()

    def load(html: str):
        page.set_content(html)
        return page

    yield load
    context.close()


def ratios(page) -> list[float]:
    return [failure.ratio for failure in contrast_failures(page)]


# Each with the ratio that its colours have by the formula of WCAG 2.1.
TOO_FAINT = {
    "grey on white": ("<p style='color:#777'>a</p>", 4.48),
    "white on its ancestor's colour": ("<div style='background:#8a8a8a'><p style='color:white'>a</p></div>", 3.45),
    "half-transparent text": ("<p style='color:rgb(0 0 0 / .5)'>a</p>", 3.98),
    "half-transparent ground": ("<p style='color:#555;background:rgb(0 0 0 / .5)'>a</p>", 1.87),
    "a faded group": ("<div style='opacity:.5'><p style='color:black'>a</p></div>", 3.98),
    "oklch": ("<p style='color:oklch(70% 0 0)'>a</p>", 2.69),
    "color-mix": ("<p style='color:color-mix(in srgb, black 50%, white)'>a</p>", 3.95),
    "large, and fainter yet": ("<p style='font-size:24px;color:#999'>a</p>", 2.85),
    "a value": ("<input value=a style='color:#777;background:white'>", 4.48),
    "a placeholder": ("<style>::placeholder{color:#999}</style><input placeholder=a style='background:white'>", 2.85),
    "a choice": ("<select style='color:#999;background:white'><option>a<option>b</select>", 2.85),
}


@pytest.mark.parametrize("name", TOO_FAINT)
def test_faint_text_is_found_with_its_ratio(show, name):
    html, ratio = TOO_FAINT[name]
    assert ratios(show(html)) == [pytest.approx(ratio, abs=0.03)]


GOOD = {
    "dark grey": "<p style='color:#767676'>a</p>",
    "large": "<p style='font-size:24px;color:#777'>a</p>",
    "bold": "<p style='font-size:18.66px;font-weight:700;color:#777'>a</p>",
    "light on dark": "<body style='background:#111'><p style='color:#eee'>a</p>",
    "a disabled button": "<button disabled style='color:#ddd'>a</button>",
    "a disabled field's label": "<label style='color:#ddd'>a<input type=checkbox disabled></label>",
    "hidden": "<p style='color:#ddd;visibility:hidden'>a</p><p style='color:#ddd;display:none'>a</p>",
    "for screen readers only": "<div style='position:absolute;width:1px;height:1px;overflow:hidden;color:#ddd'>a</div>",
    "over an image": "<div style='background-image:linear-gradient(#000,#fff);color:#777'>a</div>",
    "an icon": "<i style='font-family:Material Symbols Outlined;color:#ddd'>close</i>",
}


@pytest.mark.parametrize("name", GOOD)
def test_text_that_is_seen_or_exempt_is_left_alone(show, name):
    assert ratios(show(GOOD[name])) == []


def test_a_colour_over_an_image_is_judged(show):
    html = "<div style='background-image:linear-gradient(#000,#fff)'><p style='color:#777;background:white'>a</p></div>"
    assert ratios(show(html)) == [4.48]


def test_a_failure_says_what_and_where(show):
    [failure] = contrast_failures(show("<p id=x class='y z' style='color:#999'>Faint words</p>"))
    assert (failure.text, failure.where, failure.needed) == ("Faint words", "p#x.y.z", 4.5)
    assert (failure.colour, failure.background) == ("#999999", "#ffffff")


ICON = "<i style='font-family:Material Symbols Outlined'>close</i>"
UNLABELLED = {
    "a field": "<input name=x>",
    "a choice": "<select name=x><option>a</select>",
    "a tick": "<input type=checkbox name=x>",
    "an empty button": "<button name=x></button>",
    "a link around an unnamed image": "<a name=x href=/><img src='data:,'></a>",
    "a link around an icon": f"<a name=x href=/>{ICON}</a>",
    "an icon as a button": "<button name=x style='font-family:Material Symbols Outlined'>close</button>",
}


@pytest.mark.parametrize("name", UNLABELLED)
def test_a_control_without_a_name_is_found(show, name):
    [tag] = unlabelled_controls(show(UNLABELLED[name]))
    assert 'name="x"' in tag


@pytest.mark.parametrize(
    "html",
    [
        "<label>Name <input></label>",
        "<label for=x>Name</label><select id=x><option>a</select>",
        "<button>Send</button>",
        f"<button>{ICON} Close</button>",
        f"<a href=/ aria-label=Close>{ICON}</a>",
        f"<a href=/ title=Close>{ICON}</a>",
        "<a href=/><img alt=Home src='data:,'></a>",
        "<a>No link</a>",
        "<button hidden></button>",
        "<input type=hidden name=x>",
    ],
)
def test_a_named_control_is_left_alone(show, html):
    assert unlabelled_controls(show(html)) == []


@pytest.mark.parametrize(("width", "fits"), [("100%", True), ("900px", False)])
def test_what_sticks_out_of_the_screen_is_noticed(show, width, fits):
    assert no_overflow(show(f"<body style='margin:0'><div style='width:{width}'>a</div>")) is fits
