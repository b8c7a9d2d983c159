"""The SQL is what DuckDB and Spark SQL have in common."""

from __future__ import annotations

import re

import pytest

from mbe_docs.evidence import pair_sql, run_counts, sql

STATEMENTS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": text
    for module in (sql, pair_sql, run_counts)
    for name, text in vars(module).items()
    if name.isupper() and not name.startswith("_") and isinstance(text, str) and "SELECT" in text
}
FUNCTIONS = {
    "ABS",
    "CAST",
    "COALESCE",
    "CONCAT",
    "COUNT",
    "FLOOR",
    "LN",
    "MAX",
    "MIN",
    "ROUND",
    "ROW_NUMBER",
    "SUM",
}
WORDS = {
    *(
        "SELECT",
        "DISTINCT",
        "FROM",
        "JOIN",
        "LEFT",
        "ON",
        "WHERE",
        "GROUP",
        "ORDER",
        "BY",
        "UNION",
        "ALL",
        "AS",
        "DESC",
    ),
    *("CASE", "WHEN", "THEN", "ELSE", "END", "AND", "OR", "IS", "NOT", "NULL", "IN", "OVER", "PARTITION"),
    *("INT", "BIGINT", "DOUBLE", "STRING", "DECIMAL"),
}
BANNED = {
    "a cast with two colons (DuckDB)": r"::",
    "a list, map or struct literal": r"(?<![\w\]])[\[{]",
    "whole division, // or DIV": r"//|\bDIV\b",
    "a comparison that only one of them writes so": r"<=>|==|!=|\bIS\s+(NOT\s+)?DISTINCT\b",
    "a join by name or by order of columns": r"\bUSING\b|\bNATURAL\b|\bASOF\b|\bLATERAL\b",
    "shortened syntax (DuckDB)": r"GROUP\s+BY\s+ALL|ORDER\s+BY\s+ALL|\bEXCLUDE\b|\bREPLACE\b|\bQUALIFY\b|\bCOLUMNS\b",
    "FILTER, written as CASE here": r"\bFILTER\b",
    "a name in quotes, which they quote differently": r"[\"`]",
    "a type that only one has": r"\bHUGEINT\b|\bVARCHAR\b|\bTEXT\b|\bUBIGINT\b|\bLONG\b",
    "a float literal, decimal in one and double in the other": r"\b\d+\.\d|\b\d+[eE]\d",
    "all columns, in an order that nobody wrote": r"SELECT\s+\*|\.\*",
    "a parameter": r"\?|\$\d|:\w",
    "a hint or a comment": r"/\*|--",
    "a function of time or chance": r"\bNOW\b|\bRAND|\bCURRENT_|\bUUID",
    "a mean or quantile taken in doubles": r"\bAVG\b|\bMEDIAN\b|\bQUANTILE|\bPERCENTILE|\bSTDDEV|\bVAR_",
    "a hash that differs between engines": r"\bHASH\b|\bXXHASH|\bMD5\b",
}


def test_there_is_sql_to_look_at():
    """The rules below are not met by nothing."""
    assert len(STATEMENTS) >= 14


@pytest.mark.parametrize("name", STATEMENTS)
@pytest.mark.parametrize("construct", BANNED)
def test_no_statement_uses_what_one_engine_only_has(name, construct):
    """What is banned, and why, is the table above."""
    bare = re.sub(r"'[^']*'", "''", STATEMENTS[name])
    assert re.findall(BANNED[construct], bare) == []


@pytest.mark.parametrize("name", STATEMENTS)
def test_every_function_is_one_that_both_engines_have(name):
    """A name before a bracket, or in capitals, is on the list."""
    bare = re.sub(r"'[^']*'", "''", STATEMENTS[name])
    assert set(re.findall(r"\b([A-Za-z_]\w*)\(", bare)) <= FUNCTIONS | {"DECIMAL", "OVER"}
    assert set(re.findall(r"\b[A-Z][A-Z_]+\b", bare)) <= FUNCTIONS | WORDS


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_division_is_one_of_doubles(name):
    """Of whole numbers, `/` is a double in DuckDB and a decimal in Spark."""
    for left, right in re.findall(r"(.{60})/\s*(.{30})", " ".join(STATEMENTS[name].split())):
        assert re.search(r"AS DOUBLE\) (\* \d+ )?$", left), left
        assert right.startswith(("CAST(", "(CAST(")), right


@pytest.mark.parametrize(
    "name", ["sql.ARMS", "sql.USAGE", "sql.LATENCY", "pair_sql.PAIRS", "pair_sql.PAIR_USAGE"]
)
def test_what_is_returned_is_in_a_stated_order(name):
    """Neither engine promises one otherwise."""
    assert re.search(r"ORDER BY [\w, ]+$", STATEMENTS[name])
