"""What a goal says that the errands made of it don't, and the other way round: signs that it was not understood.

They are only signs: a thing may be named in a remark. So of two readings the one with fewer is believed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..sim.scene import Scene
from .canonical import named
from .spelling import plain
from .understanding import in_place_names

_SAID = {
    "throw away": r"bin|binned|trash\w*|rubbish|garbage|throw\w*|toss\w*|chuck\w*|dump\w*|dispos\w+|discard\w*|"
    r"ditch\w*|rid|scrap\w*|waste\w*|dustbin|landfill|goner|gone off|had its day|better days|out|"
    r"clear(?:ed)?(?: off| out| up)?(?= the\b)|clean\w* (?:off|out|up)|empty|emptied|tidy\w*",
    "open the": r"open\w*|pull\w*|slide|ajar",
    "close the": r"clos\w+|shut\w*|push\w*|slam",
    "wipe the": r"wip\w+|scrub\w*|mop\w*|polish\w*|clean\w*|cloth|dry|crumbs?|spill\w*|spilt|sticky|mess\w*|puddle",
    "two|three|four": r"two|couple|pair|both|three|trio|four|each|twice|another|second|\d",
}
"""What an errand may be, and the words of a goal that speak for it."""
_ERRANDS = {"open the": "open", "close the": "close|shut", "wipe the": "wipe"}
"""Words of a goal that are always an errand."""
_LEAVING_OUT = re.compile(
    r"\b(?:no|non|not|nor|none|nowt|nothing|neither|nobody|never|cannot|"
    r"(?:do|does|did|is|are|was|were|ca|wo|could|would|should|must|ai|has|have|had)nt|"
    r"without|sans|minus|zero|less|free|decaf\w*|devoid|unhealthy|mild\w*|plain|"
    r"x?cept\w*|except\w*|exempt|exclud\w+|but|barring|save|apart|aside|besides?|beyond|instead|rather|unless|unlike|"
    r"other\w*|another|else|rest|left|leave|leaving|behind|stays?|staying|keep\w*|retain|remain\w*|surviv\w+|spare|"
    r"skip|avoid|hold|only|just|alone|alread\w+|enough|though|although|hat(?:e|es|ed|ing)|allerg\w+|upsets?|"
    r"(?<!energy )(?<!protein )(?<!snack )bar(?= (?:the|one|an?|my)\b)|sensitive|sick|"
    r"bans?|banned|refuse|forbid\w*|giv\w+ up|subtract|likewise|wrong)\b"
)
"""What may speak for leaving something out of a kind."""
_SECOND_THOUGHTS = re.compile(
    r"\b(?:actually|on second thoughts?|scratch that|strike that|i mean|i meant|reverse|forget|never ?mind|instead|"
    r"wait|sorry|hang on|hold on|rather|nah|nope|correction|changed my mind|make (?:that|it)|"
    r"other way (?:round|around))\b|"
    r"\bno\b(?=[,.;!]|$)"
)


def wavers(goal: str) -> bool:
    """Does somebody seem to have had second thoughts while they spoke?"""
    return _SECOND_THOUGHTS.search(plain(goal)) is not None


def leaves_out(goal: str) -> bool:
    """Does any word speak for leaving something out of a kind?"""
    return _LEAVING_OUT.search(plain(goal)) is not None


def unsaid(goal: str, errands: Sequence[str], scene: Scene) -> list[str]:
    """The signs, in words: names and places that no errand has, errands that no word of the goal speaks for."""
    text, told = in_place_names(plain(goal)), plain("; ".join(errands))
    signs = [f"the {name} is named" for name in sorted(named(goal) - named(told))]
    signs += [f"the {place} is named" for place in sorted(_places(text, scene) - _places(told, scene))]
    for errand, words in _SAID.items():
        if re.search(rf"\b(?:{errand})\b", told) and not re.search(rf"\b(?:{words})\b", text):
            signs.append(f"nothing speaks for '{errand}'")
    for errand, words in _ERRANDS.items():
        if re.search(rf"\b(?:{words})\b(?! (?:counter|by|to)\b)", text) and errand not in told:
            signs.append(f"'{errand}' is said")
    return signs


def _places(text: str, scene: Scene) -> set[str]:
    """Surfaces and drawers that a text names; 'counter' alone is the one it stands for."""
    found, left = set(), f" {text} "
    names = {**scene.place_names, **scene.drawer_names}
    plainly = {p.name for p in scene.places if p.kind in ("person", "bin")}
    for name in sorted(names, key=len, reverse=True):
        if re.search(rf"\b{re.escape(name.lower())}\b", left):
            left = re.sub(rf"\b{re.escape(name.lower())}\b", " ", left)
            found.add(names[name])
    return found - plainly
