"""Follows the columns of a query back to the record, by the syntax tree that DuckDB itself makes of the SQL.

What it cannot follow is an error, not a guess: a clause or an expression that no mapping has used so far.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipelines.landing.lineage.functions import any_function, called, mapped
from pipelines.landing.lineage.values import Value, merged

Node = dict[str, Any]
# A column is followed only when something asks for it.
Relation = dict[str, Callable[[], Value]]
_UNREAD_CLAUSES = ("where_clause", "group_expressions", "having", "qualify", "sample")
_PASSED_ON = ("OPERATOR_TRY", "OPERATOR_CAST")


def columns(node: Node, known: dict[str, Relation]) -> Relation:
    """The columns of a SELECT by lower-case name; `known` are the relations it may name."""
    if node["type"] != "SELECT_NODE" or any(node[clause] for clause in _UNREAD_CLAUSES):
        raise NotImplementedError("the lineage of a format follows SELECT … FROM … alone: no other clause")
    known = dict(known)
    for cte in node["cte_map"]["map"]:
        known[cte["key"].lower()] = columns(cte["value"]["query_node"], known)
    return _Select(node, _tables(node["from_table"], known), known).columns


def _tables(node: Node, known: dict[str, Relation]) -> dict[str, Relation]:
    if node["type"] == "BASE_TABLE":
        name = node["table_name"].lower()
        return {(node.get("alias") or name).lower(): known[name]}
    if node["type"] == "JOIN" and (node["ref_type"] == "CROSS" or _by_line(node["condition"])):
        return _tables(node["left"], known) | _tables(node["right"], known)
    if node["type"] == "EMPTY":
        return {}
    raise NotImplementedError(f"the lineage of a format does not follow a FROM of type {node['type']}")


def _by_line(condition: Node) -> bool:
    """Whether a record is joined to what was made of it before: its line says no more than which record it is."""
    if condition["type"] != "COMPARE_EQUAL":
        return False
    return all(condition[side].get("column_names", [None])[-1] == "line" for side in ("left", "right"))


class _Select:
    """One SELECT: its tables, and its columns as they are asked for."""

    def __init__(self, node: Node, tables: dict[str, Relation], known: dict[str, Relation]) -> None:
        self.tables = tables
        self.known = known
        self.columns: Relation = {}
        for item in node["select_list"]:
            if item["class"] == "STAR":
                left_out = {name.lower() for name in item["exclude_list"]}
                for table, relation in tables.items():
                    if item["relation_name"].lower() in {"", table}:
                        self.columns |= {n: v for n, v in relation.items() if n not in left_out}
            else:
                name = item["alias"] or item["column_names"][-1]
                self.columns[name.lower()] = self._later(item)

    def _later(self, item: Node) -> Callable[[], Value]:
        found: list[Value] = []

        def follow() -> Value:
            if not found:
                found.append(self.value(item, {}))
            return found[0]

        return follow

    def value(self, node: Node, scope: dict[str, Value]) -> Value:
        """What an expression is made of; `scope` are the parameters of the lambdas around it."""
        kind = node["class"]
        if kind == "COLUMN_REF":
            return self._column([n.lower() for n in node["column_names"]], scope)
        if kind == "CONSTANT":
            return _constant(node)
        if kind == "FUNCTION":
            return self._function(node, scope)
        if kind == "CASE":
            tests = [self.value(check["when_expr"], scope) for check in node["case_checks"]]
            results = [self.value(check["then_expr"], scope) for check in node["case_checks"]]
            return merged([*results, self.value(node["else_expr"], scope)]).when(*tests)
        if kind == "WINDOW":
            return self._window(node, scope)
        if kind == "SUBQUERY":
            [column] = columns(node["subquery"]["node"], self.known).values()
            return column()
        return self._operator(node, scope)

    def _column(self, names: list[str], scope: dict[str, Value]) -> Value:
        first, *rest = names
        if first in scope:
            value = scope[first]
        elif rest and rest[0] in self.tables.get(first, {}):
            value = self.tables[first][rest[0]]()
            rest = rest[1:]
        else:
            relation = next((t for t in self.tables.values() if first in t), self.columns)
            if first not in relation:
                raise NotImplementedError(f"the lineage of a format does not find a column {first}")
            value = relation[first]()
        for name in rest:
            value = value.get(name)
        return value

    def _function(self, node: Node, scope: dict[str, Value]) -> Value:
        name = node["function_name"].lower()
        given = [a["expression"] for a in node["arguments"]]
        if len(given) > 1 and given[1]["class"] == "LAMBDA":
            parameter = given[1]["lhs"]["column_names"][-1].lower()
            body = given[1]["expr"]
            return mapped(name, self.value(given[0], scope), lambda item: self.value(body, scope | {parameter: item}))
        return called(name, [self.value(g, scope) for g in given], [a["name"] for a in node["arguments"]])

    def _window(self, node: Node, scope: dict[str, Value]) -> Value:
        over = [*node["partitions"], *(o["expression"] for o in node["orders"])]
        if node["filter_expr"]:
            over.append(node["filter_expr"])
        arguments = [self.value(a["expression"], scope) for a in node["arguments"]]
        return called(node["function_name"].lower(), arguments, []).when(*(self.value(o, scope) for o in over))

    def _operator(self, node: Node, scope: dict[str, Value]) -> Value:
        parts = node.get("children") or [
            node[k] for k in ("child", "input", "left", "right", "lower", "upper") if node.get(k)
        ]
        if not parts:
            raise NotImplementedError(f"the lineage of a format does not follow an expression of type {node['type']}")
        values = [self.value(p, scope) for p in parts]
        kind = node["type"]
        if kind == "OPERATOR_COALESCE":
            return merged(values)
        if kind in _PASSED_ON:
            return values[0]
        if kind in {"ARRAY_EXTRACT", "STRUCT_EXTRACT"}:
            return called(kind.lower(), values, [])
        return any_function(values)


def _constant(node: Node) -> Value:
    literal = node["literal"]
    if literal["kind"] == "NULL_LITERAL":
        return Value()
    return Value(constants={int(literal["text"]) if literal["kind"] == "INTEGER" else literal["text"]: None})
