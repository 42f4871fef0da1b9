#!/usr/bin/env python3
"""Condenses the full table descriptions (entities/*.json of the Dataverse reference) into the files beside this script.

    python3 condense.py DIRECTORY_WITH_FULL_DESCRIPTIONS

What is left out: helper columns (`...name`, `...yominame`: annotations serve them), columns that are no OData property, false
and null flags (a reader takes a missing flag as false), sources and notes. businessunit.json, transactioncurrency.json,
role.json and organization.json are written by hand: only what look-ups and the first calls of a client need.
"""
import json
import pathlib
import sys

TABLES = ["account", "annotation", "contact", "incident", "lead", "systemuser", "task", "team"]
TABLE_KEYS = [
    "LogicalName", "SchemaName", "EntitySetName", "LogicalCollectionName", "ObjectTypeCode", "OwnershipType",
    "PrimaryIdAttribute", "PrimaryNameAttribute", "DisplayName", "DisplayCollectionName", "IsActivity",
    "ChangeTrackingEnabled", "IsOptimisticConcurrencyEnabled", "HasNotes", "HasActivities",
    "IsDuplicateDetectionEnabled", "Privileges", "AlternateKeys",
]
IMAGE = "entityimageid"


def present(value):
    return value is not None and value is not False and value != []


def is_odata_property(column):
    helper = column.get("AttributeOf") not in (None, IMAGE)
    return not helper and column.get("EdmType") and column.get("IsValidForRead")


def condensed(column):
    kept = {key: value for key, value in column.items() if present(value) and key not in ("IsLogical", "IsValidForRead")}
    if column.get("DefaultValue") is False:
        kept["DefaultValue"] = False
    return kept


def lines(items):
    return ",\n  ".join(json.dumps(item, ensure_ascii=False) for item in items)


source = pathlib.Path(sys.argv[1])
for table in TABLES:
    full = json.loads((source / f"{table}.json").read_text())
    head = {key: full[key] for key in TABLE_KEYS if present(full.get(key))}
    columns = [condensed(c) for c in full["Attributes"] if is_odata_property(c)]
    parents = [{k: v for k, v in r.items() if present(v)} for r in full["ManyToOneRelationships"]]
    children = [{k: v for k, v in r.items() if present(v)} for r in full["OneToManyRelationships"]]
    text = json.dumps(head, ensure_ascii=False, indent=1).rstrip("}\n ")
    text += f',\n "Attributes": [\n  {lines(columns)}],\n'
    text += f' "ManyToOneRelationships": [\n  {lines(parents)}],\n "OneToManyRelationships": [\n  {lines(children)}]\n}}\n'
    json.loads(text)
    (pathlib.Path(__file__).parent / f"{table}.json").write_text(text)
