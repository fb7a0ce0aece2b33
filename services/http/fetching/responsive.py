"""Which of several images a browser takes: `srcset`, `sizes`, and the `source` elements of a picture.
HTML Living Standard §4.8.4; media queries as far as they ask for a width.

Pure.  The browser is one with an ordinary screen: 1280 CSS pixels wide, one dot to a pixel.
"""

import re
from dataclasses import dataclass

WIDTH_PX = 1280.0
MAX_CANDIDATES = 100
_BLANK = " \t\n\f\r"
_ANY_BLANK = re.compile(f"[{_BLANK}]")
_NUMBER = r"([0-9]*\.?[0-9]+)"
_LENGTH = re.compile(rf"{_NUMBER}(px|vw|em|rem)\Z", re.IGNORECASE)
_FEATURE = re.compile(rf"\(\s*(min|max)-width\s*:\s*{_NUMBER}(px|em|rem)\s*\)\Z", re.IGNORECASE)
_PX = {"px": 1.0, "em": 16.0, "rem": 16.0, "vw": WIDTH_PX / 100}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One image of a `srcset`: its reference, and how many dots it has to a CSS pixel."""

    reference: str
    density: float


def choose(src: str, srcset: str, sizes: str = "") -> str:
    """The reference of the image that is fetched; ``""`` where there is none (§4.8.4.3.7).

    The least that is sharp enough; where none is, the sharpest; of two alike the first.
    """
    found = candidates(srcset, sizes)
    if src.strip(_BLANK) and all(one.density != 1.0 for one in found):
        found.append(Candidate(src, 1.0))
    if not found:
        return ""
    sharp = [one for one in found if one.density >= 1.0]
    return min(sharp, key=_density).reference if sharp else max(found, key=_density).reference


def candidates(srcset: str, sizes: str = "") -> list[Candidate]:
    """What a `srcset` offers: ``a.png, b.png 2x``, ``a.png 480w, b.png 960w`` (§4.8.4.3.2).

    A URL may hold commas and ends at a blank, or with a comma that ends it; wrong descriptors drop theirs.
    """
    found: list[Candidate] = []
    rest = srcset.lstrip(_BLANK + ",")
    for _ in range(MAX_CANDIDATES):
        if not rest:
            break
        reference, rest = _until_blank(rest)
        if reference.endswith(","):
            reference, descriptors = reference.rstrip(","), ""
        else:
            descriptors, _, rest = rest.partition(",")
        density = _density_of(descriptors.split(), sizes)
        if density is not None and reference:
            found.append(Candidate(reference, density))
        rest = rest.lstrip(_BLANK + ",")
    return found


def is_shown(media: str, kind: str) -> bool:
    """Whether a `source` with these attributes counts: its media fit, and its type is an image's."""
    return (not kind.strip() or kind.strip().lower().startswith("image/")) and is_media(media)


def is_media(query: str) -> bool:
    """Whether this browser is what a media query asks for; features but its width it has none of."""
    return not query.strip() or any(_is_one_media(one) for one in query.lower().split(","))


def _is_one_media(query: str) -> bool:
    return all(_has(word.strip()) for word in re.split(r"\sand\s", query.strip().removeprefix("only ")))


def _has(word: str) -> bool:
    if (feature := _FEATURE.match(word)) is None:
        return word in ("all", "screen")
    width_px = float(feature[2]) * _PX[feature[3]]
    return width_px <= WIDTH_PX if feature[1] == "min" else width_px >= WIDTH_PX


def _density_of(descriptors: list[str], sizes: str) -> float | None:
    if not descriptors:
        return 1.0
    found = re.fullmatch(rf"{_NUMBER}([xw])", descriptors[0])
    if found is None or (len(descriptors) > 1 and not re.fullmatch(r"[0-9]+h", descriptors[1])):
        return None
    number = float(found[1])
    if found[2] == "x":
        return number
    return number / _shown_px(sizes) if number > 0 else None


def _shown_px(sizes: str) -> float:
    """How wide the image is drawn: the first of `sizes` whose condition holds, or all of the window (§4.8.4.3.6)."""
    for one in sizes.lower().split(","):
        condition, _, length = one.strip().rpartition(" ")
        width = _LENGTH.match(length)
        if width is not None and is_media(condition) and float(width[1]) > 0:
            return float(width[1]) * _PX[width[2]]
    return WIDTH_PX


def _until_blank(text: str) -> tuple[str, str]:
    """Text up to the first blank, and what follows it."""
    blank = _ANY_BLANK.search(text)
    return (text, "") if blank is None else (text[: blank.start()], text[blank.end() :])


def _density(candidate: Candidate) -> float:
    return candidate.density
