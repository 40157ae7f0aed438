"""Sentences in their plain form: without politeness, and with errands in two halves as one."""

from __future__ import annotations

import re

POLITE = re.compile(
    r"\b(?:please|pls|plz|kindly|thanks|thank you|thx|hey|hi|hello|robot|ok|okay|now|next(?! to\b)|just|quickly|yo|"
    r"be so kind and|would you mind to|(?:could|can|would|will) (?:you|u)(?: please)?|i (?:want|need) you to|"
    r"i(?: woul)?d like you to|it would be great if you could|see if you can|make sure to|"
    r"when you have (?:a )?(?:moment|time)|right away|asap|any chance (?:you|u) (?:could|can)|lol|ugh|dude|man|"
    r"(?:how|what) would you(?: do to)?|how (?:do|can|could) you|"
    r"i was wondering if you (?:could|can)|do me a favou?r and|"
    r"for (?:my |our |the )?(?:lunch|dinner|breakfast|supper|a snack|break|work|later)|"
    r"(?:from )?somewhere in the kitchen|(?:that|which) you are holding|(?:that|which) you hold|in your hand|firstly|"
    r"first(?=,? (?:go|get|grab|bring|put|take|toss|throw|find|pick|open|close|wipe|move|fetch)\b)|"
    r"(?:that )?im allowed(?= to)|(?:see to it|make sure|ensure)(?: that)?|once more|one more thing|for now|to go)\b"
)
_PRELUDE = re.compile(
    r"^(?:(?:go|run|come|walk|drive|also|then|and|over|there)(?:,| and)? )+"
    r"(?=(?:get|fetch|grab|bring|find|pick|take)\b)"
)
_FETCH = re.compile(
    r"^(?:find|look for|pick up|pick|grab|take|get|fetch|locate)(?: me)? (?P<what>.+?)(?: up)?"
    r"(?:,| and|, and|, then| and then) "
    r"(?:(?P<verb>bring|give|hand|pass|deliver|carry|put|place|set|take|drop|throw|toss) (?:it|that|them|this|those)\b|"
    r"(?P<come>come back|return))(?P<rest>.*)$"
)
_IS_TO_BE = re.compile(
    r"^(?P<what>.+?) (?:should (?:be|go)|(?:has|have|needs?) to (?:be|go)|must (?:be|go)|is to be|belongs?|goes) "
    r"(?P<how>open|closed|shut|(?:to|on|onto|into|in|at) .+)$"
)
_SEE_TO_IT = re.compile(r"\b(?:see to it|make sure|ensure)(?: that)? (?P<what>.+?) (?:is|are|stands?) ")
_SPILL = re.compile(
    r"\b(?:wipe|clean|mop|scrub|dry|soak)(?: up| off| away)? (?:(?:the|my|that|this|a|any|those|these) )?(?:\w+ )?"
    r"(?:spills?|spillage|puddles?|stains?|crumbs?) (?:on|from|off|at) (?=(?:the|my)\b)"
)
_STOCK = re.compile(r"^(?:restock|stock|replenish|supply|fill up|refill) (?P<where>.+?) with (?P<what>.+)$")
_RESTOCK = re.compile(r"^(?:restock|replenish|refill|stock) (?P<what>.+?) (?P<where>(?:on|in|at|into) .+)$")
_WOULD_BE = re.compile(r"^(?P<what>.+) would be (?:lovely|nice|great|perfect|good|awesome|wonderful)$")


def bare(sentence: str, verb: re.Pattern[str]) -> str:
    """Without politeness and commas, and with errands in two halves ('find x and bring it to me') as one."""
    words = _SEE_TO_IT.sub(r"\g<what> should be ", " ".join(sentence.split()))
    words = " ".join(POLITE.sub(" ", words).split()).strip(" ,")
    words = re.sub(r"\b(?:in|with) it$", "", _PRELUDE.sub("", words)).strip()
    if halves := _FETCH.match(words):
        rest = "" if halves["come"] and not halves["rest"].strip() else halves["rest"]
        words = f"{halves['verb'] or 'bring'} {halves['what']} {rest}"
    words = _SPILL.sub("wipe ", words)
    if moved := re.match(r"^(?:pull|slide|push|draw|swing) (.+?) (open|out|shut|closed|in)$", words):
        words = f"{'open' if moved[2] in ('open', 'out') else 'close'} {moved[1]}"
    if restock := _RESTOCK.match(words):
        words = f"put {restock['what']} {restock['where']}"
    if stock := _STOCK.match(words):
        words = f"put {stock['what']} on {stock['where']}"
    if not verb.match(words) and (state := _IS_TO_BE.match(words)):
        how = {"open": "open", "closed": "close", "shut": "close"}.get(state["how"])
        words = f"{how} {state['what']}" if how else f"put {state['what']} {state['how']}"
    if wish := _WOULD_BE.match(words):
        words = f"i want {wish['what']}"
    return " ".join(words.replace(",", " ").split())
