"""Why a program says what it says: which pieces of an input spoke for a class, which contexts earned which bits."""
