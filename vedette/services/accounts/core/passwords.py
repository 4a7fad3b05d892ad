"""Which passwords are refused: short ones, common ones, and those that only look long."""

import re

LEAST = 12
_LEAST_DISTINCT = 5
_WORDS = """
password passwort passw0rd welcome letmein admin administrator root qwerty qwertyuiop qwertz azerty asdfgh asdfghjkl
zxcvbn zxcvbnm qazwsx qazwsxedc iloveyou monkey dragon football baseball superman batman sunshine princess master
shadow secret login changeme default camera cameras security surveillance vedette guest user test testing hello
trustno starwars whatever freedom computer internet samsung google summer winter spring autumn january february march
april june july august september october november december
"""
_COMMON = frozenset(_WORDS.split())
_LOOKALIKES = str.maketrans("013457@$!", "oieastasi")
_AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_RUNS = (
    "0123456789" * 3,
    "9876543210" * 3,
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "1q2w3e4r5t6y7u8i9o0p",
)


def weakness(password: str, name: str) -> str | None:
    """Why the password is refused, as a sentence; None when it is fine."""
    lowered = password.lower()
    if len(password) < LEAST:
        return f"A password needs at least {LEAST} characters. Four unrelated words are easy to remember."
    if len(set(lowered)) < _LEAST_DISTINCT or _is_run(lowered) or _is_repeated(lowered):
        return "This password repeats itself. Choose one that is harder to guess."
    word = _AROUND.sub("", lowered)
    if {_letters(word), _letters(word.translate(_LOOKALIKES))} & _COMMON or _is_repeated(_letters(word)):
        return "This password is among the first that are tried. Choose another."
    if len(name) > 3 and len(lowered.replace(name.lower(), "")) < LEAST // 2:
        return "This password is mostly your name. Choose another."
    return None


def _letters(text: str) -> str:
    return re.sub(r"[\W\d_]", "", text)


def _is_run(text: str) -> bool:
    return any(text in run or text in run[::-1] for run in _RUNS)


def _is_repeated(text: str) -> bool:
    """Whether it is a shorter word written again and again."""
    return len(text) > 1 and (text * 2).find(text, 1) < len(text)
