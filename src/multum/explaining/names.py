"""What the parts of a recipe are called, for people: the features of contexts, matches, adjustments, weight sets."""

from multum.mixing import features as f
from multum.mixing import mixer
from multum.mixing.strands import ORDERS

_NAMES = {
    f.HIGH_NIBBLES: "upper halves of 2 bytes",
    f.HIGH_BITS: "upper bits of 4 bytes",
    f.CLASSES: "kinds of 8 characters",
    f.WORD: "word so far",
    f.WORD1: "word before",
    f.WORD2: "second word before",
    f.WORD3: "third word before",
    f.COLUMN: "column",
    f.ABOVE: "byte above",
    f.ABOVE_RIGHT: "byte above to the right",
    f.LINE_START: "start of the line",
    f.FIRST_WORD: "first word of the line",
    f.FIELD: "number of the field",
    f.FIELD_TEXT: "field so far",
    f.FIELD_ABOVE: "field above",
    f.TAG: "open tag",
    f.SHAPE: "shape of the text",
    f.RECORD_COLUMN: "place in the record",
    f.UP: "byte a record back",
    f.UP2: "byte two records back",
    f.UP_LEFT: "byte before the one a record back",
    f.UP_RIGHT: "byte after the one a record back",
    f.FOLLOWERS1: "what followed this byte",
    f.FOLLOWERS2: "what followed these 2 bytes",
    f.EXPECTED: "byte of the longest match",
    f.PHASE: "place in the number",
    f.LEFT_VALUE: "number to the left",
    f.UP_VALUE: "number above",
    f.PLANE_VALUE: "left + above - above left",
    f.MEAN_VALUE: "mean of left and above right",
    f.SLOPE_VALUE: "line through 2 to the left",
    f.UP_SLOPE_VALUE: "line through 2 above",
    f.LINE_LENGTH: "length of the line before",
    f.CHARACTER1: "last character",
    f.CHARACTER2: "last 2 characters",
    f.CHARACTER3: "last 3 characters",
    f.CHARACTER_SKIP: "second last character",
    f.LEARNT_VALUE: "learnt prediction of the number",
    f.LEARNT_FINE: "learnt prediction, finer",
    f.ACTIVITY: "how far predictions missed",
    f.WIDE_FIELD: "number of the field, to 255",
    f.WIDE_ABOVE: "field above, to 256",
    f.FIELDS_SAME: "which fields are as above",
    f.COLUMN_NEXT: "digits above in the column",
    f.FIELD_NEXT: "digits above in the field",
    f.STEP_LEFT: "step of the number to the left",
    f.STEP_ABOVE: "step of the number above",
    f.FORECAST: "forecast of the trained program",
}
_MODES = {
    mixer.BY_NOTHING: "one set",
    mixer.BY_PARTIAL: "bits so far",
    mixer.BY_MATCH: "longest match",
    mixer.BY_HITS: "contexts seen before",
    mixer.BY_MATCH_PARTIAL: "longest match and bits so far",
    mixer.BY_FORECAST: "forecast",
    mixer.BY_FORECAST_MATCH: "forecast and longest match",
    mixer.BY_FORECAST_BYTE: "forecast byte",
    mixer.BY_FORECAST_HITS: "forecast and contexts seen",
}


def name_feature(number: int) -> str:
    """Return what a feature is called."""
    if number in _NAMES:
        return _NAMES[number]
    if number == f.NONE:
        return "nothing"
    if number <= f.ORDER + 32:
        return "last byte" if number == 1 else f"last {number} bytes"
    if number <= f.BYTE + 16:
        return "last byte" if number == f.BYTE + 1 else f"byte {number - f.BYTE} back"
    if number > f.FIELD_TEXTS:
        return f"last text of field {number - f.FIELD_TEXTS}"
    return f"last {ORDERS[number - f.STRANDS - 1]} bases on both strands"


def name_features(numbers: tuple[int, ...]) -> str:
    """Return what a context is called: its features."""
    return ", ".join(map(name_feature, numbers)) or name_feature(f.NONE)


def name_selector(mode: int, feature: int) -> str:
    """Return what a set of weights is chosen by."""
    if mode in _MODES:
        return _MODES[mode]
    more = {mixer.BY_FEATURE_PARTIAL: " and bits so far", mixer.BY_FEATURE_BIT: " and number of the bit"}
    return name_feature(feature) + more.get(mode, "")
